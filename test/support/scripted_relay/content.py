"""What a scripted relay keeps of a message's content: the octets as they came over the wire.

Content may be 100 MB, so only the first part stays in memory; the rest goes to a side file and a digest.
"""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import BinaryIO, Optional

TERMINATOR = b"\r\n.\r\n"
MEMORY_LIMIT = 256 * 1024


class LineEndCheck:
    """Finds every CR and LF that is not part of a CRLF, at whatever place the stream is cut."""

    def __init__(self) -> None:
        self.bare_cr = 0
        self.bare_lf = 0
        self.longest_line = 0
        self._line = 0
        self._carry = b""

    def feed(self, data: bytes) -> None:
        text = self._carry + data
        self._carry = b"\r" if text.endswith(b"\r") else b""
        text = text[: len(text) - len(self._carry)]
        pairs = text.count(b"\r\n")
        self.bare_cr += text.count(b"\r") - pairs
        self.bare_lf += text.count(b"\n") - pairs
        first, *others = text.split(b"\r\n")
        self._line += len(first)
        self.longest_line = max(self.longest_line, self._line)
        if others:
            self._line = len(others[-1])
            self.longest_line = max(self.longest_line, *map(len, others))

    def end(self) -> None:
        self.bare_cr += len(self._carry)
        self._carry = b""


class ContentSink:
    """Takes the octets after the 354 reply and says where the final dot is.

    The stream starts as if CRLF had just passed, so that `.CRLF` alone ends an empty message. The CRLF
    before the dot belongs to the content, the dot and its own CRLF do not.
    """

    def __init__(self, side_file: Path, keep: Optional[int] = None) -> None:
        self.length = 0
        self.checks = LineEndCheck()
        self._digest = hashlib.sha256()
        self._held = b"\r\n"
        self._skip = 2
        self._memory = bytearray()
        self._side_file = side_file
        self._file: Optional[BinaryIO] = None
        self._keep = keep

    def feed(self, data: bytes) -> Optional[bytes]:
        """None while the content goes on; else what came after the final dot (perhaps nothing)."""
        window = self._held + data
        end = window.find(TERMINATOR)
        if end >= 0:
            self._commit(window[: end + 2])
            self._held = b""
            return window[end + len(TERMINATOR):]
        hold = min(len(window), len(TERMINATOR) - 1)
        self._commit(window[: len(window) - hold])
        self._held = window[len(window) - hold:]
        return None

    def finish(self) -> None:
        """The connection ended or the dot came: nothing is held back any more."""
        self._commit(self._held)
        self._held = b""
        self.checks.end()
        if self._file:
            self._file.close()

    def describe(self) -> dict[str, object]:
        found: dict[str, object] = {
            "length": self.length, "sha256": self._digest.hexdigest(),
            "longest_line": self.checks.longest_line,
        }
        if self._file:
            found["file"] = str(self._side_file)
        else:
            found["base64"] = base64.b64encode(self._memory).decode("ascii")
        return found

    def violations(self) -> list[str]:
        counts = {"bare CR in content": self.checks.bare_cr, "bare LF in content": self.checks.bare_lf}
        return [f"{what}: {count}" for what, count in counts.items() if count]

    def _commit(self, data: bytes) -> None:
        skipped = min(self._skip, len(data))
        self._skip -= skipped
        data = data[skipped:]
        if not data:
            return
        self.length += len(data)
        self._digest.update(data)
        self.checks.feed(data)
        self._store(data)

    def _store(self, data: bytes) -> None:
        if self._keep is not None:
            room = self._keep - (self.length - len(data))
            data = data[: max(room, 0)]
        if self._file:
            self._file.write(data)
            return
        self._memory += data
        if len(self._memory) > MEMORY_LIMIT:
            self._file = open(self._side_file, "wb")
            self._file.write(self._memory)
            self._memory.clear()

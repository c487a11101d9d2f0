"""Postfix's smtp-sink(1) as a relay that keeps every message it accepted."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from support.machine import free_port, is_listening, wait_until

_HEADERS = re.compile(rb"(?:X-[\w-]+: [^\n]*\n)+Received: [^\n]*\n\t[^\n]*\n\t[^\n]*\n")


@dataclass(frozen=True)
class Message:
    """A message as the relay took it: envelope arguments as they were sent, content with LF line ends."""

    mail: str
    recipients: tuple[str, ...]
    content: bytes


def parse_dump(dump: bytes) -> Message:
    """Splits smtp-sink's own header from the content, which it ends with an extra empty line."""
    own = _HEADERS.match(dump)
    if not own or not dump.endswith(b"\n"):
        raise ValueError("not a dump of smtp-sink, or not a complete one")
    header = own.group().decode(errors="surrogateescape")
    mail = re.findall(r"^X-Mail-Args: (.*)$", header, re.MULTILINE)
    recipients = re.findall(r"^X-Rcpt-Args: (.*)$", header, re.MULTILINE)
    return Message(mail[0], tuple(recipients), dump[own.end() : -1])


class SmtpSink:
    """Options are smtp-sink's own, such as "-f RCPT" (refuse RCPT with 5yz) or "-r RCPT" (4yz)."""

    def __init__(self, *options: str, keep: bool = True) -> None:
        self._directory = Path(tempfile.mkdtemp(prefix="relaypipe-sink-"))
        self._directory.chmod(0o777)  # smtp-sink writes as the unprivileged user
        self.port = free_port()
        self.destination = f"[127.0.0.1]:{self.port}"
        self.name = f"127.0.0.1[127.0.0.1]:{self.port}"
        dump = ["-d", f"{self._directory}/"] if keep else []
        command = ["smtp-sink", "-u", "nobody", *dump, *options, f"127.0.0.1:{self.port}", "100"]
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        try:
            wait_until(self._ready, f"smtp-sink on port {self.port}")
        except BaseException:
            self.stop()
            raise

    def _ready(self) -> bool:
        if self._process.poll() is not None:
            raise RuntimeError(f"smtp-sink ended with {self._process.returncode}")
        return is_listening(self.port)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait()
        shutil.rmtree(self._directory, ignore_errors=True)

    def messages(self) -> list[Message]:
        """What was accepted until now, oldest first; ask when no transaction is under way.

        smtp-sink removes the file of a transaction that did not end well.
        """
        dumps = sorted(self._directory.iterdir(), key=lambda path: path.stat().st_mtime_ns)
        return [parse_dump(path.read_bytes()) for path in dumps]

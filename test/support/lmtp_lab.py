"""A Postfix with both front ends: example.com by LMTP, pipe.example by pipe(8), to the same relays.

The entry of spawn(8) and the lines of main.cf are those which master.cf.example shows in its comments.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Mapping, Sequence

from support.machine import processes
from support.postfix import EXAMPLE_ENTRY, EXAMPLE_PROGRAM, EXAMPLE_USER, UNPRIVILEGED_USER, PostfixLab, replaced

SERVICE = "relaypipe-lmtp"
NEXTHOP = "--nexthop outbound"
# What Postfix's own master.cf has, and those of the other tests need not.
SERVICES = """\
lmtp      unix  - - n -   - lmtp
scache    unix  - - n -   1 scache
verify    unix  - - n -   1 verify
"""


def example_lmtp_entry() -> str:
    """The entry of spawn(8) in master.cf.example."""
    found = re.search(rf"^#{SERVICE} .*\n(?:#  \S.*\n)+", EXAMPLE_ENTRY.read_text(), re.MULTILINE)
    if not found:
        raise ValueError(f"no entry of {SERVICE} in {EXAMPLE_ENTRY}")
    return re.sub(r"^#", "", found[0], flags=re.MULTILINE)


def example_lmtp_parameters() -> dict[str, str]:
    """The lines of main.cf that belong to it."""
    return dict(re.findall(rf"^#   ((?:{SERVICE}|lmtp)_\w+) = (.+)$", EXAMPLE_ENTRY.read_text(), re.MULTILINE))


class LmtpLab(PostfixLab):
    """`destinations`: the nexthop of both front ends. `options`: further ones of both programs. Each front end has a
    state of its own, so that what one finds out about a relay is not known to the other."""

    def __init__(self, program: Path, destinations: str, *, options: Sequence[str] = (),
                 parameters: Mapping[str, str] | None = None, maxproc: int = 20) -> None:
        super().__init__(program, f"example.com lmtp:unix:private/{SERVICE}\npipe.example relaypipe:{destinations}\n",
                         parameters={**example_lmtp_parameters(), "address_verify_map": "", **(parameters or {})},
                         arguments=" ".join(options))
        self.lmtp_state = self.directory / "lmtp-state"
        self.lmtp_state.mkdir()
        self.lmtp_state.chmod(0o777)
        self._destinations = destinations
        self._options = list(options)
        self._maxproc = maxproc

    def entry(self) -> str:
        added = ["-o", f"syslog_socket={self.syslog_socket}", "-o", f"state_directory={self.lmtp_state}", *self._options]
        edits = {EXAMPLE_PROGRAM: f"argv={self.program}", EXAMPLE_USER: UNPRIVILEGED_USER,
                 NEXTHOP: " ".join([*added, "--nexthop", self._destinations]),
                 "- n n - 20 spawn": f"- n n - {self._maxproc} spawn"}
        return SERVICES + replaced(example_lmtp_entry(), edits) + super().entry()

    def programs(self) -> list[int]:
        """The processes of `relaypipe lmtp` that run for this Postfix; those whose spawn(8) died too."""
        return [pid for pid, _, _ in processes() if self._is_program(pid)]

    def _is_program(self, pid: int) -> bool:
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:    # it ended meanwhile
            return False
        return b"lmtp" in words[1:2] and f"state_directory={self.lmtp_state}".encode() in words

    def carriers(self) -> set[str]:
        """The pids of all `relaypipe lmtp` that ever logged a verdict here."""
        return set(re.findall(r"relaypipe\[(\d+)\]: \w+: to=<[^>]*@example\.com>.*verdict=", self.log()))

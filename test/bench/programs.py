"""The programs that are measured, and how a user would call them for the same work.

relaypipe and the bare program look into the system's directory of authorities. msmtp and curl read its bundle whole,
which is their default; what they cost when somebody gives them a file with the one authority they need is measured too.
The loop is the shell script people write around msmtp to have a second relay.
"""

from __future__ import annotations

import functools
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Callable, List, Optional, Sequence

from relays import Hop
from stage import Stage
from support.installed import copy_relaypipe
from support.mail_servers import SIMPLE_PASSWORD, SIMPLE_USER


HERE = Path(__file__).resolve().parent
SENDER, RECIPIENT = "sender@sender.example", "user@example.com"
ONE_CA = ", one CA"
LOOP_TIMEOUT = 5    # seconds; msmtp itself has none and would wait for ever


@dataclass(frozen=True)
class Envelope:
    """What a delivery is called with; under Postfix these are macros such as "${sender}"."""

    queue_id: str
    size: str
    sender: str = SENDER
    recipient: str = RECIPIENT


@dataclass(frozen=True)
class Binary:
    """A relaypipe as the command line names it, and the folder of its build, where the bare program is."""

    name: str
    path: Path
    build: Path

    @property
    def bare(self) -> Path:
        return self.build / "bench_bare"

    @property
    def bare_name(self) -> str:
        return self.name.replace("relaypipe", "bare") if "relaypipe" in self.name else f"bare {self.name}"


def snapshot(binary: Binary, stage: Stage) -> Binary:
    """A copy: a build that relinks it meanwhile would mix two programs into one run, and any user may start it."""
    folder = stage.fresh("binary")
    folder.chmod(0o755)
    return replace(binary, path=copy_relaypipe(binary.path, folder / "relaypipe"))


@dataclass(frozen=True)
class Program:
    name: str
    arguments: Callable[[Envelope], List[str]]
    build: Optional[Path] = None    # of relaypipe and the bare program: which build they are of
    bare: bool = False
    peer: bool = False    # with its defaults it does the whole work by itself, as relaypipe does: one to hold against


class Cabinet:
    """Programs with the files they need, which belong to one user: some refuse secrets that others own."""

    def __init__(self, stage: Stage, user: str = "") -> None:
        self.stage, self._user = stage, user
        self.directory = stage.fresh("programs")
        self.directory.chmod(0o755)
        self.state = self.directory / "state"
        self._number = 0

    def _own(self, path: Path) -> None:
        if self._user:
            shutil.chown(path, self._user, "nogroup")

    def file(self, name: str, text: str, mode: int = 0o600) -> Path:
        self._number += 1
        path = self.directory / f"{self._number}-{name}"
        path.touch(mode=mode)
        path.write_text(text)
        self._own(path)
        return path

    def _state(self, binary: Binary) -> Path:
        """What deliveries remember together, for each binary its own."""
        for path in (self.state, self.state / binary.name.replace("/", "_")):
            if not path.exists():
                path.mkdir(mode=0o755)
                self._own(path)
        return path

    def forget(self) -> None:
        for path in self.state.glob("*/*"):
            path.unlink()

    def relaypipe(self, binary: Binary, *hops: Hop) -> Program:
        command = [str(binary.path), *self._nexthop(hops), "-o", f"syslog_socket={self.stage.syslog}", "-o",
                   f"state_directory={self._state(binary)}"]
        return Program(binary.name, lambda e: [*command, "--queue-id", e.queue_id, "--size", e.size, "-f", e.sender,
                                               "--", e.recipient], binary.build)

    def lmtp(self, binary: Binary, *hops: Hop) -> list[str]:
        """The words of the command that spawn(8) starts."""
        return [str(binary.path), "lmtp", "-o", f"syslog_socket={self.stage.syslog}", "-o",
                f"state_directory={self._state(binary)}", *self._nexthop(hops)]

    def _nexthop(self, hops: Sequence[Hop]) -> list[str]:
        if not hops[0].secure:
            return ["--nexthop", ",".join(hop.destination for hop in hops)]
        secret = self.file("secret", SIMPLE_PASSWORD)
        relays = "".join(f'[relay.r{number}]\ndestination = "{hop.destination}"\nusername = "{SIMPLE_USER}"\n'
                         f'password_file = "{secret}"\nauth_mechanisms = ["PLAIN"]\n'
                         f'tls_ca_path = "{self.stage.trust}"\n'
                         for number, hop in enumerate(hops))
        tiers = ", ".join(f'["r{number}"]' for number in range(len(hops)))
        config = self.file("relaypipe.toml", f"{relays}[chain.all]\ntiers = [{tiers}]\n", 0o644)
        return ["--config", str(config), "--nexthop", "all"]

    def bare(self, binary: Binary, hop: Hop) -> Program:
        account = []
        if hop.secure:
            account = [str(self.stage.trust), SIMPLE_USER, str(self.file("secret", f"{SIMPLE_PASSWORD}\n"))]
        command = [str(binary.bare), f"smtp://{hop.host}:{hop.port}"]
        return Program(binary.bare_name, lambda e: [*command, e.sender, e.recipient, *account], binary.build, bare=True)

    def _msmtprc(self, hops: Sequence[Hop], timeout: int = 0, ca_file: Optional[Path] = None) -> Path:
        text = "".join(f"account relay{number}\nhost {hop.host}\nport {hop.port}\n"
                       + (f"timeout {timeout}\n" if timeout else "")
                       + (f"auth plain\nuser {SIMPLE_USER}\npassword {SIMPLE_PASSWORD}\ntls on\n" if hop.secure else "")
                       + (f"tls_trust_file {ca_file}\n" if ca_file else "")
                       for number, hop in enumerate(hops, 1))
        return self.file("msmtprc", text)

    def msmtp(self, hop: Hop, ca_file: Optional[Path] = None) -> Program:
        command = ["msmtp", f"--file={self._msmtprc([hop], ca_file=ca_file)}", "--account=relay1"]
        name = "msmtp" + (ONE_CA if ca_file else "")
        return Program(name, lambda e: [*command, f"--from={e.sender}", "--", e.recipient], peer=ca_file is None)

    def loop(self, *hops: Hop) -> Program:
        script = self.file("msmtp_loop", (HERE / "msmtp_loop").read_text(), 0o755)
        command = [str(script), str(self._msmtprc(hops, LOOP_TIMEOUT))]
        return Program("msmtp loop", lambda e: [*command, e.sender, e.recipient])

    def curl(self, hop: Hop, ca_file: Optional[Path] = None) -> Program:
        command = ["curl", "--disable", "--silent", "--show-error", "--crlf", f"smtp://{hop.host}:{hop.port}",
                   "--upload-file", "-"]
        if hop.secure:
            netrc = self.file("netrc", f"machine {hop.host} login {SIMPLE_USER} password {SIMPLE_PASSWORD}\n")
            command += ["--ssl-reqd", "--netrc-file", str(netrc), "--login-options", "AUTH=PLAIN"]
        if ca_file:
            command += ["--cacert", str(ca_file)]
        name = "curl" + (ONE_CA if ca_file else "")
        return Program(name, lambda e: [*command, "--mail-from", e.sender, "--mail-rcpt", e.recipient],
                       peer=ca_file is None)

    def floor(self) -> Program:
        return Program("/bin/true", lambda _: ["/bin/true"])

    def single(self, binaries: Sequence[Binary], hop: Hop) -> list[Program]:
        """All that send to one relay by themselves."""
        bare = {binary.build: binary for binary in reversed(binaries)}    # once for each build
        own = [program for binary in binaries for program in
               [self.relaypipe(binary, hop), *([self.bare(binary, hop)] if bare[binary.build] is binary else [])]]
        return [*own, *(make() for make in self.peers(hop))]

    def peers(self, hop: Hop) -> list[Callable[[], Program]]:
        """msmtp and curl, in TLS also with a file of one authority."""
        files = [None, self.stage.authority] if hop.secure else [None]
        return [functools.partial(make, hop, ca_file) for ca_file in files for make in (self.msmtp, self.curl)]

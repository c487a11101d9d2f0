"""The place of all measurements: a network of its own, names, certificates, relays. Needs root."""

from __future__ import annotations

import contextlib
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator

from relays import Relay
from support import networks
from support.certificates import Authority, trust_directory
from support.machine import SyslogSocket


BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
HOST, FAR_HOST, FAR_ADDRESS = "relay.test", "far.test", "10.99.0.2"


@dataclass
class Stage:
    tools: Path            # the build folder, with bench_relay
    directory: Path        # anybody may pass through
    syslog: Path           # a socket that takes what relaypipe logs
    trust: Path            # a directory of authorities, as /etc/ssl/certs is one
    authority: Path        # its file
    certificate: Path      # of both hosts, signed by it
    plain: Relay
    secure: Relay          # STARTTLS and AUTH PLAIN

    def relay(self, address: str, *, host: str = "", secure: bool = False) -> Relay:
        """Another one; whoever asks stops it."""
        journal = self.directory / f"journal-{address}-{secure}"
        certificate = self.certificate if secure else None
        return Relay(self.tools / "bench_relay", journal, address, host=host, certificate=certificate)

    def fresh(self, name: str) -> Path:
        """An empty directory that was not there before."""
        return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.directory))


def trust_by_default(pki: Path, authority: Authority, directory: Path) -> Path:
    """Programs trust what they trust by default, and the authority of the stage: it stands at the end of the bundle as
    programs here see it, and in the directory that is returned, beside all others of the machine."""
    networks.replace_file(BUNDLE, directory, Path(BUNDLE).read_text() + authority.file.read_text())
    trust_directory(pki / "own", authority)
    hashed = directory / "certs"
    shutil.copytree("/etc/ssl/certs", hashed, symlinks=True)
    for path in (pki / "own").iterdir():
        (hashed / path.name).write_bytes(path.read_bytes())
    return hashed


def check_tools(*programs: Path) -> None:
    for program in programs:
        if not program.exists():
            sys.exit(f"no {program}: build it with `cmake --build {program.parent} --target bench_programs`")


@contextlib.contextmanager
def stage(tools: Path) -> Iterator[Stage]:
    """`tools` is the build folder. From here on this process is in a network and mounts of its own."""
    check_tools(tools / "bench_relay")
    networks.leave_machine()
    networks.build_world()
    with contextlib.ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="relaypipe-bench-")))
        directory.chmod(0o755)
        networks.replace_file("/etc/hosts", directory, f"127.0.0.1 localhost {HOST}\n{FAR_ADDRESS} {FAR_HOST}\n")
        pki = directory / "pki"
        pki.mkdir(mode=0o755)
        authority = Authority(pki / "root", "authority of the stage")
        certificate = authority.certificate(HOST, FAR_HOST)
        trust = trust_by_default(pki, authority, directory)
        syslog = SyslogSocket(directory / "syslog", Path("/dev/null"))
        stack.callback(syslog.close)
        program = tools / "bench_relay"
        plain = Relay(program, directory / "journal-plain", "127.0.0.1")
        stack.callback(plain.stop)
        secure = Relay(program, directory / "journal-secure", "127.0.0.1", host=HOST, certificate=certificate)
        stack.callback(secure.stop)
        yield Stage(tools, directory, directory / "syslog", trust, authority.file, certificate, plain, secure)

"""The base class of the doctor's tests: a configuration directory of Postfix, and what the doctor says of it."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Mapping

from support.case import RelayCase, each
from support.installed import copy_relaypipe
from support.postfix import (BASE_SERVICES, EXAMPLE_PROGRAM, EXAMPLE_USER, UNPRIVILEGED_USER, example_entry,
                             example_parameters, replaced)

LIMIT = 60.0
USER, GROUP = UNPRIVILEGED_USER.removeprefix("user=").split(":")

# As it stands in master.cf.example.
FILTER = "  -o { pipe_delivery_status_filter = regexp:{ {\n" \
         "       /^5\\.3\\.0 (Command (died with status|time limit).*)$$/ 4.3.0 $$1 } } }\n"

GOOD = """\
[relay.one]
destination = "[mail1.example.com]:587"
[relay.two]
destination = "[mail2.example.com]:587"
senders = ["@example.org", "<>"]
[chain.outbound]
tiers = [["one"]]
by_sender = { "@example.org" = "second" }
[chain.second]
tiers = [["two"], ["one"]]
"""


@dataclass(frozen=True)
class Finding:
    severity: str
    where: str
    text: str
    fix: str


@dataclass(frozen=True)
class Diagnosis:
    status: int
    findings: list[Finding]
    services: list[str]


class DoctorCase(RelayCase):
    """A good configuration; each test breaks what it is about."""

    ehlo_name = " -o hostname=client.example"    # not the machine's, which may have no domain

    def setUp(self) -> None:
        super().setUp()
        self.postfix, self.program = self.directory / "etc", self.directory / "relaypipe"
        self.config, self.state = self.directory / "relaypipe.toml", self.directory / "state"
        self.transport = self.directory / "transport"
        self.postfix.mkdir()
        self.state.mkdir()
        shutil.chown(self.state, USER, GROUP)
        copy_relaypipe(Path(os.environ["RELAYPIPE"]), self.program)
        self.syslog = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.syslog.close)
        self.syslog.bind(str(self.directory / "log"))
        (self.directory / "log").chmod(0o666)
        self.write(self.config, GOOD)
        self.write(self.transport, "example.com relaypipe:outbound\n"
                                   "example.net relaypipe:[mx1.example.net]:25,[mx2.example.net]:25\n"
                                   "example.org smtp:[elsewhere.example]\n")
        self.write_postfix()

    def write(self, path: Path, text: str) -> Path:
        path.write_text(text)
        path.chmod(0o644)
        os.utime(path, (0, 0))    # Postfix reads a file again and again until it is two seconds old
        return path

    def own_arguments(self) -> str:
        """What argv has besides the example's, so that the machine's own state and log are left alone."""
        return (f"--config {self.config} -o syslog_socket={self.directory}/log "
                f"-o state_directory={self.state}{self.ehlo_name}")

    def write_postfix(self, entry_edits: Mapping[str, str] | None = None, entry: str | None = None,
                      **parameters: str | None) -> None:
        """main.cf and master.cf; the edits change the entry of master.cf.example, the parameters (None: left out)
        what stands in main.cf."""
        good = replaced(example_entry(), {EXAMPLE_PROGRAM: f"argv={self.program}", EXAMPLE_USER: UNPRIVILEGED_USER})
        broken = replaced(good, entry_edits or {}) if entry is None else entry
        self.write(self.postfix / "master.cf",
                   BASE_SERVICES.format(port=10025) +
                   broken.replace(str(self.program), f"{self.program} {self.own_arguments()}"))
        main = {"compatibility_level": "3.6", "queue_directory": str(self.directory / "queue"),
                "transport_maps": f"texthash:{self.transport}", **example_parameters(), **parameters}
        self.write(self.postfix / "main.cf", "".join(f"{k} = {v}\n" for k, v in main.items() if v is not None))

    # -- running ------------------------------------------------------------------------------

    def run_doctor(self, *words: str) -> tuple[int, str]:
        done = subprocess.run([self.program, "doctor", "--config-directory", self.postfix, *words],
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=LIMIT)
        self.assertEqual(done.stderr, b"")
        return done.returncode, done.stdout.decode()

    def diagnose(self, *words: str) -> Diagnosis:
        status, text = self.run_doctor("--json", *words)
        told: dict[str, Any] = json.loads(text)
        findings = [Finding(**each) for each in told["findings"]]
        errors = sum(f.severity == "error" for f in findings)
        self.assertEqual((told["errors"], told["warnings"]), (errors, len(findings) - errors))
        self.assertEqual(status, 2 if errors else 1 if findings else 0, text)
        return Diagnosis(status, findings, told["services"])

    def fix(self, answer: str) -> str:
        """`doctor --fix`, with that answer to its question."""
        done = subprocess.run([self.program, "doctor", "--fix", "--config-directory", self.postfix], input=answer,
                              capture_output=True, text=True, timeout=LIMIT)
        self.assertEqual(done.stderr, "")
        return done.stdout

    def shell(self, line: str) -> str:
        """What a person would do with a line of the doctor's: paste it into a shell."""
        done = subprocess.run(["sh", "-c", line], stdin=subprocess.DEVNULL, capture_output=True, timeout=LIMIT, text=True)
        self.assertEqual(done.returncode, 0, f"{line}\n{done.stderr}")
        for path in self.postfix.iterdir():
            os.utime(path, (0, 0))
        return done.stdout

    def postconf(self, *words: str) -> str:
        return subprocess.run(["postconf", "-c", self.postfix, *words], capture_output=True, text=True, check=True,
                              env={**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin"}).stdout

    # -- what came of it ----------------------------------------------------------------------

    def assert_found(self, severity: str, *words: str, where: str = "") -> Finding:
        """The one finding there is: what a test breaks must not look like something else as well."""
        found = self.diagnose().findings
        self.assertEqual(len(found), 1, found)
        self.assertEqual(found[0].severity, severity, found)
        for word in words:
            self.assertIn(word, found[0].text)
        self.assertIn(where, found[0].where)
        return found[0]

    def assert_mended(self, finding: Finding) -> None:
        """Its line makes it go away, and brings nothing else."""
        self.assertNotEqual(finding.fix, "", finding)
        self.shell(finding.fix)
        after = self.diagnose()
        self.assertEqual((after.findings, after.status), ([], 0), finding.fix)


__all__ = ["FILTER", "Diagnosis", "DoctorCase", "Finding", "GOOD", "GROUP", "LIMIT", "USER", "each"]

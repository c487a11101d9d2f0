"""What the user of master.cf may read, write and run, with the one group that pipe(8) gives it."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import subprocess
import unittest
from pathlib import Path
from typing import Iterator

from doctor_case import GOOD, GROUP, LIMIT, USER, DoctorCase, Finding
from support.case import each

POSTLOG = Path("/usr/sbin/postlog")

SECRET = GOOD.replace('senders =', 'username = "us"\npassword_file = "$secret"\nsenders =')


class Files(DoctorCase):
    def secret(self, mode: int, group: str = "root") -> None:
        path = self.directory / "secret"
        path.write_text("hunter2\n")
        os.chown(path, 0, 0)
        subprocess.run(["chgrp", group, path], check=True)
        path.chmod(mode)
        self.write(self.config, SECRET.replace("$secret", str(path)))

    def test_readable_secret(self) -> None:
        self.secret(0o640, GROUP)
        self.assertEqual(self.diagnose().findings, [])

    def test_secret_of_root(self) -> None:
        self.secret(0o600)
        self.assert_mended(self.assert_found("error", "secret cannot be read by nobody", "only group"))

    def test_group_the_user_has_only_outside(self) -> None:
        """A supplementary group of the user is none under pipe(8): what `runuser` lets it read, a delivery may not."""
        self.secret(0o640, "mail")
        self.assert_mended(self.assert_found("error", "whose only group under pipe(8) is nogroup"))

    def test_secret_that_all_can_read(self) -> None:
        self.secret(0o644)
        self.assertEqual(self.assert_found("error", "may be read or written by everybody").fix, "")

    def test_configuration(self) -> None:
        self.config.chmod(0o600)
        self.assert_mended(self.assert_found("error", f"{self.config} cannot be read by nobody"))

    def test_file_that_the_configuration_includes(self) -> None:
        """Another file that cannot be opened hides nothing of it."""
        self.secret(0o600)
        more = self.write(self.directory / "more.toml", '[relay.three]\ndestination = "[mail3.example.com]:587"\n')
        more.chmod(0o600)
        self.write(self.config, f'include = "{more}"\n' + self.config.read_text())
        found = self.diagnose().findings
        self.assertTrue(any(f.text.startswith(f"{more}: cannot be opened") for f in found), found)

    def test_directory_of_the_configuration(self) -> None:
        """The file is open to all; its directory is not, as after `chmod 0700 /etc/relaypipe`."""
        closed = self.directory / "closed"
        closed.mkdir(mode=0o700)
        self.config = self.write(closed / "relaypipe.toml", GOOD)
        self.write_postfix()
        finding = self.assert_found("error", f"the directory {closed} lets neither")
        self.assert_mended(finding)

    def test_wrong_configuration(self) -> None:
        self.write(self.config, GOOD.replace("tiers = [[\"one\"]]", "tires = [[\"one\"]]"))
        self.assertTrue(any("did you mean tiers?" in f.text for f in self.diagnose().findings))

    def test_configuration_of_the_command_line(self) -> None:
        """It takes the place of what argv says: to look at a new file before it is used."""
        other = self.write(self.directory / "other.toml", "tires = 1\n")
        self.assertEqual(self.diagnose().findings, [])
        self.assertTrue(any("other.toml" in f.text for f in self.diagnose("--config", str(other)).findings))


SES = """\
destination = "https:"
provider = "ses"
region = "eu-west-1"
password_file = "$secret"
"""
GRAPH = """\
destination = "https:"
provider = "graph"
mailbox = "alerts@example.com"
oauth2.grant = "client_credentials"
oauth2.token_endpoint = "https://login.example.com/token"
oauth2.client_id = "id"
oauth2.client_secret_file = "$secret"
"""
KEY_PAIR = "AWS_ACCESS_KEY_ID=AKIAEXAMPLE\nAWS_SECRET_ACCESS_KEY=hunter2\n"


class Https(DoctorCase):
    """Relays that speak HTTPS: what they live by is looked at as for SMTP."""

    def relay(self, keys: str, secret: str, mode: int = 0o640, group: str = GROUP) -> None:
        path = self.directory / "secret"
        path.write_text(secret)
        os.chown(path, 0, 0)
        subprocess.run(["chgrp", group, path], check=True)
        path.chmod(mode)
        self.write(self.config, GOOD.replace('destination = "[mail1.example.com]:587"\n', keys.replace("$secret", str(path))))

    @each({"ses": (SES, KEY_PAIR), "graph": (GRAPH, "hunter2\n")})
    def test_readable(self, keys: str, secret: str) -> None:
        self.relay(keys, secret)
        self.assertEqual([f for f in self.diagnose().findings if "recipient_limit" not in f.text and "bounces" not in f.text], [])

    @each({"ses": (SES, KEY_PAIR), "graph": (GRAPH, "hunter2\n")})
    def test_of_root(self, keys: str, secret: str) -> None:
        self.relay(keys, secret, 0o600, "root")
        found = [f for f in self.diagnose().findings if "secret cannot be read by nobody" in f.text]
        self.assertEqual([(f.severity, bool(f.fix)) for f in found], [("error", True)])
        self.shell(found[0].fix)
        self.assertFalse([f for f in self.diagnose().findings if f.severity == "error"])

    def test_half_a_key(self) -> None:
        self.relay(SES, "AWS_SECRET_ACCESS_KEY=hunter2\n")
        finding = self.assert_found("error", "holds no access key")
        self.assertNotIn("hunter2", finding.text)

    def test_authorities_that_are_not_there(self) -> None:
        """Nothing weaker than a verified certificate is used, so this is no default that may be meant for others."""
        self.relay(SES + 'tls_ca_file = "/nowhere/ca.pem"\n', KEY_PAIR)
        self.assert_found("error", "tls_ca_file: /nowhere/ca.pem cannot be read")

    def test_relays_that_write_to_whom_the_header_names(self) -> None:
        """A message to several recipients that comes in parts would wait for ever."""
        self.relay(GRAPH, "hunter2\n")
        self.write(self.config, self.config.read_text().replace('by_sender = { "@example.org" = "second" }\n', ""))
        found, = [f for f in self.diagnose().findings if "recipient_limit" in f.text]
        self.assertIn("the relays of chain outbound write to whom the header of a message names", found.text)
        self.shell(found.fix)
        self.assertFalse([f for f in self.diagnose().findings if "recipient_limit" in f.text])


class Fleet(DoctorCase):
    def test_password_of_the_store(self) -> None:
        path = self.directory / "secret"
        path.write_text("hunter2\n")
        path.chmod(0o600)
        self.write(self.config, GOOD + f'[fleet]\nurl = "unix:{self.directory}/none"\npassword_file = "{path}"\n')
        found, = [f for f in self.diagnose().findings if "secret cannot be read by nobody" in f.text]
        self.shell(found.fix)
        self.assertFalse([f for f in self.diagnose().findings if f.severity == "error"])


@contextlib.contextmanager
def small_file_system(directory: Path) -> Iterator[None]:
    """64 KiB of its own. Every test is a process of its own, but mounts are not: it is taken away again."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k,mode=0700", "none", directory], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", directory], check=True)


class Fixing(DoctorCase):
    def test_commands_are_run_after_asking(self) -> None:
        self.write_postfix({"flags=q": "flags=Dq"}, relaypipe_destination_recipient_limit=None)
        told = self.fix("y\n")
        self.assertIn("Run the 2 commands above? [y/N]", told)
        self.assertTrue(told.endswith(f"{self.postfix}: 1 service; 0 errors, 0 warnings\n"), told)
        self.assertEqual(self.diagnose().findings, [])

    @each({"no": ("n\n",), "nothing": ("",), "something_else": ("perhaps\n",)})
    def test_no_is_no(self, answer: str) -> None:
        self.write_postfix({"flags=q": "flags=Dq"})
        before = (self.postfix / "master.cf").read_text()
        self.assertIn("Nothing was changed.", self.fix(answer))
        self.assertEqual((self.postfix / "master.cf").read_text(), before)

    def test_nothing_to_run(self) -> None:
        self.assertNotIn("[y/N]", self.fix("y\n"))


class State(DoctorCase):
    def test_missing(self) -> None:
        self.state.rmdir()
        self.assert_mended(self.assert_found("warning", "state_directory", "No such file"))
        self.assertEqual(oct(self.state.stat().st_mode & 0o777), "0o700")

    def test_of_another_user(self) -> None:
        os.chown(self.state, 0, 0)
        self.assert_mended(self.assert_found("warning", "state_directory", "Permission denied"))


    def test_full_file_system(self) -> None:
        with small_file_system(self.state):
            shutil.chown(self.state, USER, GROUP)
            self.assertEqual(self.diagnose().findings, [])
            with contextlib.suppress(OSError):
                (self.state / "filler").write_bytes(b"x" * (1 << 20))
            os.chmod(self.state / "filler", 0o666)
            self.assert_found("warning", f"state_directory {self.state}", "no room left")

    def test_file_that_root_left(self) -> None:
        (self.state / "tokens").mkdir()
        (self.state / "tokens" / "one").touch(0o600)
        self.assert_mended(self.assert_found("warning", "state_directory", "Permission denied"))


@unittest.skipIf(POSTLOG.exists() and POSTLOG.stat().st_mode & stat.S_ISGID, "postlog(1) takes the lines here")
class Log(DoctorCase):
    """A container: nobody listens for syslog."""

    def setUp(self) -> None:
        super().setUp()
        self.syslog.close()

    def fixed(self, finding: Finding) -> None:
        """Its line, with another file than that of the machine."""
        self.assertIn("/var/log/relaypipe.log", finding.fix)
        self.shell(finding.fix.replace("/var/log/relaypipe.log", f"{self.directory}/own.log"))
        self.assertEqual(self.diagnose().findings, [])
        self.assertIn(f'log_file = "{self.directory}/own.log"\n', self.config.read_text())

    def test_lines_are_lost(self) -> None:
        self.fixed(self.assert_found("warning", "nobody listens there; nothing is logged"))

    def test_without_a_configuration_file(self) -> None:
        self.write(self.config, "")
        self.write(self.transport, "example.com relaypipe:[mail1.example.com]:587\n")
        self.fixed(self.assert_found("warning", "nobody listens there; nothing is logged"))

    def test_a_file_that_the_user_may_not_write(self) -> None:
        log = self.directory / "own.log"
        log.touch(0o600)
        self.write(self.config, f'log_file = "{log}"\n' + GOOD)
        self.assert_mended(self.assert_found("warning", f"log_file {log}: Permission denied; nothing is logged"))


class EhloName(DoctorCase):
    ehlo_name = ""

    def test_another_than_that_of_smtp(self) -> None:
        self.write_postfix(myhostname="mail.example.com")
        finding = self.assert_found("warning", "that of smtp(8) is mail.example.com", 'hostname = "mail.example.com"')
        self.assert_mended(finding)

    def test_smtp_helo_name(self) -> None:
        self.write_postfix(myhostname="mail.example.com", smtp_helo_name="out.$mydomain")
        self.assert_found("warning", "that of smtp(8) is out.example.com")

    def test_of_the_service_smtp(self) -> None:
        self.write_postfix(myhostname="mail.example.com")
        self.postconf("-P", "smtp/unix/smtp_helo_name=other.example.com")
        self.assert_found("warning", "that of smtp(8) is other.example.com")

    def test_none_that_relays_accept(self) -> None:
        if "." in os.uname().nodename:
            self.skipTest("this machine has one")
        self.write_postfix(myhostname="vm.localdomain")
        self.assert_found("warning", "set myhostname")

    def test_in_the_configuration(self) -> None:
        self.write_postfix(myhostname="mail.example.com")
        self.write(self.config, '[defaults]\nhostname = "other.example.com"\n' + GOOD)
        self.assertEqual(self.diagnose().findings, [])


class Program(DoctorCase):
    def look(self) -> None:
        """The doctor runs from another file than the one it judges."""
        self.judged = self.directory / "bin" / "relaypipe"
        self.judged.parent.mkdir(exist_ok=True)
        self.write_postfix()
        master = self.postfix / "master.cf"
        self.write(master, master.read_text().replace(f"argv={self.program} ", f"argv={self.judged} "))

    def test_missing(self) -> None:
        self.look()
        self.assert_mended(self.assert_found("error", "bin/relaypipe: No such file", "all mail waits"))
        self.assertIn(f"argv={self.program} ", self.postconf("-M", "relaypipe/unix"))

    def test_not_executable(self) -> None:
        self.look()
        self.judged.write_bytes(self.program.read_bytes())
        self.judged.chmod(0o644)
        self.assert_mended(self.assert_found("error", "cannot be run by nobody"))

    def test_empty(self) -> None:
        """execvp(3) hands it to sh, which ends well: Postfix logs the mail as sent."""
        self.look()
        self.judged.touch(0o755)
        self.assert_found("error", "is not a program", "mail may get lost")


class User(DoctorCase):
    @each({
        "root": ("user=root", "as root"),
        "postfix": ("user=postfix", "Postfix's own"),
        "postdrop": ("user=nobody:postdrop", "Postfix's own"),
        "missing": ("", "user is missing"),
    })
    def test_refused_by_pipe(self, user: str, words: str) -> None:
        self.write_postfix({"user=nobody:nogroup": user})
        found = [f for f in self.diagnose().findings if words in f.text]
        self.assertEqual([f.severity for f in found], ["error"])
        self.shell(found[0].fix)
        self.assertFalse([f for f in self.diagnose().findings if words in f.text])
        self.assertIn("user=relaypipe", self.postconf("-M", "relaypipe/unix"))

    def test_unknown(self) -> None:
        self.write_postfix({"user=nobody:nogroup": "user=nobody-here"})
        self.assert_found("error", "this machine has no such user or group")

    def test_without_root(self) -> None:
        """Only root can become the user; what is said without is said as a warning."""
        self.assertEqual(USER, "nobody")
        done = subprocess.run([self.program, "doctor", "--config-directory", self.postfix], capture_output=True, text=True,
                              user="daemon", group="daemon", extra_groups=[])
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("run this as root", done.stdout)

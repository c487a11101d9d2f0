"""What the user of master.cf may read, write and run, with the one group that pipe(8) gives it."""

from __future__ import annotations

import os
import subprocess

from doctor_case import GOOD, GROUP, USER, DoctorCase, each

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
        self.assertEqual(self.assert_found("error", "may be read or written by everybody").mend, "")

    def test_configuration(self) -> None:
        self.config.chmod(0o600)
        self.assert_mended(self.assert_found("error", f"{self.config} cannot be read by nobody"))

    def test_wrong_configuration(self) -> None:
        self.write(self.config, GOOD.replace("tiers = [[\"one\"]]", "tires = [[\"one\"]]"))
        self.assertTrue(any("did you mean tiers?" in f.text for f in self.diagnose().findings))

    def test_configuration_of_the_command_line(self) -> None:
        """It takes the place of what argv says: to look at a new file before it is used."""
        other = self.write(self.directory / "other.toml", "tires = 1\n")
        self.assertEqual(self.diagnose().findings, [])
        self.assertTrue(any("other.toml" in f.text for f in self.diagnose("--config", str(other)).findings))


class State(DoctorCase):
    def test_missing(self) -> None:
        self.state.rmdir()
        self.assert_mended(self.assert_found("warning", "state_directory", "No such file"))
        self.assertEqual(oct(self.state.stat().st_mode & 0o777), "0o700")

    def test_of_another_user(self) -> None:
        os.chown(self.state, 0, 0)
        self.assert_mended(self.assert_found("warning", "state_directory", "Permission denied"))


    def test_file_that_root_left(self) -> None:
        (self.state / "tokens").mkdir()
        (self.state / "tokens" / "one").touch(0o600)
        self.assert_mended(self.assert_found("warning", "state_directory", "Permission denied"))


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
        self.assert_found("error", "bin/relaypipe: No such file", "all mail waits")

    def test_not_executable(self) -> None:
        self.look()
        self.judged.write_bytes(self.program.read_bytes())
        self.judged.chmod(0o644)
        self.assert_mended(self.assert_found("error", "cannot be run by nobody"))

    def test_empty(self) -> None:
        """execvp(3) hands it to sh, which ends well: Postfix logs the mail as sent."""
        self.look()
        self.judged.touch(0o755)
        self.assert_found("error", "is no program", "mail may get lost")


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
        self.shell(found[0].mend)
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

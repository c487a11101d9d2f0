"""The filter in master.cf.example: bounces that only Postfix can make become deferrals, verdicts stay what they are."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from postfix_case import MESSAGE, PostfixCase
from support.mail_log import Delivery
from support.postfix import example_entry

READ_ALL = "cat >/dev/null; "


def without_filter() -> dict[str, str]:
    """The edit that takes the filter out of the example entry."""
    pattern = re.compile(r"^ *-o \{ pipe_delivery_status_filter = .*? \} \} \}\n", re.MULTILINE | re.DOTALL)
    (option,) = pattern.findall(example_entry())
    return {option: ""}


class SafetyNet(PostfixCase):
    def result_of(self, program: Path, filtered: bool = True) -> Delivery:
        lab = self.postfix(
            program=program,
            parameters={"relaypipe_time_limit": "1s"},
            entry_edits={} if filtered else without_filter(),
        )
        return lab.wait_for_delivery(lab.submit(MESSAGE, "user@example.com"))

    def assert_only_the_filter_saves(self, program: Path, text: str) -> None:
        self.assert_delivery(self.result_of(program, filtered=False), "bounced", "5.3.0", text)
        self.assert_delivery(self.result_of(program), "deferred", "4.3.0", text)

    def test_missing_library(self) -> None:
        self.assert_only_the_filter_saves(self.program_without_its_library(), "Command died with status 127")

    def program_without_its_library(self) -> Path:
        def compile_c(source: str, *options: str) -> None:
            subprocess.run(["cc", "-x", "c", "-", *options], input=source.encode(), cwd=self.directory, check=True)

        compile_c("int gone(void) { return 0; }", "-shared", "-fPIC", "-o", "libgone.so")
        # -x c would hold for the library too, so it is named by -l
        compile_c("int gone(void); int main(void) { return gone(); }", "-o", "program", "-L.", "-lgone")
        (self.directory / "libgone.so").unlink()
        return self.directory / "program"

    def test_odd_exit_status(self) -> None:
        self.assert_only_the_filter_saves(
            self.script(READ_ALL + "echo 'odd $1 {text}' >&2; exit 3"), 'Command died with status 3: "'
        )

    def test_half_a_script(self) -> None:
        """A shell wrapper around relaypipe that was cut off while being edited."""
        self.assert_only_the_filter_saves(self.script("if true; then"), "Command died with status 2")

    def test_time_limit(self) -> None:
        self.assert_only_the_filter_saves(self.script("exec sleep 300"), "Command time limit exceeded")

    def test_killed_by_a_signal(self) -> None:
        """Postfix itself defers this."""
        for filtered in (False, True):
            delivery = self.result_of(self.script("kill -SEGV $$"), filtered)
            self.assert_delivery(delivery, "deferred", "4.3.0", "Command died with signal 11")

    def test_not_executable(self) -> None:
        """Postfix itself defers this."""
        lab = self.postfix(program=self.script("exit 0"))
        lab.program.chmod(0o644)
        delivery = lab.wait_for_delivery(lab.submit(MESSAGE, "user@example.com"))
        self.assert_delivery(delivery, "deferred", "4.3.0", "Permission denied")

    def test_verdicts_pass_unchanged(self) -> None:
        said = "host mx.example[192.0.2.1]:25 said: 550 5.3.0 Command died with status 1 (in reply to RCPT TO command)"
        for dsn, status in (("5.3.0", 69), ("5.1.1", 67), ("5.6.0", 65), ("5.7.1", 77)):
            with self.subTest(dsn):
                delivery = self.result_of(self.script(f"{READ_ALL}echo '{dsn} {said}'; exit {status}"))
                self.assert_delivery(delivery, "bounced", dsn, said)

    def test_own_deferral_passes_unchanged(self) -> None:
        delivery = self.result_of(self.script(READ_ALL + "echo '4.4.1 connect to mx.example: refused'; exit 75"))
        self.assert_delivery(delivery, "deferred", "4.4.1", "connect to mx.example: refused")

    def test_real_program_past_the_time_limit(self) -> None:
        """Its own deadline would be far away; Postfix kills it, and still nothing bounces."""
        lab = self.postfix(self.scripted("on greeting: silent"), parameters={"relaypipe_time_limit": "1s"})
        delivery = lab.wait_for_delivery(lab.submit(MESSAGE, "user@example.com"))
        self.assert_delivery(delivery, "deferred", "4.3.0", "Command time limit exceeded")

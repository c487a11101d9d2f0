"""The chaos run in its short form. Every finding of it is a fault; the seeds are fixed, the machine's timing is not."""

from __future__ import annotations

import os
import shutil
import tempfile
import unittest
from pathlib import Path

from chaos_run import Options, Result, run
from chaos_world import API, has_setting
from messages import WANTED
from report import details, figures, table

LONG = bool(os.environ.get("RELAYPIPE_LONG"))
MESSAGES = 800
LIMIT = 100.0    # seconds, for each half; reached only when something hangs
# The last digit of a message's number says what is done to it; nothing else is wrong with this program.
BAD_PROGRAM = """\
#!/bin/bash
for recipient; do :; done
case $recipient in
m?????3-*) cat >/dev/null; exit 0;;
m?????4-*) cat >/dev/null; echo "5.3.0 no reason"; exit 69;;
m?????5-*) content=$(mktemp); cat >"$content"; id=$(printf '%s\\n' "$@" | sed -n '/^--queue-id$/{n;p}')
    {program} "${@/#$id/another}" <"$content" >/dev/null && {program} "$@" <"$content"
    status=$?; rm "$content"; exit $status;;
m?????6-*) LC_ALL=C sed y/e/E/ | {program} "$@";;
*) exec {program} "$@";;
esac
"""


class Short(unittest.TestCase):
    maxDiff = None

    def setUp(self) -> None:
        self.binary = Path(os.environ["RELAYPIPE"])
        self.directory = Path(self.enterContext(tempfile.TemporaryDirectory(prefix="relaypipe-chaos-")))

    def run_with(self, seed: str, by_lmtp: bool = False) -> None:
        options = Options(self.binary, MESSAGES, seed, LIMIT, by_lmtp=by_lmtp)
        result = run(options, self.directory)
        print(table(figures(options, result)))
        # Where relaypipe does not know of other deliveries of a message, two may run side by side after a restart.
        if faults := result.judgement.faults(guard=has_setting(self.binary, "duplicate_wait")):
            concerned = {word.rstrip(":,") for fault in faults for word in fault.split() if "@" in word}
            log = [line for line in result.log.splitlines() if any(each in line for each in concerned)]
            self.fail("\n".join([details(result), *log[:200], *faults[:20]]))
        # A run in which nothing went wrong would prove nothing.
        self.assertEqual(len(result.evidence.messages), MESSAGES)
        self.assertGreater(result.evidence.deferred, 20)
        kinds = {trouble.kind for trouble in result.evidence.troubles if trouble.victims}
        self.assertLessEqual({"kill relaypipe", "kill lmtp" if by_lmtp else "kill pipe", "stop"}, kinds)
        self.assertGreater(result.judgement.duplicates["unconfirmed dot"], 0)
        copies = [copy for copy in result.evidence.copies if copy.relay == API and copy.accepted]
        self.assertGreater(sum(copy.confirmed for copy in copies), 50)
        self.assertIn(("lost, taken", False), {(copy.fault, copy.confirmed) for copy in copies})

    def test_first_seed(self) -> None:
        self.run_with("first")

    def test_second_seed_by_lmtp(self) -> None:
        self.run_with("second", by_lmtp=True)

    if LONG:

        def test_second_seed(self) -> None:
            self.run_with("second")

        def test_first_seed_by_lmtp(self) -> None:
            self.run_with("first", by_lmtp=True)

    def test_a_bad_program_is_found_out(self) -> None:
        """The whole run with a program that loses, bounces, doubles and changes what it is told to."""
        self.assert_found_out(BAD_PROGRAM.replace("{program}", str(self.binary)))

    def test_a_bad_program_is_found_out_by_lmtp(self) -> None:
        beside = self.directory / "bad_lmtp"
        shutil.copy(Path(__file__).parent / "bad_lmtp.py", beside)
        self.assert_found_out(f'#!/bin/sh\nexec /usr/bin/python3 {beside} {self.binary} "$@"\n', by_lmtp=True)

    def assert_found_out(self, text: str, by_lmtp: bool = False) -> None:
        program = self.directory / "bad"
        program.write_text(text)
        program.chmod(0o755)
        result = run(Options(program, 200, "bad", LIMIT, badness=0.2, by_lmtp=by_lmtp), self.directory)
        found = result.judgement
        self.assertEqual(self.recipients_in(found.lost), self.wanted(result, "34"))
        # The word of a bounce may be lost when its pipe(8) is killed; the message is found out above all the same.
        bounced = self.recipients_in(found.bounced_wrongly)
        self.assertTrue(bounced and bounced <= self.wanted(result, "4"), bounced)
        self.assertEqual(self.recipients_in(found.changed), self.wanted(result, "6"))
        # Some of those have another reason to come twice.
        doubled = self.recipients_in(found.unexplained)
        self.assertTrue(doubled and doubled <= self.wanted(result, "5"), doubled)

    @staticmethod
    def wanted(result: Result, digits: str) -> set[str]:
        return {recipient for message in result.evidence.messages if str(message.number)[-1] in digits
                for recipient, mark in zip(message.recipients, message.marks) if mark == WANTED}

    @staticmethod
    def recipients_in(texts: list[str]) -> set[str]:
        return {text.split()[0].rstrip(":") for text in texts}

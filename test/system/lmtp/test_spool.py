"""What keeps a message from being spooled defers it, and the process goes on with the next one."""

from __future__ import annotations

import resource
import shutil

from lmtp_case import LmtpCase
from support.case import each
from support.machine import wait_until
from support.wire import sample

LARGE = sample(3_000_000)
TO = ("a@example.net", "b@example.net")


class SpoolTest(LmtpCase):
    @each({"missing": ("/nonexistent/spool",), "a_file": ("/dev/null",)})
    def test_no_spool_directory(self, directory: str) -> None:
        """The reply comes after the dot, whenever the trouble did; a small message needs no directory."""
        relay = self.relay()
        program = self.lmtp(relay, spool_directory=directory)
        for _ in range(2):
            self.assert_codes(self.send(program, *TO, content=LARGE), "451 4.3.", "451 4.3.")
            self.assert_sent(self.send(program, *TO), by=relay)
        self.assert_ends_well(program)
        self.assertEqual(len(relay.accepted), 2)

    def test_a_full_disk(self) -> None:
        """RLIMIT_FSIZE, with SIGXFSZ ignored: write(2) fails in the middle."""
        relay = self.relay()
        program = self.lmtp(relay)
        resource.prlimit(program.pid, resource.RLIMIT_FSIZE, (2_000_000, resource.RLIM_INFINITY))
        self.assert_codes(self.send(program, *TO, content=LARGE), "451 4.3.", "451 4.3.")
        resource.prlimit(program.pid, resource.RLIMIT_FSIZE, (20_000_000, resource.RLIM_INFINITY))
        self.assert_sent(self.send(program, *TO, content=LARGE), by=relay)
        self.assert_ends_well(program)

    def test_nothing_is_left_behind(self) -> None:
        spool = self.directory / "spool"
        spool.mkdir()
        relay = self.relay("on rcpt to bad@*: reply 550 5.1.1 no such user\non dot nth 2: reply 451 4.3.0 later")
        program = self.lmtp(relay, spool_directory=str(spool))
        for to, start in (("a@example.net", "250 "), ("bad@example.net", "550 "), ("a@example.net", "451 ")):
            self.assert_codes(self.send(program, to, content=LARGE), start)
            self.assertEqual(list(spool.iterdir()), [])
        self.assert_ends_well(program)


class DecidedEarlyTest(LmtpCase):
    """The verdict is known while the content still comes: it is told after the dot."""

    def test_bad_configuration(self) -> None:
        program = self.lmtp("[127.0.0.1")
        for _ in range(2):
            self.assert_codes(self.send(program, *TO, content=LARGE), "451 4.3.5 ", "451 4.3.5 ")
        self.assert_ends_well(program)

    def test_the_deadline_passes_while_it_comes(self) -> None:
        relay = self.relay()
        program = self.lmtp(relay, options=("--deadline", "1s"))
        program.begin(*TO, queue_id="4QSLOW")
        program.send(b"From: a@example.org\r\n\r\nHello.\r\n")
        wait_until(lambda: any("4QSLOW" in line and "verdict=deferred" in line for line in self.syslog.lines), "the verdict")
        program.send(b"Goodbye.\r\n.\r\n")
        self.assert_codes(program.replies(2), "451 4.", "451 4.")
        self.assert_ends_well(program)
        self.assertEqual(relay.dots, 0)


class StateTest(LmtpCase):
    """Trouble with what is remembered never delays or stops mail."""

    @each({"missing": ("/nonexistent/state",), "a_file": ("/dev/null",)})
    def test_no_state(self, directory: str) -> None:
        relay = self.relay()
        program = self.lmtp(relay, state_directory=directory)
        for _ in range(5):
            self.assert_sent(self.send(program, *TO), by=relay)
        self.assert_ends_well(program)
        self.assertEqual(len(relay.connections), 1)

    def test_removed_between_two_messages(self) -> None:
        relay = self.relay()
        program = self.lmtp(relay)
        self.assert_sent(self.send(program), by=relay)
        shutil.rmtree(self.state)
        for _ in range(5):
            self.assert_sent(self.send(program), by=relay)
        self.state.mkdir(mode=0o777)
        for _ in range(5):
            self.assert_sent(self.send(program), by=relay)
        self.assert_ends_well(program)
        self.assertEqual(len(relay.accepted), 11)
        self.assertLess(len(relay.connections), 5, "the sessions were not kept")

    def test_damaged_between_two_messages(self) -> None:
        relay = self.relay()
        program = self.lmtp(relay)
        self.assert_sent(self.send(program), by=relay)
        for path in self.state.iterdir():
            path.write_bytes(b"not a database" * 1000)
        for _ in range(3):
            self.assert_sent(self.send(program), by=relay)
        self.assert_ends_well(program)
        self.assertEqual(len(relay.accepted), 4)

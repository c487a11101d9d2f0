"""The log, in the form administrators grep for: one line per attempt, one per verdict, nothing lost, nothing leaked."""

from __future__ import annotations

import re
import socket

from support.case import RECIPIENT, DeliveryCase, each
from support.relays import RefusedPort
from support.runs import Surroundings

QUEUE_ID = "4Xyz12345z"
MAIL_FACILITY = 2
VERDICT = re.compile(
    r"(?P<id>\w+): to=<(?P<to>[^>]*)>, relay=(?P<relay>[^,]+), delay=[\d.]+, delays=[\d.]+/[\d.]+/[\d.]+/[\d.]+, "
    r"(?:.*, )?dsn=(?P<dsn>[\d.]+), (?:attempt=\w+, )?verdict=(?P<verdict>\w+) \((?P<text>.*)\)")


class LogTest(DeliveryCase):
    def logged(self, *hops: object, to: tuple[str, ...] = (RECIPIENT,)) -> list[str]:
        self.deliver(*hops, to=to, options=("--queue-id", QUEUE_ID))
        return self.syslog.stop()

    def verdicts(self, lines: list[str]) -> list[re.Match[str]]:
        return [found for line in lines if "verdict=" in line and (found := VERDICT.search(line))]

    def test_sent(self) -> None:
        relay = self.relay()
        found, = self.verdicts(self.logged(relay))
        self.assertEqual(found.group("id", "to", "relay", "dsn", "verdict"),
                         (QUEUE_ID, RECIPIENT, relay.name, "2.0.0", "sent"))
        self.assertIn("250 2.0.0 Ok: queued as 1-1", found["text"])

    def test_one_line_where_the_first_relay_accepts(self) -> None:
        """It serves as the attempt's and as the verdict's, and leaves status= to pipe(8)."""
        relay = self.relay()
        (line,) = self.logged(relay)
        self.assertRegex(line, rf"{QUEUE_ID}: to=<.*, attempt=accepted, verdict=sent \(")

    def test_only_postfix_says_status(self) -> None:
        """pflogsumm, logwatch and exporters count each line that says it."""
        first, second = self.relay("on rcpt: reply 451 4.3.0 later"), self.relay()
        lines = self.logged(first, second)
        self.assertEqual([re.findall(r"attempt=(\w+)|verdict=(\w+)", line) for line in lines],
                         [[("failed", "")], [("accepted", "")], [("", "sent")]])
        self.assertFalse([line for line in lines if "status=" in line])

    def test_bounced(self) -> None:
        relay = self.relay("on rcpt: reply 550 5.1.1 no such user")
        found, = self.verdicts(self.logged(relay))
        self.assertEqual(found.group("relay", "dsn", "verdict"), (relay.name, "5.1.1", "bounced"))
        self.assertIn("no such user", found["text"])

    def test_deferred(self) -> None:
        found, = self.verdicts(self.logged(self.dead(RefusedPort)))
        self.assertEqual(found.group("dsn", "verdict"), ("4.4.1", "deferred"))
        self.assertIn("Connection refused", found["text"])

    def test_an_attempt_that_failed_has_its_own_line(self) -> None:
        first, second = self.relay("on rcpt: reply 451 4.3.0 later"), self.relay()
        lines = self.logged(first, second)
        self.assertTrue([line for line in lines if first.name in line and "451 4.3.0 later" in line], lines)
        found, = self.verdicts(lines)
        self.assertEqual(found.group("relay", "verdict"), (second.name, "sent"))

    def test_a_refused_connection_has_its_own_line(self) -> None:
        dead, second = self.dead(RefusedPort), self.relay()
        lines = self.logged(dead, second)
        self.assertTrue([line for line in lines if f":{dead.port}" in line and "Connection refused" in line], lines)

    def test_one_verdict_per_recipient(self) -> None:
        found = self.verdicts(self.logged(self.relay(), to=(RECIPIENT, "other@example.net")))
        self.assertEqual([f["to"] for f in found], [RECIPIENT, "other@example.net"])

    def test_facility_and_ident(self) -> None:
        for line in self.logged(self.relay()):
            head = re.match(r"<(\d+)>(?:\w{3} [ \d]\d \d\d:\d\d:\d\d )?postfix/relaypipe\[\d+\]: ", line)
            assert head, line
            self.assertEqual(int(head[1]) // 8, MAIL_FACILITY)

    def test_ident_is_a_setting(self) -> None:
        self.settings["syslog_ident"] = "postfix-out/relaypipe"
        self.assertTrue(all("postfix-out/relaypipe[" in line for line in self.logged(self.relay())))

    def test_the_delays_add_up(self) -> None:
        relay = self.relay("on greeting: delay 300ms ; default")
        line = next(line for line in self.logged(relay) if "verdict=" in line)
        numbers = re.search(r"delay=([\d.]+), delays=([\d.]+)/([\d.]+)/([\d.]+)/([\d.]+),", line)
        assert numbers, line
        total, *parts = map(float, numbers.groups())
        self.assertGreaterEqual(total, 0.25)
        self.assertGreaterEqual(parts[2], 0.2, "the wait for the greeting belongs to the connection's part")

    def test_a_log_file_takes_the_lines(self) -> None:
        file = self.directory / "own.log"
        file.touch(0o666)
        self.settings["log_file"] = str(file)
        first, second = self.relay("on rcpt: reply 451 4.3.0 later"), self.relay()
        self.assertEqual(self.logged(first, second), [])
        lines = file.read_text().splitlines()
        self.assertEqual(len(lines), 3, lines)
        for line in lines:
            self.assertRegex(line, rf"^\w{{3}} [ \d]\d \d\d:\d\d:\d\d \S+ postfix/relaypipe\[\d+\]: {QUEUE_ID}: to=<")

    @each({"directory": ("{}",), "absent": ("{}/absent/file",), "result": ("/dev/stdout",), "full": ("/dev/full",)})
    def test_a_log_file_that_cannot_be_written_stops_nothing(self, name: str) -> None:
        relay = self.relay()
        self.settings["log_file"] = name.format(self.directory)
        (line,) = self.logged(relay)
        self.assertIn("verdict=sent", line)
        self.assertEqual(len(relay.accepted), 1)

    @each({"missing": (False,), "stale": (True,)})
    def test_no_log_socket_stops_nothing(self, stale: bool) -> None:
        relay = self.relay()
        path = self.directory / "nolog"
        if stale:    # a socket file that nobody listens on any more
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as left:
                left.bind(str(path))
        self.assert_sent(self.deliver(relay, syslog_socket=str(path)), by=relay)

    def test_a_log_that_is_not_read_stops_nothing(self) -> None:
        """The queue of the socket is full, as when syslogd hangs: the mail goes on."""
        path = self.directory / "full"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as hung:
            hung.bind(str(path))
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as filler:
                filler.setblocking(False)
                filler.connect(str(path))
                try:
                    while True:
                        filler.send(b"x" * 1000)
                except BlockingIOError:
                    pass
            relay = self.relay()
            self.assert_sent(self.deliver(relay, syslog_socket=str(path)), by=relay)

    def test_a_forged_queue_id_cannot_break_the_line(self) -> None:
        relay = self.relay()
        self.deliver(relay, options=("--queue-id", "AB\nfake: verdict=sent\x1b[2J"), around=Surroundings(self.queue))
        self.assertTrue(all(line.isprintable() for line in self.syslog.stop()), self.syslog.lines)

    def test_a_long_reply_stays_one_line(self) -> None:
        lines = self.logged(self.relay(r"on rcpt: reply ${550-5.1.1 long\r\n*100}550 5.1.1 end"))
        self.assertEqual(len(self.verdicts(lines)), 1, lines)
        self.assertTrue(all(len(line) <= 8192 for line in lines))

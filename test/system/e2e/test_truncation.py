"""Half a message is never committed: the final dot needs a whole stdin, a reader on stdout and the same parent."""

from __future__ import annotations

from support.case import MESSAGE, DeliveryCase, each
from support.relays import Relay, content_of
from support.runs import Delivery, Result, Surroundings
from support.wire import postfix_size, sample, wire_form

BIG_OCTETS = 300_000
BIG = sample(BIG_OCTETS)
LONG_LINES = b"Subject: x\n\n" + b"a" * 5000 + b"\n" + b"b" * 2049 + b"\n"

WHOLE = {
    "short": (MESSAGE,),
    "empty": (b"",),
    "big": (BIG,),
    "line_127": (b"x" * 127 + b"\n",),
    "line_128": (b"x" * 128 + b"\n",),
    "long_lines": (LONG_LINES,),
    "line_2047": (b"S: x\n\n" + b"x" * 2047 + b"\n",),
    "line_2048": (b"S: x\n\n" + b"x" * 2048 + b"\n",),
    "line_4096": (b"S: x\n\n" + b"x" * 4096 + b"\n",),
    "header_2048": (b"X: " + b"x" * 2045 + b"\n\nbody\n",),
    "fifty_lines_2048": (b"S: x\n\n" + (b"x" * 2048 + b"\n") * 50,),
    "line_20000": (b"S: x\n\n" + b"x" * 20000 + b"\n",),
    "nul_and_8_bit": (b"S: x\n\n\0\xff\n",),
}


class SizeTest(DeliveryCase):
    def deliver_sized(self, relay: Relay, message: bytes, size: int, stdin: bytes | None = None) -> Result:
        options = ("--queue-id", "4Xyz12345z", "--size", str(size))
        return self.deliver(relay, message=message if stdin is None else stdin, options=options, size_tolerance="0")

    @each(WHOLE)
    def test_the_announced_size_is_accepted(self, message: bytes) -> None:
        relay = self.relay()
        result = self.deliver_sized(relay, message, postfix_size(message))
        self.assertEqual(content_of(self.assert_sent(result, by=relay)), wire_form(message))

    @each({name: row for name, row in WHOLE.items() if name not in ("empty", "line_127", "line_128")})
    def test_a_missing_end_is_truncation(self, message: bytes) -> None:
        """Some octets are always forgiven, for the records that milters leave in the queue file (two pointers, and
        padding of header lines); the setting says how many more, and the tests set it to none."""
        relay = self.relay()
        whole = message + b"one of the last lines\n" * 10
        result = self.deliver_sized(relay, whole, postfix_size(whole), stdin=message)
        self.assert_deferred(result)

    @each({"empty": (b"",), "one_line": (b"From: a@example.org\n",), "half": (sample(150_000),),
           "64_kib": (sample(65536),), "all_but_10_kib": (sample(BIG_OCTETS - 10240),)})
    def test_less_stdin_than_announced(self, stdin: bytes) -> None:
        """With the default tolerance."""
        relay = self.relay()
        options = ("--queue-id", "4Xyz12345z", "--size", str(postfix_size(BIG)))
        self.assertTrue(not stdin or stdin.endswith(b"\n"), "the size alone has to tell")
        self.assert_deferred(self.deliver(relay, message=stdin, options=options))

    def test_truncation_is_said_in_plain_words(self) -> None:
        relay = self.relay()
        result = self.deliver_sized(relay, BIG, postfix_size(BIG), stdin=sample(65536))
        self.assert_deferred(result, r"4\.3\.\d+")
        self.assertRegex(result.text, "(?i)truncated|incomplete|shorter|announced", result)

    def test_more_stdin_than_announced_is_fine(self) -> None:
        """Headers that pipe(8) adds come after the count."""
        relay = self.relay()
        self.assert_sent(self.deliver_sized(relay, MESSAGE, postfix_size(MESSAGE) - 20), by=relay)

    @each({"size": (("--size", "1"),), "queue_id": (("--queue-id", "4Xyz12345z"),)})
    def test_postfix_always_ends_the_last_line(self, options: tuple[str, ...]) -> None:
        """So under Postfix a missing last LF means that the writer died."""
        relay = self.relay()
        self.assert_deferred(self.deliver(relay, message=MESSAGE + b"half a li", options=options))

    @each({"zero": ("0", True), "empty": ("", False), "word": ("many", False), "negative": ("-1", False),
           "huge": ("99999999999999999999", False)})
    def test_odd_size_values(self, value: str, may_pass: bool) -> None:
        relay = self.relay()
        result = self.deliver(relay, options=(f"--size={value}",))
        if may_pass:
            self.assert_sent(result, by=relay)
        else:
            self.assert_deferred(result, r"4\.3\.\d+")


class WriterTest(DeliveryCase):
    """The deaths of pipe(8), seen from the child: each sign alone must be enough."""

    def begin(self, relay: Relay, orphan: bool = False) -> Delivery:
        return self.start(relay, around=Surroundings(self.queue, orphan=orphan))

    def lose(self, delivery: Delivery, how: str) -> None:
        if how in ("reader", "both"):
            delivery.close_output()
        if how in ("parent", "both"):
            delivery.kill_parent()

    def assert_nothing_committed(self, result: Result, relay: Relay) -> None:
        self.assertEqual(result.status, 75, result)
        self.assertEqual((relay.dots, relay.accepted), (0, []))

    @each({how: (how,) for how in ("reader", "parent", "both")})
    def test_lost_while_stdin_is_fed(self, how: str) -> None:
        relay = self.relay()
        delivery = self.begin(relay, orphan=how != "reader")
        delivery.feed(MESSAGE)
        relay.wait_for("ehlo")
        self.lose(delivery, how)
        self.assert_nothing_committed(self.finish(delivery, check=False), relay)

    @each({how: (how,) for how in ("reader", "parent", "both")})
    def test_lost_in_the_middle_of_20_mb(self, how: str) -> None:
        relay = self.relay()
        delivery = self.begin(relay, orphan=how != "reader")
        delivery.feed(sample(10_000_000))
        self.lose(delivery, how)
        self.assert_nothing_committed(self.finish(delivery, check=False), relay)

    @each({f"{how}_{stage}": (how, stage) for how in ("reader", "parent") for stage in ("greeting", "mail", "data")})
    def test_lost_after_stdin_and_before_the_dot(self, how: str, stage: str) -> None:
        relay = self.relay(f"on {stage}: hold ; default")
        delivery = self.begin(relay, orphan=how != "reader")
        delivery.feed(MESSAGE)
        delivery.end_input()
        relay.wait_for(stage)
        self.lose(delivery, how)
        relay.release()
        self.assert_nothing_committed(self.finish(delivery, check=False), relay)

    @each({how: (how,) for how in ("reader", "parent")})
    def test_lost_while_the_content_flows(self, how: str) -> None:
        relay = self.relay("on content after 100000: hold")
        delivery = self.begin(relay, orphan=how != "reader")
        delivery.feed(sample(20_000_000))
        delivery.end_input()
        relay.wait_for("content+100000")
        self.lose(delivery, how)
        relay.release()
        self.assert_nothing_committed(self.finish(delivery, check=False), relay)

    @each({how: (how,) for how in ("reader", "parent")})
    def test_lost_after_acceptance_is_success_all_the_same(self, how: str) -> None:
        """Nobody reads the status, but exit and log must tell what happened."""
        relay = self.relay("on quit: hold ; default")
        delivery = self.begin(relay, orphan=how != "reader")
        delivery.feed(MESSAGE)
        delivery.end_input()
        relay.wait_for("quit")
        self.lose(delivery, how)
        relay.release()
        result = self.finish(delivery, check=False)
        self.assertEqual(result.status, 0, result)
        self.assertEqual(len(relay.accepted), 1)
        self.assertTrue(any("verdict=sent" in line for line in self.syslog.stop()), self.syslog.lines)

    def test_a_living_parent_under_a_subreaper_is_no_death(self) -> None:
        """The control: the same harness, nobody killed before acceptance."""
        relay = self.relay("on quit: hold ; default")
        delivery = self.begin(relay, orphan=True)
        delivery.feed(MESSAGE)
        delivery.end_input()
        relay.wait_for("dot done")
        relay.wait_for("quit")
        delivery.kill_parent()
        relay.release()
        result = self.finish(delivery)
        self.assert_sent(result, by=relay)

    def test_no_reader_from_the_start(self) -> None:
        relay = self.relay()
        delivery = self.start(relay, around=Surroundings(self.queue, closed_output=True))
        delivery.feed(MESSAGE)
        self.assert_nothing_committed(self.finish(delivery, check=False), relay)

    def test_stdin_that_cannot_be_read(self) -> None:
        import os
        relay = self.relay()
        descriptor = os.open(self.directory, os.O_RDONLY)
        self.addCleanup(os.close, descriptor)
        result = self.deliver(relay, around=Surroundings(self.queue, keep_stdin_file=descriptor))
        self.assert_deferred(result)

"""The content on the wire is, octet for octet, what RFC 5321 and Postfix's own smtp(8) make of stdin."""

from __future__ import annotations

import unittest

from support.case import MESSAGE, DeliveryCase, each
from support.relays import content_of
from support.runs import Surroundings
from support.wire import fold, lines_of, postfix_size, sample, wire_form

LONG = bytes(97 + i % 26 for i in range(6000))

CONTENTS: dict[str, tuple[bytes]] = {
    "plain": (MESSAGE,),
    "empty": (b"",),
    "one_newline": (b"\n",),
    "no_header": (b"just text\n",),
    "header_only": (b"Subject: x\n",),
    "dot_line": (b"S: x\n\n.\n",),
    "dot_first": (b".\n",),
    "dot_lines": (b"..\n.a\n...\n.\n.\na.\n",),
    "dot_then_text": (b"\n.\nRCPT TO:<evil@example.net>\nDATA\n.\n",),
    "no_final_newline": (b"Subject: x\n\nlast line",),
    "no_final_newline_dot": (b"Subject: x\n\n.",),
    "nul": (b"Subject: x\n\na\0b\0\n\0\n",),
    "eight_bit": (b"Subject: x\n\n" + bytes(range(128, 256)) + b"\n",),
    "all_octets": (b"S: x\n\n" + bytes(b for b in range(256) if b not in (10, 13)) + b"\n",),
    "lone_cr": (b"S: x\n\na\rb\n\rc\nd\r.\re\n",),
    "crlf": (b"Subject: x\r\n\r\nline\r\n.\r\nlast\r\n",),
    "mixed_line_ends": (b"Subject: x\r\n\nline\n.\r\nlast\n",),
    "crlf_no_final": (b"Subject: x\r\n\r\nlast",),
    "empty_lines": (b"\n\n\n\n",),
    "blank_at_end": (b"S: x\n\ntext \t \n",),
}


class ExpectationTest(unittest.TestCase):
    """The measure itself, against numbers that were seen on a real Postfix."""

    def test_postfix_size_of_known_messages(self) -> None:
        short = b"".join(b"x" * n + b"\n" for n in [27] * 8 + [28] * 5 + [3])
        self.assertEqual(postfix_size(short), len(short) + 14)
        self.assertEqual(postfix_size(b"x" * 200 + b"\n"), 203)
        self.assertEqual(postfix_size(b"x" * 5000 + b"\n"), 5000 + 9)
        for body, header, length in ((3, 3, 2047), (5, 3, 2048), (5, 5, 2049), (8, 6, 4096), (8, 8, 4097)):
            self.assertEqual(postfix_size(b"\n" + b"x" * length + b"\n"), 2 + length + body, length)
            self.assertEqual(postfix_size(b"x" * length + b"\n"), length + header, length)
        self.assertEqual(postfix_size(b"x" * 127 + b"\n" + b"x" * 128 + b"\n"), 129 + 131)

    def test_folding(self) -> None:
        self.assertEqual([len(part) for part in fold(LONG[:998], 998)], [998])
        self.assertEqual([len(part) for part in fold(LONG[:999], 998)], [998, 2])
        self.assertEqual([len(part) for part in fold(LONG[:998 + 997], 998)], [998, 998])
        self.assertEqual([len(part) for part in fold(LONG[:998 + 998], 998)], [998, 998, 2])
        self.assertEqual(fold(LONG, 0), [LONG])

    def test_wire_form(self) -> None:
        self.assertEqual(wire_form(b".\na\rb\n\n.."), b"..\r\na b\r\n\r\n...\r\n")
        self.assertEqual(lines_of(b"a\r\nb\n"), [b"a", b"b"])
        self.assertEqual([len(sample(n)) for n in (200, 65536, 65537)], [200, 65536, 65537])


class WireTest(DeliveryCase):
    def check_wire(self, message: bytes, limit: int = 998, **settings: str) -> bytes:
        relay = self.relay()
        result = self.deliver(relay, message=message, **settings)
        transaction = self.assert_sent(result, by=relay)
        got, expected = content_of(transaction), wire_form(message, limit)
        if got != expected:
            self.fail(difference(got, expected))
        return got

    @each(CONTENTS)
    def test_content(self, message: bytes) -> None:
        self.check_wire(message)

    @each({"cr_cr_lf": (b"S: x\n\na\r\r\nb\r\r\r\n",), "lf_cr": (b"S: x\n\na\n\rb\n",),
           "cr_dot_cr": (b"S: x\n\na\r.\rb\n",), "final_cr": (b"S: x\n\na\r",),
           "smuggling": (b"S: x\n\na\r\n\n.\r\nMAIL FROM:<e@example.org>\n\r.\r\nx\n",)})
    def test_no_lone_line_end_survives(self, message: bytes) -> None:
        """Where the rules leave room for how many blanks a row of CRs becomes, only CRLF may remain."""
        relay = self.relay()
        transaction = self.assert_sent(self.deliver(relay, message=message), by=relay)
        rest = content_of(transaction).replace(b"\r\n", b"")
        self.assertNotIn(b"\r", rest)
        self.assertNotIn(b"\n", rest)
        self.assertEqual(len(relay.connections), 1)

    @each({str(n): (n,) for n in (997, 998, 999, 1000, 1994, 1995, 1996, 2048, 5000)})
    def test_long_lines_are_folded(self, length: int) -> None:
        got = self.check_wire(b"Subject: x\n\n" + LONG[:length] + b"\nnext\n")
        self.assertLessEqual(max(map(len, got.split(b"\r\n"))), 998)

    def test_a_long_header_is_folded_too(self) -> None:
        self.check_wire(b"Subject: " + LONG[:2500] + b"\n\nbody\n")

    def test_dots_at_the_fold(self) -> None:
        """A stuffed dot does not count; the dot after an inserted blank needs no stuffing."""
        dots = b"." * 3000
        self.check_wire(b"S: x\n\n." + LONG[:997] + b"\n." + LONG[:998] + b"\n" + dots + b"\n" + LONG[:998] + b".\n")

    @each({"off": (0,), "own": (100,)})
    def test_line_length_limit_is_a_setting(self, limit: int) -> None:
        self.check_wire(b"Subject: x\n\n" + LONG + b"\n", limit, line_length_limit=str(limit))

    @each({str(n): (n,) for base in (4096, 16384, 65536, 1 << 20) for n in (base - 1, base, base + 1)})
    def test_sizes_around_boundaries(self, octets: int) -> None:
        self.check_wire(sample(octets))

    @each({str(n): (n,) for n in (65534, 65535, 65536, (1 << 20) - 2, (1 << 20) - 1, 1 << 20)})
    def test_a_dot_line_at_a_boundary(self, offset: int) -> None:
        """The encoder carries its state from one chunk to the next, wherever the chunk ends."""
        self.check_wire(sample(offset) + b".\n.\nnot.the.end\n..\n")

    def test_only_newlines_beyond_the_memory_limit(self) -> None:
        self.check_wire(b"S: x\n" + b"\n" * 700_000)

    def test_only_dots_beyond_the_memory_limit(self) -> None:
        self.check_wire(b"S: x\n\n" + b".\n" * 700_000)

    def test_stdin_in_single_octets(self) -> None:
        relay = self.relay()
        message = b"S: x\n\n.\n..\na\rb\r\n.end"
        result = self.deliver(relay, message=[bytes([octet]) for octet in message])
        self.assertEqual(content_of(self.assert_sent(result, by=relay)), wire_form(message))

    def test_stdin_from_a_file(self) -> None:
        relay = self.relay()
        path = self.directory / "message"
        path.write_bytes(sample(300_000))
        with open(path, "rb") as file:
            around = Surroundings(self.queue, keep_stdin_file=file.fileno())
            result = self.deliver(relay, around=around)
        self.assertEqual(content_of(self.assert_sent(result, by=relay)), wire_form(sample(300_000)))

    def test_a_slow_relay_gets_every_octet(self) -> None:
        """Short writes: the relay reads in small pieces, so the socket buffer is full most of the time."""
        relay = self.relay("on content: read 65536 every 1ms")
        message = sample(5_000_000)
        self.assertEqual(content_of(self.assert_sent(self.deliver(relay, message=message), by=relay)),
                         wire_form(message))

    def test_the_second_relay_gets_the_same_octets(self) -> None:
        first, second = self.relay("on content after 500000: reset"), self.relay()
        message = sample(20_000_000, 900) + b".\n"    # more than socket buffers hold
        result = self.deliver(first, second, message=message)
        self.assertEqual(content_of(self.assert_sent(result, by=second)), wire_form(message))


def difference(got: bytes, expected: bytes) -> str:
    place = next((i for i, (a, b) in enumerate(zip(got, expected)) if a != b), min(len(got), len(expected)))
    start = max(place - 20, 0)
    return (f"the wire differs at octet {place}: got {got[start:place + 40]!r} ({len(got)} octets), "
            f"expected {expected[start:place + 40]!r} ({len(expected)})")

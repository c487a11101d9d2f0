"""Whatever comes over the socket gets a proper reply, and memory stays bounded."""

from __future__ import annotations

import random
import re
import socket
import threading

from lmtp_case import LmtpCase
from support.case import MESSAGE, each
from support.lmtp_program import LmtpProgram
from support.marks import measures
from support.relays import content_of
from support.wire import wire_form

PIECES = (b"LHLO x", b"MAIL FROM:<a@example.org>", b"MAIL FROM:<", b"RCPT TO:<b@example.net>", b"RCPT TO:", b"DATA",
          b"RSET", b"NOOP", b"VRFY x", b"XFORWARD NAME=x IDENT=4Q", b"XFORWARD", b"EHLO x", b"\0\xff", b"\x80" * 700, b" ",
          b"\t", b".", b" SIZE=99999999999999999999999", b" NOTIFY=NEVER", b" BODY=8BITMIME", b"\r\n", b"\r\n", b"\r\n",
          b"\r", b"\n")
REPLY = re.compile(rb"[245]\d\d(?:-| [245]\.\d\.\d |[ ])[\x20-\x7e]*\r\n|220 |354 ")


class Drained:
    """Reads all that the program says, so that it can go on whatever is sent to it."""

    def __init__(self, program: LmtpProgram) -> None:
        self.said = bytearray()
        self._socket = program._socket
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        while data := self._socket.recv(65536):
            self.said += data

    def end(self) -> bytes:
        """Nothing more is sent; all that was said in answer."""
        self._socket.shutdown(socket.SHUT_WR)
        self._thread.join()
        return bytes(self.said)


class GarbageTest(LmtpCase):
    def assert_usable(self, program: LmtpProgram) -> None:
        relay = self.relays[0]
        self.assert_codes(program.ask("RSET"), "250 ")
        self.assert_sent(self.send(program), by=relay)
        self.assert_ends_well(program)

    @each({"unknown": (b"WHAT IS THIS\r\n", ("500 ",)), "empty": (b"\r\n", ("500 ",)),
           "binary": (b"\0\1\2\xff\xfe\r\n", ("500 ",)), "smtp": (b"EHLO client.example\r\n", ("500 ",)),
           "rcpt_first": (b"RCPT TO:<a@example.net>\r\n", ("503 ",)), "data_first": (b"DATA\r\n", ("503 ",)),
           "no_path": (b"MAIL FROM:\r\n", ("4",)), "overlong": (b"NOOP " + b"x" * 100_000 + b"\r\n", ("2",)),
           "overlong_unknown": (b"x" * 1_000_000 + b"\r\n", ("500 ",)),
           "lines": (b"A\r\nB\r\nC\r\n", ("500 ", "500 ", "500 ")), "xforward": (b"XFORWARD WHAT=x\r\n", ("501 ",))})
    def test_a_line(self, octets: bytes, starts: tuple[str, ...]) -> None:
        self.relay()
        program = self.lmtp(*self.relays)
        program.send(octets)
        self.assert_codes(program.replies(len(starts)), *starts)
        self.assert_usable(program)

    @each({"no_path": ("RCPT TO:",), "angle": ("RCPT TO:<a@example.net",), "control": ("RCPT TO:<a\1b@example.net>",),
           "overlong": ("RCPT TO:<" + "x" * 5000 + "@example.net>",), "empty": ("RCPT TO:<>",)})
    def test_a_bad_recipient_beside_a_good_one(self, line: str) -> None:
        relay = self.relay()
        program = self.lmtp(relay)
        program.say("MAIL FROM:<a@example.org>", line, "RCPT TO:<good@example.net>", "DATA")
        found = program.replies(4)
        self.assert_codes(found[:1] + found[2:], "250 ", "250 ", "354 ")
        self.assertIn(found[1][0], "45", found)
        program.send(b"Subject: x\r\n\r\nx\r\n.\r\n")
        self.assert_sent([program.reply()], by=relay)
        self.assertEqual(self.given(relay), ["good@example.net"])

    def test_a_bad_sender_is_no_reply_to_mail(self) -> None:
        """A 5yz there would bounce all recipients."""
        program = self.lmtp(self.relay())
        self.assert_codes(program.ask("MAIL FROM:<a b@example.org>"), "2")

    @each({"bare_lf": (b"\n.\n",), "lf_dot_crlf": (b"\n.\r\n",), "crlf_dot_lf": (b"\r\n.\n",), "bare_cr": (b"\r.\r",),
           "cr_dot_crlf": (b"\r.\r\n",), "dot_cr": (b"\r\n.\r.\r\n",)})
    def test_no_end_of_data(self, octets: bytes) -> None:
        """Only CRLF, dot, CRLF is; anything else would smuggle a second message in."""
        relay = self.relay()
        program = self.lmtp(relay)
        program.begin("rcpt@example.net", queue_id="4QSMUGGLED")
        program.send(b"Subject: x\r\n\r\nbefore" + octets + b"MAIL FROM:<evil@example.org>\r\n"
                     b"RCPT TO:<victim@example.net>\r\nDATA\r\nevil\r\n.\r\n")
        self.assert_sent([program.reply()], by=relay)
        self.assert_codes(program.ask("NOOP"), "250 ")
        self.assert_ends_well(program)
        (transaction,) = relay.transactions
        self.assertEqual(transaction["recipients"], ["rcpt@example.net"])
        self.assertIn(b"evil\r\n", content_of(transaction))

    @each({"empty": (b"",), "one_dot": (b"..\r\n",), "null": (b"Subject: \0\r\n\r\n\0\r\n",),
           "long_line": (b"Subject: x\r\n\r\n" + b"x" * 200_000 + b"\r\n",), "no_header": (b"\r\nbody\r\n",)})
    def test_a_content(self, wire: bytes) -> None:
        relay = self.relay()
        program = self.lmtp(relay)
        program.begin("rcpt@example.net")
        program.send(wire + b".\r\n")
        self.assert_sent([program.reply()], by=relay)
        self.assert_ends_well(program)
        self.assertEqual(len(relay.accepted), 1)

    def test_octet_by_octet(self) -> None:
        relay = self.relay()
        program = self.lmtp(relay)
        dialogue = b"MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.net>\r\nDATA\r\n" + wire_form(MESSAGE) + b".\r\n"
        for octet in dialogue:
            program.send(bytes([octet]))
        self.assert_codes(program.replies(4), "250", "250", "354", f"250 2.0.0 {relay.name}")
        self.assertEqual(content_of(relay.accepted[0]), wire_form(MESSAGE))

    def test_two_messages_in_one_segment(self) -> None:
        relay = self.relay()
        program = self.lmtp(relay)
        dialogue = b"MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.net>\r\nDATA\r\n" + wire_form(MESSAGE) + b".\r\n"
        program.send(2 * dialogue + b"QUIT\r\n")
        self.assert_codes(program.replies(9), *["250", "250", "354", "250"] * 2, "221 ")
        self.assertTrue(program.has_ended())
        self.assertEqual(program.wait(), 0)
        self.assertEqual(len(relay.accepted), 2)

    @each({str(seed): (seed,) for seed in range(8)})
    def test_random(self, seed: int) -> None:
        """Always the same octets for a seed. All that is said is replies, and the end is an orderly one."""
        self.lawless_relays.add(relay := self.relay())
        source = random.Random(seed)
        program = self.greeted(relay)
        drained = Drained(program)
        for _ in range(300):
            piece = source.choice(PIECES) if source.random() < 0.9 else source.randbytes(source.randrange(1, 3000))
            program.send(piece)
        said = drained.end()
        self.assertEqual(program.wait(), 0)
        for line in said.splitlines(keepends=True):
            self.assertRegex(line, REPLY)

    def test_a_client_that_never_reads(self) -> None:
        """What it is owed is bounded: it is not read from until it takes something."""
        program = self.lmtp(self.relay())
        program.may_be_silent(0.5)
        with self.assertRaises(TimeoutError):
            for _ in range(2000):
                program.send(b"NOOP\r\n" * 2000)
        self.assertLess(program.rss(), 64 * 1024)

    @measures
    def test_endless_lines_do_not_fill_the_memory(self) -> None:
        relay = self.relay()
        program = self.lmtp(relay)
        before = program.rss()
        for _ in range(100):
            program.send(b"x" * 1_000_000)
        program.send(b"\r\n")
        self.assert_codes([program.reply()], "500 ")
        print(f"RSS: {before} KiB before a line of 100 MB, {program.rss()} KiB after it")
        self.assertLess(program.rss() - before, 4096)
        self.assert_usable(program)

    def test_more_recipients_than_anybody_needs(self) -> None:
        """Of 12,000 the first 10,000 are taken; the others are told to come again."""
        relay = self.relay()
        program = self.lmtp(relay)
        program.may_be_silent(300)    # the relay is not the fastest, with 10,000 recipients in one transaction
        self.assert_codes(program.ask("MAIL FROM:<a@example.org>"), "250 ")
        lines = b"".join(b"RCPT TO:<user%d@example.net>\r\n" % number for number in range(12_000))
        sender = threading.Thread(target=program.send, args=(lines + b"DATA\r\n",))
        sender.start()
        found = program.replies(12_001)
        sender.join()
        self.assertEqual([reply[:4] for reply in found], ["250 "] * 10_000 + ["452 "] * 2000 + ["354 "])
        program.send(b"Subject: x\r\n\r\nx\r\n.\r\n")
        self.assert_sent(program.replies(10_000), by=relay)
        self.assertEqual(len(self.given(relay)), 10_000)

"""The check against truncation must never hold up a whole message, whatever its shape and whatever edited it."""

from __future__ import annotations

import re

from milter import Edit, Milter, add_header, change_header, replace_body
from postfix_case import PostfixCase
from support.postfix import PostfixLab
from support.smtp_sink import SmtpSink

HEADER = b"From: sender@sender.example\nX-Short: 1\nX-Victim: " + b"v" * 400 + b"\nSubject: sizes\n"
BODY = b"A line of text, and .\n" * 40
# The lengths around which the count of Postfix changes: its records hold 2048 octets, and their lengths 127 or 16383.
LENGTHS = (0, 1, 126, 127, 128, 998, 999, 2047, 2048, 2049, 4095, 4096, 4097, 5000, 6144, 16383, 16384, 40000)


def shapes() -> dict[str, bytes]:
    """Messages by name; the order is that of the log."""
    found = {f"line of {n}": HEADER + b"\n" + b"x" * n + b"\n" for n in LENGTHS}
    found |= {f"two lines of {n}": HEADER + b"\n" + (b"x" * n + b"\n") * 2 + b"end\n" for n in (2048, 4096)}
    found |= {f"no last line end, {n}": HEADER + b"\n" + b"x" * n for n in (1, 100, 2048, 3000)}
    found |= {f"header of {n}": b"X-Long: " + b"y" * (n - 8) + b"\n" + HEADER + b"\nx\n" for n in (2048, 4096, 5000)}
    found["short lines"] = HEADER + b"\n" + b"\n" * 500 + b"a\n" * 5000
    found["empty"] = b""
    found["only a line end"] = b"\n"
    found["no header"] = b"no header at all\nmore\n"
    found["header only"] = HEADER
    found["dots"] = HEADER + b"\n.\n..\n.x\n\n.\n"
    found["8-bit and NUL"] = HEADER + b"\n" + (bytes(range(128, 256)) * 7 + b"\n") * 5 + b"nul \0\n"
    found["addresses to complete"] = b"To: joe\nCc: a, b (c), d\n" + HEADER + b"\nx\n"
    found["a folded header"] = b"X-Folded: a" + b"\n\tfolded" * 300 + b"\n" + HEADER + b"\nx\n"
    found["a header cut by Postfix"] = b"X-Huge: a" + (b"\n " + b"y" * 900) * 200 + b"\n" + HEADER + b"\nx\n"
    found["2 MB"] = HEADER + b"\n" + (b"0123456789" * 7 + b"\n") * 30_000
    return found


class Deliveries(PostfixCase):
    def deliver(self, lab: PostfixLab, relay: SmtpSink, content: bytes) -> list[bytes]:
        """By sendmail and by SMTP; what arrived, without the header Postfix adds above."""
        for submit in (lab.submit, lab.submit_smtp):
            queue_id = submit(content, "user@example.com")
            self.assert_delivery(lab.wait_for_delivery(queue_id), "sent", "2.0.0")
        return [message.content for message in relay.messages()[-2:]]

    def assert_same_body(self, arrived: bytes, body: bytes) -> None:
        """The same octets, where folds of lines longer than 998 octets do not count and the last line end is added."""
        if body and not body.endswith(b"\n"):
            body += b"\n"
        unfolded = re.sub(rb"\n (?=[xy])", b"", arrived)
        self.assertTrue(unfolded.endswith(b"\n" + body), f"{len(arrived)} octets arrived")


class Sizes(Deliveries):
    def test_every_shape_arrives_whole(self) -> None:
        relay = self.sink()
        lab = self.postfix(relay)
        for name, content in shapes().items():
            with self.subTest(name):
                body = content.partition(b"\n\n")[2]
                for arrived in self.deliver(lab, relay, content):
                    self.assert_same_body(arrived, body)

    def test_other_record_lengths(self) -> None:
        """line_length_limit sets how Postfix cuts lines into records, and so how it counts."""
        for limit in ("1000", "512", "20000"):
            relay = self.sink()
            lab = self.postfix(relay, parameters={"line_length_limit": limit})
            for content in (HEADER + b"\n" + b"x" * 60_000 + b"\n", HEADER + b"\n" + (b"x" * 2048 + b"\n") * 50):
                with self.subTest(limit):
                    self.deliver(lab, relay, content)


class Milters(Deliveries):
    """A milter makes ${size} too large as soon as it is configured, and by any amount when it removes headers."""

    def check(self, *edits: Edit) -> list[bytes]:
        milter = Milter(*edits)
        self.addCleanup(milter.stop)
        relay = self.sink()
        lab = self.postfix(relay, parameters={"smtpd_milters": milter.address, "non_smtpd_milters": milter.address,
                                              "milter_default_action": "tempfail"})
        found = self.deliver(lab, relay, HEADER + b"\n" + BODY)
        self.deliver(lab, relay, b"")
        return found

    def test_it_changes_nothing(self) -> None:
        self.check()

    def test_it_adds_headers(self) -> None:
        for content in self.check(*[add_header(f"X-Added-{n}", "value") for n in range(20)]):
            self.assertIn(b"\nX-Added-19: value\n", content)

    def test_it_removes_a_header(self) -> None:
        """As OpenDMARC and OpenDKIM do with results and signatures that others have put in."""
        for content in self.check(change_header("X-Victim", "")):
            self.assertNotIn(b"X-Victim", content)

    def test_it_shortens_a_header(self) -> None:
        for content in self.check(change_header("X-Victim", "s")):
            self.assertIn(b"\nX-Victim: s\n", content)

    def test_it_replaces_the_body(self) -> None:
        for body in (b"", b"short\n", b"a longer line of text\n" * 500, b"x" * 2048 + b"\n" + b"x" * 5000 + b"\n"):
            for content in self.check(change_header("X-Victim", ""), replace_body(body)):
                self.assert_same_body(content, body)

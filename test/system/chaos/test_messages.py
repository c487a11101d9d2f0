"""The messages of a chaos run and their canonical form, and the plan: the same for the same seed."""

from __future__ import annotations

import unittest

import relay_faults
import troubles
from messages import BODIES, REFUSED_CONTENT, REFUSED_RECIPIENT, canonical, digest, message, without_trace


class CanonicalForm(unittest.TestCase):
    CASES = {
        "header and body": (b"A: b\r\n\r\ntext\r\n", b"A: b\r\n\r\ntext\r\n"),
        "no header": (b"text\r\n", b"\r\ntext\r\n"),
        "empty header": (b"\r\ntext\r\n", b"\r\ntext\r\n"),
        "empty": (b"", b""),
        "no final newline": (b"A: b\n\ntext", b"A: b\r\n\r\ntext\r\n"),
        "lone CR": (b"A: b\r\n\r\na\rb\r\n", b"A: b\r\n\r\na b\r\n"),
        "CRs at the end": (b"A: b\r\n\r\na\r\r\n", b"A: b\r\n\r\na\r\n"),
        "dots": (b"A: b\r\n\r\n.\r\n..\r\n", b"A: b\r\n\r\n..\r\n...\r\n"),
        "dot behind CR": (b"A: b\r\n\r\n\r.\r\n", b"A: b\r\n\r\n .\r\n"),
        "NUL and 8-bit": (b"A: b\r\n\r\n\0\xff\r\n", b"A: b\r\n\r\n\0\xff\r\n"),
        "long line": (b"A: b\r\n\r\n" + b"x" * 999 + b"\r\n", b"A: b\r\n\r\n" + b"x" * 998 + b"\r\n x\r\n"),
    }

    def test_cases(self) -> None:
        for name, (submitted, wire) in self.CASES.items():
            with self.subTest(name):
                self.assertEqual(canonical(submitted), wire)

    def test_only_the_first_received_field_is_left_out(self) -> None:
        own = b"Received: from a\r\n\tby b; today\r\n"
        self.assertEqual(without_trace(own + b"Received: older\r\n\r\nx\r\n"), b"Received: older\r\n\r\nx\r\n")
        self.assertEqual(without_trace(own), b"")
        self.assertEqual(without_trace(b"Subject: x\r\n"), b"Subject: x\r\n")


class SameSeed(unittest.TestCase):
    def test_messages(self) -> None:
        for number in range(50):
            self.assertEqual(message("s", number), message("s", number))
            self.assertEqual(message("s", number).content, message("s", number).content)
            self.assertIn(message("s", number).checksum[:12], message("s", number).recipients[0])
        self.assertNotEqual([message("s", n).kind for n in range(50)], [message("t", n).kind for n in range(50)])

    def test_faults_and_troubles(self) -> None:
        self.assertEqual([relay_faults.draw("s", "one", n, 0.5) for n in range(500)],
                         [relay_faults.draw("s", "one", n, 0.5) for n in range(500)])
        self.assertEqual(troubles.plan("s", 500), troubles.plan("s", 500))
        self.assertNotEqual(troubles.plan("s", 500), troubles.plan("t", 500))

    def test_a_good_relay_has_no_faults(self) -> None:
        self.assertEqual({relay_faults.draw("s", "one", n, 0).kind for n in range(500)}, {""})


class Variety(unittest.TestCase):
    def test_every_kind_comes(self) -> None:
        made = [message("variety", number) for number in range(2000)]
        self.assertEqual({each.kind for each in made}, set(BODIES))
        marks = {mark for each in made for mark in each.marks}
        self.assertLessEqual({REFUSED_CONTENT, REFUSED_RECIPIENT}, marks)
        self.assertTrue(any(not each.sender for each in made) and any(len(each.recipients) == 3 for each in made))
        faults = [relay_faults.draw("variety", "one", number, 0.5) for number in range(5000)]
        self.assertEqual({each.kind for each in faults}, {"", *relay_faults.FAULTS})
        self.assertEqual({each.kind for each in troubles.plan("variety", 1000)},
                         {"kill relaypipe", "kill daemon", "reload", "stop", "damage state", "DNS dies", "DNS hangs",
                          "DNS returns", "state repaired"})

    def test_checksums_differ_with_the_content(self) -> None:
        one = message("variety", 7)
        self.assertNotEqual(digest(canonical(one.content + b"x\r\n")), one.checksum)

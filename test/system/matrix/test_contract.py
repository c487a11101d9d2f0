"""The matrix itself: a table with a hole, a model that cannot say no, or a case that cannot miss would prove nothing."""

from __future__ import annotations

import os
import unittest

import faults as f
import test_accounts
import test_matrix
from contract import DEAD, HEALTHY, SOFT, Kind, Meaning, expected, meaning
from matrix_case import MatrixCase
from support.case import RelayCase, each
from support.scripted_relay.script import parse_script


PAIRS = [(stage, fault) for stage in f.STAGES for fault in f.FAULTS]
PLAYED = [pair for pair in PAIRS if not f.left_out(*pair)]
HARD = meaning(f.RCPT, f.R5YZ)
OPEN = meaning(f.DATA, f.R5YZ)
UNANSWERED = meaning(f.DOT, f.CLOSED)


class TableTest(unittest.TestCase):
    def test_every_combination_is_played_or_has_its_reason(self) -> None:
        for stage, fault in PAIRS:
            with self.subTest(stage=stage, fault=fault):
                if why := f.left_out(stage, fault):
                    self.assertGreater(len(why), 20)
                else:
                    self.assertIsInstance(meaning(stage, fault), Meaning)

    def test_every_played_dialogue_is_understood(self) -> None:
        for stage, fault in PLAYED:
            if stage not in (f.RESOLVE, f.CONNECT):
                with self.subTest(stage=stage, fault=fault):
                    self.assertTrue(parse_script(f.dialogue(stage, fault)).rules)

    def test_no_case_is_lost(self) -> None:
        """A name twice would hide one. The sums are written down, so that a reason too much is noticed."""
        self.assertEqual(len(test_matrix.CASES), len(PLAYED) * len(f.POSITIONS))
        self.assertEqual((len(PAIRS), len(PLAYED), len(test_matrix.CASES)), (216, 178, 890))
        self.assertEqual(len(test_matrix.TLS_CASES), 132)
        self.assertGreater(len(test_accounts.CASES), 100)


class ModelTest(RelayCase):
    def test_hard_is_only_what_speaks_of_the_message(self) -> None:
        hard = {pair for pair in PLAYED if meaning(*pair).kind is Kind.HARD}
        self.assertEqual(hard, {(stage, f.R5YZ) for stage in (f.RCPT, f.CONTENT, f.DOT)})

    def test_what_names_nobody_is_left_to_the_other_relays(self) -> None:
        found = {pair for pair in PLAYED if meaning(*pair).kind is Kind.OPEN}
        self.assertEqual(found, {(stage, f.R5YZ) for stage in (f.MAIL, f.DATA)})

    def test_only_an_unanswered_dot_is_unconfirmed(self) -> None:
        self.assertEqual({stage for stage, fault in PLAYED if meaning(stage, fault).kind is Kind.UNCONFIRMED}, {f.DOT})

    def test_what_speaks_of_a_relay_has_a_soft_status(self) -> None:
        for pair in PLAYED:
            found = meaning(*pair)
            if found.kind in (Kind.RELAY, Kind.MESSAGE, Kind.UNCONFIRMED, Kind.OUT_OF_TIME):
                self.assertTrue(found.dsn.startswith(r"4\."), pair)

    @each({
        "healthy": ([HEALTHY], 0, 0, ()),
        "dead_then_healthy": ([DEAD, HEALTHY], 0, 1, (0,)),
        "nothing_after_success": ([HEALTHY, HARD], 0, 0, ()),
        "dead_twice": ([DEAD, DEAD], 75, 1, (0,)),
        "message_outranks_relay": ([SOFT, DEAD], 75, 0, (1,)),
        "newest_of_equals": ([SOFT, SOFT], 75, 1, (0,)),
        "hard_at_once": ([HARD, HEALTHY], 67, 0, ()),
        "open_then_healthy": ([OPEN, HEALTHY], 0, 1, (0,)),
        "open_everywhere": ([OPEN, OPEN], 77, 1, (0,)),
        "open_after_dead": ([DEAD, OPEN], 75, 1, (0,)),
        "open_before_dead": ([OPEN, DEAD], 75, 0, (1,)),
        "open_after_soft": ([SOFT, OPEN], 75, 1, (0,)),
        "open_then_hard": ([OPEN, HARD], 67, 1, (0,)),
        "hard_after_dead": ([DEAD, HARD], 67, 1, (0,)),
        "unanswered_stops": ([UNANSWERED, HEALTHY], 75, 0, ()),
    })
    def test_folding(self, attempts: list[Meaning], status: int, decisive: int, tried: tuple[int, ...]) -> None:
        found = expected(attempts)
        self.assertEqual((found.status, found.decisive, found.tried), (status, decisive, tried))


class LiarTest(MatrixCase):
    """In the place of the program a script that always says the same: the cases it is wrong in have to miss."""

    @each({
        "sent_without_sending": ("127.0.0.2[127.0.0.2]:25: 250 2.0.0 Ok: queued as 1-1", 0, "quit__421__only"),
        "bounces": ("5.0.0 host 127.0.0.2[127.0.0.2]:25 said: no", 69, "greeting__5yz__only"),
        "bounces_4yz": ("5.3.0 host 127.0.0.2[127.0.0.2]:25 said: no", 69, "rcpt__4yz__only"),
        "defers_a_bounce": ("4.1.1 host 127.0.0.2[127.0.0.2]:25 said: no", 75, "rcpt__5yz__only"),
        "does_not_try_the_next": ("4.4.2 lost connection with 127.0.0.2[127.0.0.2]:25", 75, "mail__closed__first"),
        "vague": ("4.4.2 something went wrong", 75, "mail__closed__only"),
    })
    def test_is_caught(self, says: str, status: int, name: str) -> None:
        liar = self.directory / "liar"
        liar.write_text(f"#!/bin/sh\ncat >/dev/null\necho '{says}'\nexit {status}\n")
        liar.chmod(0o755)
        os.environ["RELAYPIPE"] = str(liar)    # of this process, which has one test to run
        os.environ["RELAYPIPE_MATRIX"] = str(self.directory)    # its score does not count
        result = unittest.TestResult()
        test_matrix.Matrix(f"test_{name}").run(result)
        self.assertEqual((len(result.failures), result.errors), (1, []), result)

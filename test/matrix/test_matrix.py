"""Every fault at every stage, at every place of the faulty relay in the chain: text, exit status, who has the message."""

from __future__ import annotations

import unittest

from matrix_case import MatrixCase, f
from score import Score

from contract import meaning

CASES = {f"{stage}__{fault}__{position}": (stage, fault, position) for stage in f.STAGES for fault in f.FAULTS
         for position in f.POSITIONS if not f.left_out(stage, fault)}
ABOUT_MESSAGE = (f.MAIL, f.RCPT, f.DATA, f.CONTENT, f.DOT)


class Matrix(MatrixCase):
    def run_case(self, stage: str, fault: str, position: str) -> None:
        with Score(stage, fault, position):
            self.faulty_relay(stage, fault)
            self.play(position, meaning(stage, fault))
            self.check_promises(about_message=fault == f.R5YZ and stage in ABOUT_MESSAGE)


def add_cases() -> None:
    for name, row in CASES.items():
        setattr(Matrix, f"test_{name}", lambda self, row=row: self.run_case(*row))


add_cases()

if __name__ == "__main__":
    unittest.main()

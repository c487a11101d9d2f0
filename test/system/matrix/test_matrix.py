"""Every fault at every stage, at every place of the faulty relay in the chain: text, exit status, who has the message."""

from __future__ import annotations

import faults as f
from contract import meaning
from matrix_case import MatrixCase
from score import Score


CASES = {f"{stage}__{fault}__{position}": (stage, fault, position) for stage in f.STAGES for fault in f.FAULTS
         for position in f.POSITIONS if not f.left_out(stage, fault)}
# The transaction goes over other code inside TLS: reading, writing, the end of a connection. Two places show all of it.
TLS_CASES = {f"{stage}_tls__{fault}__{position}": (stage, fault, position) for stage in f.TRANSACTION for fault in f.FAULTS
             for position in (f.ONLY, f.FIRST) if not f.left_out(stage, fault)}
ABOUT_MESSAGE = (f.MAIL, f.RCPT, f.DATA, f.CONTENT, f.DOT)


class Matrix(MatrixCase):
    def run_case(self, stage: str, fault: str, position: str, secured: bool = False) -> None:
        own = fault == f.R5YZ and stage in ABOUT_MESSAGE
        with Score(self, f"{stage}_tls" if secured else stage, fault, position, own):
            self.faulty_relay(stage, fault, secured)
            self.play(position, meaning(stage, fault))
            self.check_promises(about_message=own)


def add_cases() -> None:
    for name, row in CASES.items():
        setattr(Matrix, f"test_{name}", lambda self, row=row: self.run_case(*row))
    for name, row in TLS_CASES.items():
        setattr(Matrix, f"test_{name}", lambda self, row=row: self.run_case(*row, secured=True))


add_cases()

"""4yz and 5yz that speak of the sending account: the next relay takes the message, and alone they are never hard."""

from __future__ import annotations

import faults as f
from account_replies import MESSAGES_OWN, NEXT_RELAY, PUT_OFF_EVERYWHERE, Said
from contract import Kind, Meaning, of_reply
from matrix_case import FAULTY, MatrixCase
from score import Score


ROWS = [(Kind.RELAY, NEXT_RELAY), (Kind.EVERYWHERE, PUT_OFF_EVERYWHERE), (Kind.HARD, MESSAGES_OWN)]
CASES = {f"{name}__{position}": (name, said, kind, position) for kind, table in ROWS for name, said in table.items()
         for position in (f.ONLY, f.FIRST, f.AFTER_DEAD, f.AFTER_SOFT)}


def meaning(said: Said, kind: Kind) -> Meaning:
    """As of a fault that is a reply, but these need not have an enhanced status."""
    plain = of_reply(kind, said.stage, said.reply)
    return Meaning(kind, r"4\.\d+\.\d+" if kind is Kind.RELAY else plain.dsn, plain.says, (said.reply[:60],))


class Accounts(MatrixCase):
    def run_case(self, name: str, said: Said, kind: Kind, position: str) -> None:
        own = kind is Kind.HARD
        with Score(self, kind.name, name, position, own):
            self.faulty_said(said)
            self.play(position, meaning(said, kind))
            self.check_promises(about_message=own)

    def faulty_said(self, said: Said) -> None:
        rule = f"on {f.PLACES[said.stage][0]}: reply {said.lines or said.reply}"
        keys = {"provider": said.provider} if said.provider else {}
        if said.stage == f.AUTH:
            self.stand("faulty", self.secured(said.stage) + rule, FAULTY, **keys, **self.account())
        else:
            self.stand("faulty", rule, FAULTY, **keys)


def add_cases() -> None:
    for name, row in CASES.items():
        setattr(Accounts, f"test_{name}", lambda self, row=row: self.run_case(*row))


add_cases()

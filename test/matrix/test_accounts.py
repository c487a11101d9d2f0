"""4yz and 5yz that speak of the sending account: the next relay takes the message, and alone they are never hard."""

from __future__ import annotations

import unittest

from matrix_case import FAULTY, Kind, MatrixCase, Meaning, f
from score import Score

from account_replies import MESSAGES_OWN, NEXT_RELAY, Said
from contract import of_reply

CASES = {f"{name}__{position}": (name, position) for name in (*NEXT_RELAY, *MESSAGES_OWN)
         for position in (f.ONLY, f.FIRST, f.AFTER_DEAD, f.AFTER_SOFT)}


def meaning(said: Said, kind: Kind) -> Meaning:
    """As of a fault that is a reply, but these need not have an enhanced status."""
    plain = of_reply(kind, said.stage, said.reply)
    return Meaning(kind, r"4\.\d+\.\d+" if kind is Kind.RELAY else plain.dsn, plain.says, (said.reply[:60],))


class Accounts(MatrixCase):
    def run_case(self, name: str, position: str) -> None:
        own = name in MESSAGES_OWN
        said = MESSAGES_OWN[name] if own else NEXT_RELAY[name]
        with Score("message" if own else "account", name, position):
            self.faulty_said(said)
            self.play(position, meaning(said, Kind.HARD if own else Kind.RELAY))
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

if __name__ == "__main__":
    unittest.main()

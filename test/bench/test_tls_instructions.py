"""A delivery over TLS with an account costs at most half of what it costs in msmtp and curl with their defaults."""

from __future__ import annotations

from cost_case import CostCase
from deliveries import SECURE
from support.marks import measures

LIMIT = 0.5


@measures
class Cost(CostCase):
    def test_instructions(self) -> None:
        count = self.count(SECURE)
        self.assertLessEqual(count["relaypipe"], LIMIT * min(count["msmtp"], count["curl"]))

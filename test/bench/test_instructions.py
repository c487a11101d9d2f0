"""What starting relaypipe and sending a small message takes may not creep up."""

from __future__ import annotations

from cost_case import CostCase
from deliveries import PLAIN
from support.marks import measures

# 0.87 of the bare program when this was written: it loads the same libraries in an order that costs less, and spares
# OpenSSL a table of texts. The state in two SQLite files, and root's look whom to become, are extra.
OF_BARE = 0.95
STATE = 600_000


@measures
class Instructions(CostCase):
    def test_a_plain_delivery(self) -> None:
        count = self.count(PLAIN)
        self.assertLessEqual(count["relaypipe"], OF_BARE * count["bare"] + STATE)
        self.assertLess(count["relaypipe"], count["curl"])

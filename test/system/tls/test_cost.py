"""A delivery over TLS with an account costs at most half of what it costs in msmtp and curl with their defaults."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / "bench"))

from cost_case import CostCase  # noqa: E402
from deliveries import SECURE  # noqa: E402
from marks import measures  # noqa: E402

LIMIT = 0.5


@measures
class Cost(CostCase):
    def test_instructions(self) -> None:
        count = self.count(SECURE)
        self.assertLessEqual(count["relaypipe"], LIMIT * min(count["msmtp"], count["curl"]))

"""Statistics tools count what Postfix logs: a delivery of ours is one delivery."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import unittest

from postfix_case import MESSAGE, PostfixCase

PFLOGSUMM = shutil.which("pflogsumm", path=os.environ.get("PATH", "") + ":/usr/sbin")


@unittest.skipUnless(PFLOGSUMM, "no pflogsumm")
class Statistics(PostfixCase):
    def grand_totals(self, log: str) -> dict[str, int]:
        """Of pflogsumm's report: `delivered`, `deferred` and so on."""
        file = self.directory / "whole.log"
        file.write_text(log)
        done = subprocess.run([str(PFLOGSUMM), str(file)], capture_output=True, text=True, timeout=60, check=True)
        head = done.stdout.partition("Grand Totals")[2].partition("Per-")[0]
        return {found[2]: int(found[1]) for found in re.finditer(r"(?m)^ +(\d+) +(\w+)", head)}

    def test_each_delivery_is_counted_once(self) -> None:
        """Two messages, each sent by the second relay after the first failed: four attempts and two verdicts of ours."""
        lab = self.postfix(self.scripted("on rcpt: reply 451 4.3.0 later"), self.sink())
        for _ in range(2):
            queue_id = lab.submit(MESSAGE, "user@example.com")
            self.assertEqual(lab.wait_for_delivery(queue_id).status, "sent")
            lab.wait_for_log(rf"{queue_id}: to=<.*verdict=sent")
            lab.wait_for_removal(queue_id)
        totals = self.grand_totals(lab.log())
        self.assertEqual((totals["received"], totals["delivered"], totals["deferred"], totals["bounced"]), (2, 2, 0, 0))

    def test_a_deferral_is_one(self) -> None:
        lab = self.postfix(self.refusing())
        queue_id = lab.submit(MESSAGE, "user@example.com")
        self.assertEqual(lab.wait_for_delivery(queue_id).status, "deferred")
        lab.wait_for_log(rf"{queue_id}: to=<.*verdict=deferred")
        totals = self.grand_totals(lab.log())
        self.assertEqual((totals["delivered"], totals["deferred"]), (0, 1))

"""The base class of tests that hold the instructions of one delivery against those of other programs."""

from __future__ import annotations

import os
import shutil
import unittest
from pathlib import Path

from deliveries import count_instructions
from programs import Binary
from stage import check_tools, stage
from support.installed import REPOSITORY


class CostCase(unittest.TestCase):
    def count(self, kind: str) -> dict[str, float]:
        """Of every program, by its name; the table is printed."""
        for program in ("valgrind", "msmtp", "curl"):
            if not shutil.which(program):
                self.skipTest(f"{program} is not installed")
        build = Path(os.environ.get("RELAYPIPE_BUILD") or REPOSITORY / "build")
        binary = Binary("relaypipe", Path(os.environ.get("RELAYPIPE") or build / "relaypipe"), build)
        check_tools(binary.bare)
        with stage(build) as place:
            (table,) = count_instructions(place, [binary], [kind]).tables
        print(table)
        return {name: cells[0] for name, cells in table.rows}    # type: ignore[misc]

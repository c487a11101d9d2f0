"""Keeps the score of a matrix over all its cases, which are processes of their own, and prints it."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import Optional

import faults as f

MISS, HIT = "miss", "hit"


def _file() -> Path:
    return Path(os.environ["RELAYPIPE_MATRIX"]) / "score"


class Score:
    """Use as a context manager around a case: it counts as a miss when an exception leaves it."""

    def __init__(self, row: str, column: str, position: str) -> None:
        self._words = f"{row} {column} {position}"

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Optional[type[BaseException]], _error: Optional[BaseException],
                 _trace: Optional[TracebackType]) -> None:
        # One write of one short line: nothing of another process comes between.
        with open(_file(), "a", encoding="utf-8", buffering=1) as out:
            out.write(f"{self._words} {MISS if kind else HIT}\n")


def _cell(stage: str, fault: str, hits: Counter[tuple[str, str]], misses: Counter[tuple[str, str]]) -> str:
    if f.left_out(stage, fault):
        return "-"
    good, bad = hits[stage, fault], misses[stage, fault]
    return f"{good}" if not bad else f"{good}!{bad}"


def print_score() -> None:
    """The grid of the fault matrix: how many positions were right, `!` and how many were not, `-` for what is left out."""
    lines = [line.split() for line in _file().read_text(encoding="utf-8").splitlines()] if _file().exists() else []
    hits = Counter((row, column) for row, column, _, result in lines if result == HIT)
    misses = Counter((row, column) for row, column, _, result in lines if result == MISS)
    if any(row in f.STAGES for row, *_ in lines):
        print(f"{'':14}" + "".join(f"{fault:>9}" for fault in f.FAULTS))
        for stage in f.STAGES:
            print(f"{stage:14}" + "".join(f"{_cell(stage, fault, hits, misses):>9}" for fault in f.FAULTS))
    out = sum(f.left_out(stage, fault) is not None for stage in f.STAGES for fault in f.FAULTS)
    print(f"{len(lines)} cases, {sum(misses.values())} misses; {out} of {len(f.STAGES) * len(f.FAULTS)} combinations of "
          "stage and fault are left out (run.py --table says why)", flush=True)

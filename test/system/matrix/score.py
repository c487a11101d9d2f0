"""Keeps the score of a matrix over all its cases, which are processes of their own, and prints it."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import Any, Optional

import faults as f

MISS, HIT = "miss", "hit"


def _file() -> Path:
    return Path(os.environ["RELAYPIPE_MATRIX"]) / "score"


class Score:
    """Use as a context manager around a case: it counts as a miss when an exception leaves it. `own` says whether the
    fault is a 5yz about the message or the recipient, the only reason for a bounce."""

    def __init__(self, case: Any, row: str, column: str, position: str, own: bool) -> None:
        self._case = case
        self._words = f"{row} {column} {position} {'own' if own else '-'}"

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Optional[type[BaseException]], _error: Optional[BaseException],
                 _trace: Optional[TracebackType]) -> None:
        status = self._case.result.status if hasattr(self._case, "result") else "none"
        # One write of one short line: nothing of another process comes between.
        with open(_file(), "a", encoding="utf-8", buffering=1) as out:
            out.write(f"{self._words} {status} {MISS if kind else HIT}\n")


ROWS = {stage: stage for stage in f.STAGES} | {f"{stage}_tls": stage for stage in f.TRANSACTION}


def _cell(row: str, fault: str, hits: Counter[tuple[str, str]], misses: Counter[tuple[str, str]]) -> str:
    if f.left_out(ROWS[row], fault):
        return "-"
    good, bad = hits[row, fault], misses[row, fault]
    return f"{good}" if not bad else f"{good}!{bad}"


def _statuses(lines: list[list[str]]) -> str:
    """Promise 2 over everything that was played, whatever the model of the contract says."""
    own = [status for *_, is_own, status, _ in lines if is_own == "own"]
    other = [status for *_, is_own, status, _ in lines if is_own != "own"]
    hard = [status for status in own + other if status not in ("0", "75", "none")]
    wrong = [status for status in other if status not in ("0", "75", "none")]
    return (f"exit status 0: {(own + other).count('0')}, 75: {(own + other).count('75')}, hard: {len(hard)}, of which for "
            f"another reason than a 5yz about the message or the recipient: {len(wrong)}")


def print_score() -> None:
    """The grid of the fault matrix: how many positions were right, `!` how many were not, `-` for what is left out."""
    lines = [line.split() for line in _file().read_text(encoding="utf-8").splitlines()] if _file().exists() else []
    hits = Counter((row, column) for row, column, *_, result in lines if result == HIT)
    misses = Counter((row, column) for row, column, *_, result in lines if result == MISS)
    if any(row in ROWS for row, *_ in lines):
        print(f"{'':16}" + "".join(f"{fault:>9}" for fault in f.FAULTS))
        for row in ROWS:
            print(f"{row:16}" + "".join(f"{_cell(row, fault, hits, misses):>9}" for fault in f.FAULTS))
    print(_statuses(lines))
    out = sum(f.left_out(stage, fault) is not None for stage in f.STAGES for fault in f.FAULTS)
    print(f"{len(lines)} cases, {sum(misses.values())} misses; {out} of {len(f.STAGES) * len(f.FAULTS)} combinations of "
          "stage and fault are left out (matrix/table says why)", flush=True)

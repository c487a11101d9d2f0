#!/usr/bin/env python3
"""Runs the fault matrix: every fault at every stage of a session, played by a scripted relay, against the real binary.

{usage}

The grid at the end counts the positions of the faulty relay in the chain that came out right, after `!` those that
did not. Every case is also held against the promises themselves: a bounce only for a 5yz about the message or the
recipient, exit 0 only with the whole message at exactly one relay that said 2yz to the dot, after an unanswered dot
nobody else.
`run.py --table` prints what each combination means, and why some are left out.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from pathlib import Path
from typing import Iterator

HERE = Path(__file__).resolve().parent
sys.path[1:1] = [str(HERE.parents[1] / "support"), str(HERE.parent / "e2e")]

from certificate import Authority  # noqa: E402
from suite import main  # noqa: E402

import contract  # noqa: E402
import faults as f  # noqa: E402
import score  # noqa: E402

JOBS = 6 * (os.cpu_count() or 1)    # a case mostly waits: for processes to start, or for a time limit


@contextlib.contextmanager
def world() -> Iterator[None]:
    """One authority for all cases, since openssl(1) takes longer than a case; and the score."""
    with tempfile.TemporaryDirectory(prefix="relaypipe-matrix-") as directory:
        os.environ["RELAYPIPE_MATRIX"] = directory
        Authority(Path(directory)).certificate("127.0.0.2", "127.0.0.3").rename(Path(directory) / "relay.pem")
        yield
        score.print_score()


def print_table() -> None:
    for stage in f.STAGES:
        for fault in f.FAULTS:
            why = f.left_out(stage, fault)
            meaning = None if why else contract.meaning(stage, fault)
            print(f"{stage:14}{fault:9}" + (f"left out: {why}" if why else f"{meaning.kind.value}; {meaning.dsn}"))


if __name__ == "__main__":
    if "--table" in sys.argv:
        print_table()
        sys.exit(0)
    sys.exit(main(__file__, __doc__, jobs=JOBS, world=world))

"""Runs the fault matrix: every fault at every stage of a session, played by a scripted relay, against the real binary.

The grid at the end counts the positions of the faulty relay in the chain that came out right, after `!` those that
did not. Every case is also held against the promises themselves: a bounce only for a 5yz about the message or the
recipient, exit 0 only with the whole message at exactly one relay that said 2yz to the dot, after an unanswered dot
nobody else.

`python3 -B test matrix/table` prints what each combination means, and why some are left out.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import Iterator

import score
from support.certificates import Authority
from support.suite import Suite

JOBS = 6 * (os.cpu_count() or 1)    # a case mostly waits: for processes to start, or for a time limit


@contextlib.contextmanager
def world() -> Iterator[None]:
    """One authority for all cases, since openssl(1) takes longer than a case; and the score."""
    with tempfile.TemporaryDirectory(prefix="relaypipe-matrix-") as directory:
        os.environ["RELAYPIPE_MATRIX"] = directory
        Authority(Path(directory)).certificate("127.0.0.2", "127.0.0.3").rename(Path(directory) / "relay.pem")
        yield
        score.print_score()


SUITE = Suite(jobs=JOBS, world=world)

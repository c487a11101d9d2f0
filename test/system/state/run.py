#!/usr/bin/env python3
"""Runs the tests of what deliveries remember together: many at once, killed ones, damaged files, a real Postfix.

{usage}
`run.py --long` does the same with the numbers that take minutes: 2,000 deliveries killed at random, 500 messages a
run, 400 at once, a million messages in the store.

Needs root, because Postfix does, and so does a full disk of one's own.
"""

import contextlib
import os
import sys
from pathlib import Path
from typing import Iterator

TESTS = Path(__file__).resolve().parents[2]
sys.path[1:1] = [str(TESTS / name) for name in ("support", "system/e2e", "system/postfix", "system/reach")]

from network import leave_network  # noqa: E402
from postfix_lab import queue_template  # noqa: E402
from suite import main  # noqa: E402


@contextlib.contextmanager
def world() -> Iterator[None]:
    """A network of the run's own, where no line of a log is lost; and Postfix's queue directories."""
    leave_network()
    with queue_template():
        yield


if __name__ == "__main__":
    if "--long" in sys.argv:
        sys.argv.remove("--long")
        os.environ["RELAYPIPE_LONG"] = "1"
    sys.exit(main(__file__, __doc__, jobs=3, alone="Alone", needs_root=True, world=world))

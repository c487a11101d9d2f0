"""Runs the tests of what deliveries remember together: many at once, killed ones, damaged files, a real Postfix.

`python3 -B test state --long` does the same with the numbers that take minutes: 2,000 deliveries killed at random, 500 messages a
run, 400 at once, a million messages in the store.

Needs root, because Postfix does, and so does a full disk of one's own.
"""

import contextlib
from typing import Iterator

from support.networks import leave_network
from support.postfix import queue_template
from support.suite import Suite


@contextlib.contextmanager
def world() -> Iterator[None]:
    """A network of the run's own, where no line of a log is lost; and Postfix's queue directories."""
    leave_network()
    with queue_template():
        yield


SUITE = Suite(jobs=3, alone="Alone", needs_root=True, world=world)

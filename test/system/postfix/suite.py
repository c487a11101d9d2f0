"""Runs the tests of relaypipe under a real Postfix.

Needs root, because Postfix does.
"""

from support.postfix import queue_template
from support.suite import Suite

SUITE = Suite(jobs=1, needs_root=True, world=queue_template)

"""Runs the tests of the LMTP front end: the program over a socket of the test's own, and a real Postfix with spawn(8).

Needs root, because Postfix does.
"""

from support.postfix import queue_template
from support.suite import Suite

SUITE = Suite(needs_root=True, world=queue_template, alone="test_resources")

"""Runs the tests of what a delivery costs, in instructions, which no other load of the machine changes.

The measurement itself is bench.py. Needs root, for a network of its own.
"""

from support.suite import Suite

SUITE = Suite(needs_root=True)

"""Runs the tests of how relays are found and reached: DNS, MX, SRV, loops, the race, the bad worlds.

Most tests enter a network namespace of their own. That needs root, and without root they count as skipped.
"""

from support.suite import Suite

SUITE = Suite(alone="test_bad_worlds")    # they compare times

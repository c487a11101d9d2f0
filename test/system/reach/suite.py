"""Runs the tests of how relays are found and reached: DNS, MX, SRV, loops, the race, the bad worlds.

Most tests enter a network namespace of their own. That needs root, and without root they count as skipped.
"""

from support.suite import Suite

# Its tests wait more than they compute; those of the bad worlds compare times.
SUITE = Suite(alone="test_bad_worlds", jobs=8)

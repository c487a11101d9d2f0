"""Runs the tests of the configuration file: chains, eligibility, settings, policy servers, plan and check, the cost.

As root every test has a network namespace of its own; without root those that need one count as skipped.
"""

from support.suite import Suite

SUITE = Suite(alone="test_cost")    # valgrind fills a core: nothing waits beside it

"""Runs the tests of `relaypipe doctor`: good and broken configuration directories of Postfix, read by the real postconf.

Needs root: what the user of master.cf may read is found out by becoming that user.
"""

from support.suite import Suite

SUITE = Suite(needs_root=True)

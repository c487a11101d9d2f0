"""Runs the tests of hosts that share quotas over a real Redis or Valkey server, which they start themselves.

A host is a state directory and a configuration with a host_id of its own; where the way to the store is what matters, in a
network of its own. `python3 -B test fleet --long` does the storms with 10 hosts, 20 processes each and a quota of 10,000.
"""

from support.suite import Suite

SUITE = Suite(jobs=2, alone="Alone", needs_root=True)

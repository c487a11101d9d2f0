"""Runs the tests of TLS, AUTH and secrets, against a real Postfix with Dovecot's SASL, a real Exim and scripted relays.

Needs root: the servers are started here, on a network of their own, and ended with the run.
"""

from support.suite import Suite
from world import world

SUITE = Suite(alone="test_round_trips", needs_root=True, world=world)

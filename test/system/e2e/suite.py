"""Runs the end-to-end tests: the real binary against scripted relays on ephemeral ports."""

from support.suite import Suite

SUITE = Suite()

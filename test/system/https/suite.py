"""Runs the tests of relays that speak HTTPS, against interfaces that check what they are given."""

from support.suite import Suite

SUITE = Suite(alone="test_figures")

"""Runs the tests of OAuth2: a real token endpoint (Authlib), a relay that checks the bearer (aiosmtpd)."""

from support.suite import Suite

SUITE = Suite()

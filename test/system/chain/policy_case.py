"""The base class of the policy tests: a chain that asks a server, and a second chain it may choose."""

from __future__ import annotations

import socket
from typing import Callable

from policy_lab import RawPolicy, ScriptedPolicy
from support.chain_case import ChainCase

CHAINS = """
    [chain.outbound]
    tiers = [["one"]]
    policy = "%s"
    [chain.bulk]
    tiers = [["two"]]
"""
QUEUE_ID = "4Xyz12345z"


class PolicyCase(ChainCase):
    def setUp(self) -> None:
        super().setUp()
        self.one, self.two = self.relay(), self.relay()

    def use(self, where: str) -> None:
        self.configure(CHAINS % where, one=self.one, two=self.two)

    def server(self, table: str, where: str = "") -> ScriptedPolicy:
        found = ScriptedPolicy(self.directory, where or f"unix:{self.directory}/policy", table)
        self.addCleanup(found.stop)
        self.use(found.where)
        return found

    def raw(self, treat: Callable[[socket.socket], None]) -> RawPolicy:
        found = RawPolicy(self.directory / "policy", treat)
        self.addCleanup(found.stop)
        self.use(found.where)
        return found

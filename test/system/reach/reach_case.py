"""The base classes of the tests in this folder: name servers, and the addresses of support/networks.py."""

from __future__ import annotations

from support import networks
from support.case import DeliveryCase
from support.own_network import OwnNetwork


class ReachCase(OwnNetwork, DeliveryCase):
    pass


class WorldCase(ReachCase):
    """A test that needs the addresses of networks.py, and so root."""

    def setUp(self) -> None:
        if not networks.may_isolate():
            self.skipTest("needs root, for a network namespace")
        super().setUp()
        networks.build_world()

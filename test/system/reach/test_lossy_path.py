"""Paths on which the session is fine and the content does not arrive: the dot must not be sent after it.

The packets of the dialogue are small and pass; those of the content are as large as the wire allows, and are lost, as
behind a tunnel whose router keeps its ICMP messages to itself.
"""

from __future__ import annotations

from pathlib import Path

from reach_case import ReachCase
from support.case import each
from support.long_wire import FAR_ADDRESS, LongWire
from support.relays import Relay


SMALL = 600    # octets of a packet: enough for every line of a dialogue
LINE = b"x" * 70 + b"\n"
BRIEF = {"stall_limit": "3s", "data_xfer_timeout": "3s", "data_done_timeout": "20s"}


def message(size: int) -> bytes:
    return b"Subject: long\n\n" + LINE * (size // len(LINE))


class LossyPath(ReachCase):
    def setUp(self) -> None:
        super().setUp()
        if not Path("/dev/net/tun").exists():
            self.skipTest("needs /dev/net/tun")

    def far_relay(self, wire: LongWire, script: str = "") -> Relay:
        relay = wire.there(lambda: self.host(FAR_ADDRESS, script))
        self.lawless_relays.add(relay)    # its session breaks off inside the content
        return relay

    @each({"20k": (20_000,), "60k": (60_000,), "400k": (400_000,)})
    def test_content_that_never_arrives_goes_to_the_next_relay(self, size: int) -> None:
        with LongWire(0.0, SMALL) as wire:
            far, near = self.far_relay(wire), self.host("127.0.0.3")
            result = self.deliver(far, near, message=message(size), **BRIEF)
            self.assert_took(result, near, near.host)
            self.assertEqual([a.result for a in self.attempts()], ["failed", "accepted"])
            far.stop()
        self.assertEqual(far.dots, 0)

    def test_alone_it_is_a_lost_connection_and_not_unconfirmed(self) -> None:
        with LongWire(0.0, SMALL) as wire:
            far = self.far_relay(wire)
            result = self.deliver(far, message=message(60_000), **BRIEF)
            self.assertEqual(result.status, 75, result)
            self.assertRegex(result.text, r"^4\.4\.2 .*timed out while sending message body", result)
            self.assertEqual([a.result for a in self.attempts()], ["failed"])

    def test_a_path_that_loses_nothing_is_as_before(self) -> None:
        with LongWire(0.01) as wire:
            far, near = self.far_relay(wire), self.host("127.0.0.3")
            result = self.deliver(far, near, message=message(60_000))
            self.assert_took(result, far, far.host)

    def test_a_slow_drain_is_progress(self) -> None:
        """The relay reads a little now and then: longer than the limit altogether, and never that long without a read."""
        relay = self.host("127.0.0.2", "on content: read 20000 every 200ms ; default")
        result = self.deliver(relay, self.host("127.0.0.3"), message=message(400_000), **BRIEF)
        self.assert_took(result, relay, relay.host)

    def test_a_relay_that_stops_reading(self) -> None:
        """Its window is closed before the content has left; there is room for all of it in our own system."""
        deaf, near = self.host("127.0.0.2", "on content: deaf"), self.host("127.0.0.3")
        self.lawless_relays.add(deaf)
        result = self.deliver(deaf, near, message=message(1_500_000), **BRIEF)
        self.assert_took(result, near, near.host)
        self.assertEqual([a.result for a in self.attempts()], ["failed", "accepted"])

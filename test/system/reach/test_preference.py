"""The order of relays holds over a real distance: a slow relay that answers keeps its place, a silent one loses it once.

The first relay is in another network namespace behind a wire of tun devices that carries every packet late; the second
one is next door. Cold, warm, one after the other and many at once, as a list, as MX hosts and as SRV hosts: the second
relay never gets a message while the first one is well. Nothing here looks at a clock; the relays are asked what they
have.
"""

from __future__ import annotations

from reach_case import WorldCase
from support.case import MESSAGE, each
from support.certificates import Authority
from support.long_wire import FAR_ADDRESS, LongWire
from support.networks import NOWHERE
from support.relays import Relay


AT_ONCE = 20
NEAR_ADDRESS = "127.0.0.3"
KINDS = ("list", "mx", "srv")
ROUND_TRIPS = {"50ms": 0.05, "150ms": 0.15, "300ms": 0.3}    # seconds


class PreferenceCase(WorldCase):
    def setUp(self) -> None:
        super().setUp()
        self.settings["dns_timeout"] = "10s"    # a busy machine may answer late
        self.settings["cool_down"] = "10m"
        self.options: tuple[str, ...] = ()
        self.sent = 0

    def route(self, kind: str, first: str, second: str) -> list[str]:
        """The destinations that lead to `first`, then to `second`."""
        if kind == "list":
            return [self.nexthop(f"[{first}]"), self.nexthop(f"[{second}]")]
        self.responder(f"""\
hosts.test MX 10 first.test, 20 second.test
_submission._tcp.hosts.test SRV 10 0 {self.port} first.test, 20 0 {self.port} second.test
first.test A {first}
first.test AAAA nodata
second.test A {second}
second.test AAAA nodata
""")
        return ["srv:hosts.test" if kind == "srv" else self.nexthop("hosts.test")]

    def configure(self, text: str) -> None:
        file = self.directory / "relaypipe.toml"
        file.write_text(text)
        file.chmod(0o644)
        self.options = ("--config", str(file))

    def at_once(self, count: int, hops: list[str], **settings: str) -> None:
        """So many deliveries of messages of their own, all started before the first is waited for."""
        running = []
        for _ in range(count):
            self.sent += 1
            running.append(self.start(*hops, options=("--queue-id", f"Q{self.sent}", *self.options),
                                      to=(f"r{self.sent}@example.net",), **settings))
            running[-1].feed(MESSAGE)
            running[-1].end_input()
        for delivery in running:
            result = self.finish(delivery)
            self.assertEqual(result.status, 0, result)

    def forget(self) -> None:
        """Nothing is known of any relay, as on the first day, after `relaypipe reset`, and after days without mail."""
        state = self.directory / f"state-{self.sent}"
        state.mkdir(mode=0o777)
        self.settings["state_directory"] = str(state)


class SlowFirst(PreferenceCase):
    """The first relay is well, and far away or leisurely."""

    def far_relay(self, round_trip: float, script: str = "") -> Relay:
        wire = LongWire(round_trip / 2)
        wire.__enter__()
        self.addCleanup(wire.__exit__, None, None, None)
        certificate = Authority(self.directory).certificate("first.test")
        return wire.there(lambda: self.host(FAR_ADDRESS, f"starttls {certificate}\n{script}"))

    def check(self, first: Relay, hops: list[str], in_turn: int = 2, **settings: str) -> None:
        second = self.host(NEAR_ADDRESS)
        for _ in range(in_turn):    # the first of them is a cold start
            self.at_once(1, hops, **settings)
        self.forget()
        for _ in ("cold", "warm"):
            self.at_once(AT_ONCE, hops, **settings)
        self.assertEqual(len(second.transactions), 0, f"of {self.sent} messages")
        self.assertEqual(len(first.accepted), self.sent)
        self.assertEqual({a.result for a in self.attempts()}, {"accepted"})

    @each({f"{kind}_{name}": (kind, seconds) for kind in KINDS for name, seconds in ROUND_TRIPS.items()})
    def test_far_away(self, kind: str, round_trip: float) -> None:
        first = self.far_relay(round_trip)
        self.check(first, self.route(kind, first.host, NEAR_ADDRESS))

    @each({kind: (kind,) for kind in KINDS})
    def test_greets_late(self, kind: str) -> None:
        first = self.far_relay(0.05, "on greeting: delay 1500ms ; default")
        self.check(first, self.route(kind, first.host, NEAR_ADDRESS))

    @each({kind: (kind,) for kind in ("mx", "srv")})
    def test_greets_very_late(self, kind: str) -> None:
        first = self.far_relay(0.05, "on greeting: delay 5500ms ; default")
        self.check(first, self.route(kind, first.host, NEAR_ADDRESS), in_turn=1, patience="8s")

    def test_patience_of_one_relay(self) -> None:
        """The first relay alone has more of it; the second, which is never asked, keeps the default."""
        first = self.far_relay(0.05, "on greeting: delay 5500ms ; default")
        self.configure(f"""\
[relay.first]
destination = "{self.nexthop(f'[{first.host}]')}"
patience = "8s"
[relay.second]
destination = "{self.nexthop(f'[{NEAR_ADDRESS}]')}"
[chain.both]
tiers = [["first"], ["second"]]
""")
        self.check(first, ["both"], in_turn=1)

    def test_fast_day_then_slow(self) -> None:
        """What is known of a relay that was always quick does not shorten its patience."""
        first = self.far_relay(0.02, "on greeting connection 11-: delay 1s ; default")
        hops = self.route("mx", first.host, NEAR_ADDRESS)
        for _ in range(10):
            self.at_once(1, hops)
        self.check(first, hops)


class SilentFirst(PreferenceCase):
    """The first relay is a black hole, or takes connections and says nothing."""

    def check(self, first: str, kind: str) -> None:
        second = self.host(NEAR_ADDRESS)
        hops = self.route(kind, first, NEAR_ADDRESS)
        for _ in range(3):
            self.at_once(1, hops)
        self.at_once(AT_ONCE, hops)
        self.assertEqual(len(second.accepted), self.sent)
        beaten = [attempt for attempt in self.attempts() if attempt.result != "accepted" and first in attempt.relay]
        self.assertEqual(len(beaten), 1, "it costs one message its patience, and the others nothing")

    @each({kind: (kind,) for kind in KINDS})
    def test_black_hole(self, kind: str) -> None:
        self.check(NOWHERE[0], kind)

    @each({kind: (kind,) for kind in KINDS})
    def test_tarpit(self, kind: str) -> None:
        tarpit = self.host("127.0.0.2", "on greeting: silent")
        self.lawless_relays.add(tarpit)
        self.check(tarpit.host, kind)
        self.assertEqual(len(tarpit.connections), 1)

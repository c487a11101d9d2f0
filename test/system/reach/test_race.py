"""The staggered race: what a dead or slow relay costs, who wins, and what becomes of the losers.

Black holes are real ones (network.py). Where a test is about order, patience is long or short enough that the order
does not depend on the speed of the machine.
"""

from __future__ import annotations

import selectors
import signal
import socket
import threading
from pathlib import Path

from reach_case import WorldCase
from support.case import MESSAGE, each
from support.machine import wait_until
from support.networks import NOWHERE, NOWHERE6
from support.relays import Relay

SHORT = {"patience": "300ms"}
LONG = {"patience": "25s"}    # a test that waits this long has failed
HOLE = f"[{NOWHERE[0]}]:2525"
HOLE6 = f"[ipv6:{NOWHERE6[0]}]:2525"
LATER = "on rcpt: reply 451 4.3.0 not now"
SLOW = {"silent": "on greeting: silent", "drip": "drip 1s", "deaf": "on greeting: deaf", "ehlo": "on ehlo: silent",
        "greets_late": "on greeting: delay 8s ; default"}


class SecondRelay(WorldCase):
    """The first relay is no use; the second has the message."""

    @each({"ipv4": (HOLE,), "ipv6": (HOLE6,)})
    def test_black_hole(self, hole: str) -> None:
        second = self.host("127.0.0.3")
        result = self.deliver(hole, second)
        self.assert_took(result, second, second.host)
        self.assertIn("; tried ", result.text)
        self.assertIn("connection timed out", result.text)
        self.assertEqual([a.result for a in self.attempts()], ["superseded", "accepted"])

    @each({name: (script,) for name, script in SLOW.items()})
    def test_first_is_not_ready_in_time(self, script: str) -> None:
        first, second = self.host("127.0.0.2", script), self.host("127.0.0.3")
        self.lawless_relays.add(first)    # a session cut off in the middle of a handshake
        result = self.deliver(first, second, **SHORT)
        self.assert_took(result, second, second.host)
        self.assert_untouched(first)
        self.assertEqual([a.result for a in self.attempts()], ["superseded", "accepted"])

    @each({"greeting": ("on greeting: default ; close",), "before": ("on greeting: close",), "ehlo": ("on ehlo: close",),
           "reset": ("on greeting: reset",), "554": ("on greeting: reply 554 no",), "refused": (None,)})
    def test_failure_starts_the_next_at_once(self, script: str | None) -> None:
        """Patience is longer than the test waits: only the failure can have started the second relay."""
        first: Relay | str = self.host("127.0.0.2", script) if script else self.nexthop("[127.0.0.2]")
        second = self.host("127.0.0.3")
        self.assert_took(self.deliver(first, second, **LONG), second, second.host)

    def test_three_dead_before_the_good_one(self) -> None:
        tarpit, good = self.host("127.0.0.2", SLOW["silent"]), self.host("127.0.0.3")
        result = self.deliver(HOLE, tarpit, self.nexthop("[127.0.0.9]"), good, **SHORT)
        self.assert_took(result, good, good.host)

    def test_more_dead_ones_than_sessions(self) -> None:
        """Five black holes and three places: the oldest gives up its place, and nobody waits for its long limits."""
        good = self.host("127.0.0.3")
        holes = [f"[{address}]:2525" for address in NOWHERE[:5]]
        self.assert_took(self.deliver(*holes, good, **SHORT), good, good.host)

    @each({"one": ("1",), "two": ("2",)})
    def test_few_sessions(self, limit: str) -> None:
        good = self.host("127.0.0.3")
        result = self.deliver(HOLE, f"[{NOWHERE[1]}]:2525", good, max_sessions=limit, **SHORT)
        self.assert_took(result, good, good.host)


class FirstRelay(WorldCase):
    """The first relay is only slow, and there is nothing better."""

    def test_healthy_first_keeps_the_second_untouched(self) -> None:
        first, second = self.host("127.0.0.2"), self.host("127.0.0.3")
        self.assert_took(self.deliver(first, second, **LONG), first, first.host)
        self.assert_dialled(second, 0)

    def test_slow_within_its_patience(self) -> None:
        first, second = self.host("127.0.0.2", "on greeting: delay 1s ; default"), self.host("127.0.0.3")
        self.assert_took(self.deliver(first, second, **LONG), first, first.host)
        self.assert_dialled(second, 0)

    @each({"refused": (None,), "greeting_554": ("on greeting: reply 554 5.7.1 no",)})
    def test_slow_one_wins_when_the_second_fails(self, script: str | None) -> None:
        first = self.host("127.0.0.2", "on greeting: delay 2s ; default")
        second: Relay | str = self.host("127.0.0.3", script) if script else self.nexthop("[127.0.0.3]")
        self.assert_took(self.deliver(first, second, **SHORT), first, first.host)

    def test_outrun_one_is_asked_again_when_the_winner_defers(self) -> None:
        first = self.host("127.0.0.2", "on greeting: delay 2s ; default")
        second = self.host("127.0.0.3", LATER)
        result = self.deliver(first, second, **SHORT)
        self.assert_took(result, first, first.host)
        self.assertEqual(len(second.transactions), 1)

    @each({"alone": ([],), "after_a_black_hole": ([HOLE],), "after_a_refusal": (["[127.0.0.9]:2525"],)})
    def test_last_one_gets_the_long_limits(self, before: list[str]) -> None:
        """Ten times the patience: Postfix's own limits hold for the one that stands last."""
        last = self.host("127.0.0.3", "on greeting: delay 3s ; default")
        self.assert_took(self.deliver(*before, last, **SHORT), last, last.host)

    @each({"connect": (HOLE, "connect_timeout", r"4\.4\.1", "Connection timed out"),
           "greeting": ("on greeting: silent", "greeting_timeout", r"4\.4\.2", "timed out while receiving the initial"),
           "drip": ("drip 200ms", "greeting_timeout", r"4\.4\.2", "timed out while receiving the initial"),
           "helo": ("on ehlo: silent", "helo_timeout", r"4\.4\.2", "timed out while performing the EHLO")})
    def test_limit_of_each_stage_holds_for_the_last_one(self, script: str, limit: str, dsn: str, words: str) -> None:
        """A relay that drips does not stretch it."""
        hop: Relay | str = script if script == HOLE else self.host("127.0.0.2", script)
        if isinstance(hop, Relay):
            self.lawless_relays.add(hop)
        result = self.deliver(hop, **{limit: "700ms"})
        self.assert_deferred(result, dsn, words=(words,))
        self.assertLess(result.seconds, 15)


class Addresses(WorldCase):
    """The addresses of one relay follow one another after 250 ms, as RFC 8305 has it."""

    def test_ipv6_dead_and_ipv4_alive(self) -> None:
        self.responder(f"mail.test AAAA {NOWHERE6[0]}\nmail.test A 127.0.0.2")
        relay, second = self.host("127.0.0.2"), self.host("127.0.0.3")
        self.assert_took(self.deliver(self.nexthop("[mail.test]"), second, **LONG), relay, "mail.test")
        self.assert_dialled(second, 0)

    def test_ipv4_dead_and_ipv6_alive(self) -> None:
        self.responder(f"mail.test AAAA ::1\nmail.test A {NOWHERE[0]}")
        relay = self.host("::1")
        self.assert_took(self.deliver(self.nexthop("[mail.test]"), **LONG), relay, "mail.test")

    def six(self) -> str:
        self.responder(f"mail.test A {', '.join(NOWHERE[:5])}, 127.0.0.2\nmail.test AAAA nodata")
        return self.nexthop("[mail.test]")

    def test_five_of_six_are_black_holes(self) -> None:
        """The relay itself gets the message, without the patience between relays coming into it."""
        destination = self.six()
        relay, second = self.host("127.0.0.2"), self.host("127.0.0.3")
        self.assert_took(self.deliver(destination, second, mx_address_limit="0", **LONG), relay, "mail.test")
        self.assert_dialled(second, 0)

    def test_five_of_six_are_black_holes_with_the_limit_of_five(self) -> None:
        """The good one may be the sixth, which is not tried: then the second relay has the message."""
        destination = self.six()
        relays = self.host("127.0.0.2"), self.host("127.0.0.3")
        result = self.deliver(destination, relays[1])
        self.assertEqual(result.status, 0, result)
        self.assertEqual(sorted(len(relay.accepted) for relay in relays), [0, 1])

    def test_five_of_six_alone(self) -> None:
        destination = self.six()
        relay = self.host("127.0.0.2")
        self.assert_took(self.deliver(destination, mx_address_limit="0"), relay, "mail.test")

    def test_all_of_six_are_black_holes(self) -> None:
        self.responder(f"mail.test A {', '.join(NOWHERE[:6])}\nmail.test AAAA {', '.join(NOWHERE6[:6])}")
        second = self.host("127.0.0.3")
        self.assert_took(self.deliver(self.nexthop("[mail.test]"), second, mx_address_limit="0"), second, second.host)


class AllDead(WorldCase):
    def test_black_holes(self) -> None:
        result = self.deliver(HOLE, HOLE6, connect_timeout="1s", **SHORT)
        self.assert_deferred(result, r"4\.4\.1", words=("Connection timed out", "; tried ", "connection timed out"))
        for address in (NOWHERE[0], NOWHERE6[0]):
            self.assertIn(address, result.text)

    def test_each_in_its_own_way(self) -> None:
        tarpit = self.host("127.0.0.2", SLOW["silent"])
        closing = self.host("127.0.0.3", "on greeting: default ; close")
        result = self.deliver(HOLE, tarpit, closing, self.nexthop("[127.0.0.9]"), connect_timeout="1s",
                              greeting_timeout="1s", **SHORT)
        self.assert_deferred(result, r"4\.4\.[12]")
        for words in (NOWHERE[0], "127.0.0.2", "127.0.0.3", "127.0.0.9"):
            self.assertIn(words, result.text)

    def test_deadline(self) -> None:
        tarpit = self.host("127.0.0.2", SLOW["silent"])
        result = self.deliver(HOLE, tarpit, deadline="2s", **SHORT)
        self.assert_deferred(result, words=("deadline",))


class Tarpits:
    """Listens at several addresses, says nothing, and counts how many connections are open at a time."""

    def __init__(self, addresses: list[str], port: int) -> None:
        self.most = self.total = self._open = 0
        self._selector = selectors.DefaultSelector()
        self._wake, self._stop = socket.socketpair()
        self._selector.register(self._stop, selectors.EVENT_READ)
        for address in addresses:
            listener = socket.create_server((address, port))
            self._selector.register(listener, selectors.EVENT_READ, "listener")
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            ready = [key for key, _ in self._selector.select()]
            # What was closed before a connection came must be counted before it too.
            for key in sorted(ready, key=lambda key: key.data == "listener"):
                if key.fileobj is self._stop:
                    return
                if key.data == "listener":
                    self._selector.register(key.fileobj.accept()[0], selectors.EVENT_READ)    # type: ignore[union-attr]
                    self._open += 1
                    self.total += 1
                    self.most = max(self.most, self._open)
                elif not key.fileobj.recv(4096):    # type: ignore[union-attr]
                    self._selector.unregister(key.fileobj)
                    key.fileobj.close()    # type: ignore[union-attr]
                    self._open -= 1

    def stop(self) -> None:
        self._wake.close()
        self._thread.join()


class Restraint(WorldCase):
    @each({"default": ({}, 3), "one": ({"max_sessions": "1"}, 1), "two": ({"max_sessions": "2"}, 2),
           "five": ({"max_sessions": "5"}, 5)})
    def test_number_of_sessions_at_a_time(self, settings: dict[str, str], most: int) -> None:
        addresses = [f"127.0.0.{n}" for n in range(2, 10)]
        tarpits = Tarpits(addresses, self.port)
        result = self.deliver(*[self.nexthop(f"[{a}]") for a in addresses], patience="100ms", greeting_timeout="1s",
                              deadline="20s", **settings)
        tarpits.stop()
        self.assert_deferred(result)
        self.assertLessEqual(tarpits.most, most)
        self.assertGreaterEqual(tarpits.total, len(addresses), "some were never tried")

    def test_a_loser_that_is_ready_too_hears_quit(self) -> None:
        """Both EHLO replies lie in the program's sockets before it runs on: it finds two ready sessions at once."""
        self.responder("mail.test A 127.0.0.2, 127.0.0.3")
        both = [self.host(address, "on ehlo: hold ; default") for address in ("127.0.0.2", "127.0.0.3")]
        delivery = self.start(self.nexthop("[mail.test]"), address_patience="1ms", **LONG)
        delivery.feed(MESSAGE)
        for relay in both:
            relay.wait_for("ehlo")
        delivery.signal(signal.SIGSTOP)
        for relay in both:
            relay.release()
        wait_until(lambda: self.unread_replies() == 2, "both EHLO replies")
        delivery.signal(signal.SIGCONT)
        self.assertEqual(self.finish(delivery).status, 0)
        self.assertEqual(sum(len(relay.accepted) for relay in both), 1)
        for relay in both:
            (connection,) = relay.connections
            self.assertTrue(connection["quit"], connection)

    def unread_replies(self) -> int:
        """Connections to the relays of this test whose octets nobody has read yet, from the kernel's table."""
        rows = (line.split() for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:])
        return sum(row[2].endswith(f":{self.port:04X}") and int(row[4].split(":")[1], 16) > 0 for row in rows)

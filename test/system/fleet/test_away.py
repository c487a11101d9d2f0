"""A store that is away, in whatever way: mail goes on, as `when_away` says."""

from __future__ import annotations

import json
import socket
import threading
import time
from typing import Callable

from fleet_case import FleetCase, Host
from support.case import each
from support.clients import clients_of
from support.networks import NOWHERE
from support.redis_store import StoreServer

AWAY, BACK = r"fleet: .* does not answer: .*when_away=", r"fleet: .* answers again"


def kill(store: StoreServer) -> Callable[[], object]:
    store.kill()
    return store.start


def stop(store: StoreServer) -> Callable[[], object]:
    store.hang()
    return store.go_on


def fill(store: StoreServer) -> Callable[[], object]:
    store("CONFIG", "SET", "maxmemory", "1")
    return lambda: store("CONFIG", "SET", "maxmemory", "0")


def make_replica(store: StoreServer) -> Callable[[], object]:
    store("CONFIG", "SET", "replica-serve-stale-data", "yes")
    store("REPLICAOF", "127.0.0.1", "1")
    return lambda: store("REPLICAOF", "NO", "ONE")


def want_password(store: StoreServer) -> Callable[[], object]:
    store("CONFIG", "SET", "requirepass", "other")

    def undo() -> None:
        client = store.client()
        client("AUTH", "other")
        client("CONFIG", "SET", "requirepass", "")
        client.close()
    return undo


class Kinds(FleetCase):
    @each({"killed": (kill, False), "stopped": (stop, False), "full": (fill, True), "replica": (make_replica, True),
           "password": (want_password, False)})
    def test_mail_goes_on(self, harm: Callable[[StoreServer], Callable[[], object]], readable: bool) -> None:
        store = self.store()
        host = self.host("a", store.url, 'quota = "100/24h"', timeout="500ms")
        self.assertTrue(all(self.sent(host) for _ in range(3)))
        undo = harm(store)
        self.assertTrue(all(self.sent(host) for _ in range(10)))
        self.tool(host, "refill", status=1)
        self.assertEqual(len(self.log_lines(AWAY)), 1)
        self.assertIn("does not answer since", self.tool(host, "status"))
        self.assertIn("relaypipe_fleet_store_answers 0", self.tool(host, "status", "--format=prometheus"))
        self.assertEqual(self.status(host)["store"]["answers"], False)
        self.status_tells(host, readable)
        undo()
        self.back(host)
        self.assertEqual(len(self.log_lines(BACK)), 1)
        self.assertTrue(self.sent(host))
        self.assertGreaterEqual(self.fleet_used(host), 13)

    def back(self, host: Host) -> None:
        """Asks until the store answers: while it is away it is asked once a second."""
        self.wait_until(lambda: self.answers(host), "the store to be back")

    def status_tells(self, host: Host, readable: bool) -> None:
        """`status --fleet` fails, for who watches it; where the store may not even be read, it shows what this host knows."""
        own = self.relay_status(host)["slices"][0]
        text = self.tool(host, "status", "--fleet", status=1)
        self.assertRegex(text, rf"(?s)does not answer: .*quota 100/24h: {own['fleet_used']} of 100 used or granted\n")
        self.assertEqual("told last" in text, not readable)
        report = json.loads(self.tool(host, "status", "--fleet", "--json", status=1))
        self.assertEqual(report["store"]["answers"], False)
        (window,) = report["windows"]
        self.assertEqual((window["fleet_used"], [one["host"] for one in window["hosts"]]), (own["fleet_used"], ["a"]))
        self.assertEqual(window["last_answer"] is None, readable)
        metrics = self.tool(host, "status", "--fleet", "--format=prometheus")
        self.assertIn("relaypipe_fleet_store_answers 0", metrics)

    def test_status_of_a_store_that_was_never_there(self) -> None:
        host = self.host("a", "redis://127.0.0.1:1", "")
        self.assertRegex(self.tool(host, "status", "--fleet", status=1), r"^fleet \S+: does not answer: .*\n$")
        self.assertEqual(json.loads(self.tool(host, "status", "--fleet", "--json", status=1))["windows"], [])

    def test_nothing_there_from_the_beginning(self) -> None:
        host = self.host("a", "redis://127.0.0.1:1", 'quota = "4/24h"')
        self.assertEqual([self.sent(host) for _ in range(6)], [True] * 4 + [False] * 2)
        self.assertEqual(len(self.log_lines(AWAY)), 1)

    def test_packets_are_dropped(self) -> None:
        host = self.host("a", f"redis://{NOWHERE[0]}:6379", 'quota = "4/24h"', timeout="50ms")
        self.assertEqual([self.sent(host) for _ in range(6)], [True] * 4 + [False] * 2)
        self.assertRegex(self.log_lines(AWAY)[0], "no connection in time")

    def test_something_else_answers(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            def answer() -> None:
                for connection, _ in clients_of(server):
                    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            thread = threading.Thread(target=answer, daemon=True)
            thread.start()
            host = self.host("a", f"redis://127.0.0.1:{server.getsockname()[1]}", 'quota = "4/24h"')
            self.assertEqual([self.sent(host) for _ in range(5)], [True] * 4 + [False])
            self.assertRegex(self.log_lines(AWAY)[0], "does not speak the protocol of Redis")
            server.shutdown(socket.SHUT_RDWR)
            thread.join()

    def test_a_hanging_store_is_asked_once_a_second(self) -> None:
        store = self.store()
        host = self.host("a", store.url, 'quota = "1000/24h"', timeout="100ms")
        self.assertTrue(self.sent(host))
        before = int(store("INFO", "stats").split("total_connections_received:")[1].split()[0])
        store.hang()
        began = time.monotonic()
        self.assertTrue(all(self.sent(host) for _ in range(40)))
        elapsed = time.monotonic() - began
        store.go_on()
        after = int(store("INFO", "stats").split("total_connections_received:")[1].split()[0])
        self.assertLessEqual(after - before, elapsed + 4)    # two at the beginning, and the one that asks here


    def test_a_question_of_another_delivery_is_waited_for(self) -> None:
        """However long it may last: what this one may send is known when that one is answered, or is not."""
        store = self.store()
        host = self.host("a", store.url, 'quota = "100/24h"', timeout="700ms")
        for _ in range(3):
            self.assertTrue(self.sent(host))
        self.wait_quiet(host)
        left = self.relay_status(host)["slices"][0]["left"]
        store.hang()
        deliveries = [self.begin(host) for _ in range(left + 4)]
        self.assertEqual([self.finish(one).status for one in deliveries], [0] * len(deliveries))


class WhenAway(FleetCase):
    def two_hosts(self, store: StoreServer, when: str) -> list[Host]:
        hosts = [self.host(name, store.url, 'quota = "40/24h"', f'when_away = "{when}"') for name in "ab"]
        for host in hosts * 3:
            self.assertTrue(self.sent(host))
        for host in hosts:
            self.wait_quiet(host)
        return hosts

    def use_up(self, hosts: list[Host]) -> int:
        """How many more are sent until each host has been refused twice."""
        before = len(self.sink.accepted)
        for host in hosts:
            refused = 0
            for _ in range(60):
                refused += not self.sent(host)
                if refused == 2:
                    break
        return len(self.sink.accepted) - before

    def test_closed_uses_up_the_slices(self) -> None:
        store = self.store()
        hosts = self.two_hosts(store, "closed")
        slices = sum(self.relay_status(host)["slices"][0]["left"] for host in hosts)
        store.kill()
        self.assertEqual(self.use_up(hosts), slices)

    def test_share_divides_what_is_left(self) -> None:
        store = self.store()
        hosts = self.two_hosts(store, "share")
        known = [self.relay_status(host) for host in hosts]
        promised = sum(relay["slices"][0]["left"] + (40 - relay["slices"][0]["fleet_used"]) // relay["hosts"] for relay in known)
        store.kill()
        self.assertEqual(self.use_up(hosts), promised)
        overshoot = len(self.sink.accepted) - 40
        print(f"share, two hosts, quota 40: {len(self.sink.accepted)} accepted, overshoot {overshoot}")

    def test_open_counts_for_itself(self) -> None:
        store = self.store()
        hosts = self.two_hosts(store, "open")
        store.kill()
        self.use_up(hosts)
        self.assertEqual(len(self.sink.accepted), 80)

    def test_what_was_sent_meanwhile_is_counted(self) -> None:
        store = self.store()
        hosts = self.two_hosts(store, "share")
        store.kill()
        for host in hosts * 5:
            self.sent(host)
        store.start()    # and it has forgotten everything
        for host in hosts:
            self.wait_until(lambda host=host: self.answers(host), "the store to be back")
        self.assertGreaterEqual(self.fleet_used(hosts[1]), len(self.sink.accepted))

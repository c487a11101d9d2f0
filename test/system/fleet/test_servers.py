"""Servers of other kinds: with TLS, and of a cluster."""

from __future__ import annotations

import socket
from pathlib import Path

from fleet_case import FleetCase
from support.certificates import Authority
from support.redis_store import StoreServer

AWAY = r"fleet: .* does not answer: "


class Tls(FleetCase):
    def secure(self, *names: str) -> tuple[StoreServer, Path]:
        """A server with a certificate for these names, and the authority that signed it."""
        home = self.directory / "authority"
        home.mkdir()
        authority = Authority(home)
        both = authority.certificate(*names)
        store = self.store("--tls-port", str(self.free_port()), "--tls-cert-file", str(both), "--tls-key-file", str(both),
                           "--tls-auth-clients", "no", "--tls-ca-cert-file", str(authority.file))
        return store, authority.file

    def free_port(self) -> int:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.tls_port = free.getsockname()[1]
        return self.tls_port

    def test_a_certificate_of_ours(self) -> None:
        _, authority = self.secure("127.0.0.1")
        host = self.host("a", f"rediss://127.0.0.1:{self.tls_port}", 'quota = "3/24h"', f'ca_file = "{authority}"')
        self.assertEqual([self.sent(host) for _ in range(4)], [True] * 3 + [False])
        self.assertEqual(self.log_lines(AWAY), [])

    def test_a_certificate_that_is_not_trusted(self) -> None:
        self.secure("127.0.0.1")
        host = self.host("a", f"rediss://127.0.0.1:{self.tls_port}", 'quota = "3/24h"')
        self.assertTrue(self.sent(host))
        self.assertRegex(self.log_lines(AWAY)[0], "certificate")

    def test_a_certificate_of_another_name(self) -> None:
        _, authority = self.secure("other.example.net")
        host = self.host("a", f"rediss://127.0.0.1:{self.tls_port}", 'quota = "3/24h"', f'ca_file = "{authority}"')
        self.assertTrue(self.sent(host))
        self.assertRegex(self.log_lines(AWAY)[0], "certificate: .*IP address mismatch")

    def test_a_server_without_tls(self) -> None:
        store = self.store()
        host = self.host("a", f"rediss://127.0.0.1:{store.port}", 'quota = "3/24h"', timeout="300ms")
        self.assertTrue(self.sent(host))
        self.assertEqual(len(self.log_lines(AWAY)), 1)


class Cluster(FleetCase):
    def test_the_server_that_has_the_keys_is_asked(self) -> None:
        """The one that is configured has none of them."""
        first, second = (self.store("--cluster-enabled", "yes", "--cluster-config-file", f"nodes{n}.conf") for n in range(2))
        second("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
        first("CLUSTER", "MEET", "127.0.0.1", second.port)
        self.wait_until(lambda: all("cluster_state:ok" in one("CLUSTER", "INFO") for one in (first, second)), "the cluster")
        hosts = [self.host(name, first.url, 'quota = ["6/24h", "100/month UTC"]') for name in "ab"]
        self.assertIn(sum(self.sent(host) for host in hosts * 5), (5, 6))
        self.assertEqual(self.log_lines(AWAY), [])
        self.assertEqual(first("DBSIZE"), 0)
        self.assertGreater(second("DBSIZE"), 0)

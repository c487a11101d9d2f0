"""A quota holds over all hosts, and is used up to the last message."""

from __future__ import annotations

import json
import threading

from fleet_case import LONG, STORE, FleetCase, Host
from support.case import MESSAGE
from support.runs import Result

HOSTS, PROCESSES, QUOTA = (10, 20, 10_000) if LONG else (4, 6, 120)


class Shared(FleetCase):
    def test_one_host_after_the_other(self) -> None:
        store = self.store()
        a, b = (self.host(name, store.url, 'quota = "10/24h"') for name in "ab")
        for host in [a] * 4 + [b] * 3:
            self.assertTrue(self.sent(host))
        refused = self.until_refused(a)
        self.until_refused(b)
        self.assertIn(len(self.sink.accepted), (9, 10))    # a slice that a host has taken and did not use
        self.assertRegex(refused.text, r"^4\.\d\.\d .*quota 10/24h of the fleet")

    def until_refused(self, host: Host) -> Result:
        while (result := self.one(host)).status == 0:
            self.assertLessEqual(len(self.sink.accepted), QUOTA)
        self.assertEqual(result.status, 75)
        return result

    def test_what_was_used_before_there_was_a_fleet_counts(self) -> None:
        store = self.store()
        host = self.host("a", store.url, 'quota = "10/24h"')
        text = host.file.read_text()
        host.file.write_text(text[:text.index("[fleet]")])
        self.assertTrue(all(self.sent(host) for _ in range(6)))
        host.file.write_text(text)
        other = self.host("b", store.url, 'quota = "10/24h"')
        self.assertTrue(self.sent(host))
        self.assertIn(sum(self.sent(other) for _ in range(6)), (2, 3))    # the first host has asked for its next one

    def test_what_was_not_accepted_is_given_back(self) -> None:
        store = self.store()
        host = self.host("a", store.url, 'quota = "5/24h"')
        self.sink.dot = "451 4.3.0 not now"
        self.assertEqual([self.sent(host) for _ in range(8)], [False] * 8)
        self.sink.dot = "250 2.0.0 Ok"
        self.tool(host, "reset", "sink")
        self.assertEqual([self.sent(host) for _ in range(6)], [True] * 5 + [False])

    def test_many_recipients_at_once(self) -> None:
        """A message needs as much as it has recipients, more than a slice would be."""
        store = self.store()
        a, b = (self.host(name, store.url, 'quota = "50 recipients/24h"') for name in "ab")
        twenty = tuple(f"r{n}@example.net" for n in range(20))
        self.assertTrue(self.sent(a, to=twenty))
        self.assertTrue(self.sent(b, to=twenty))
        self.assertFalse(self.sent(a, to=twenty))
        # While a process still asks for the host's next slice nobody else does.
        self.wait_until(lambda: self.sent(a, to=twenty[:5]), "a slice of five")
        self.assertLessEqual(len(self.sink.accepted), 50)

    def test_the_reserve_is_the_fleets(self) -> None:
        store = self.store()
        limits = 'quota = "10/24h"\nreserve = { percent = 20, for = ["@alerts.example.com"] }'
        a, b = (self.host(name, store.url, limits) for name in "ab")
        self.assertIn(sum(self.sent(host) for host in [a, b] * 6), (7, 8))
        urgent = [self.sent(host, sender="root@alerts.example.com") for host in [a, b] * 3]
        self.assertGreaterEqual(sum(urgent), 2)
        self.assertEqual(len(self.sink.accepted), 10)

    def test_a_calendar_window(self) -> None:
        store = self.store()
        a, b = (self.host(name, store.url, 'quota = "6/month UTC"') for name in "ab")
        self.assertIn(sum(self.sent(host) for host in [a, b] * 5), (5, 6))
        self.assertTrue(all(store("PTTL", key) > 0 for key in store("KEYS", "*")))

    def test_by_lmtp(self) -> None:
        store = self.store()
        hosts = [self.host(name, store.url, 'quota = "12 recipients/24h"') for name in "ab"]
        programs = [self.lmtp(host) for host in hosts]
        replies: list[str] = []
        for number in range(6):
            for place, program in enumerate(programs):
                to = (f"r{number}.{place}@example.net", f"s{number}.{place}@example.net")
                replies += program.message(*to, content=MESSAGE, queue_id=f"4Q{number}{place}")
        sent = sum(reply.startswith("250") for reply in replies)
        self.assertEqual(sent, len(self.sink.accepted))
        self.assertIn(sent, (10, 11, 12))
        self.assertTrue(all(reply.startswith(("250", "45")) for reply in replies), replies)

    def test_a_rate_is_divided(self) -> None:
        store = self.store()
        a, b = (self.host(name, store.url, 'rate = "4/h"') for name in "ab")
        for host in (a, b, a):
            self.tool(host, "refill")
        self.assertEqual([self.sent(host) for host in [a] * 3 + [b] * 3], [True, True, False] * 2)

    def test_a_socket_a_password_and_a_database(self) -> None:
        store = self.store("--user", "mail", "on", ">geheim", "~relaypipe:*", "+@all")
        secret = self.directory / "store.secret"
        secret.write_text("geheim\n")
        secret.chmod(0o600)
        fleet = f'user = "mail"\npassword_file = "{secret}"'
        hosts = [self.host("a", f"unix:{store.path}", 'quota = "4/24h"', fleet),
                 self.host("b", store.url + "/0", 'quota = "4/24h"', fleet)]
        self.assertIn(sum(self.sent(host) for host in hosts * 4), (3, 4))

    def test_status(self) -> None:
        store = self.store()
        a, b = (self.host(name, store.url, 'quota = "100/24h"\nrate = "1000/s"') for name in "ab")
        for host in (a, b):
            self.assertTrue(self.sent(host))
            self.tool(host, "refill")
        report = json.loads(self.tool(a, "status", "--fleet", "--json"))
        self.assertEqual(report["store"], {"url": store.url, "answers": True, "words": None})
        quota = next(window for window in report["windows"] if window["kind"] == "quota")
        self.assertEqual([host["host"] for host in quota["hosts"]], ["a", "b"])
        self.assertEqual(quota["fleet_used"], 2 + sum(host["left"] for host in quota["hosts"]))
        self.assertIsNone(quota["last_answer"])
        self.assertIn("2 hosts", self.tool(a, "status", "--fleet"))
        self.assertIn("relaypipe_fleet_used", self.tool(a, "status", "--fleet", "--format=prometheus"))
        own = self.relay_status(b)
        self.assertEqual((own["hosts"], own["slices"][0]["count"]), (2, 100))
        self.assertIn("relaypipe_fleet_store_answers 1", self.tool(b, "status", "--format=prometheus"))
        self.assertIn("answers", self.tool(b, "status"))


class StormAlone(FleetCase):
    def hosts(self) -> list[Host]:
        return self.hosts_apart(HOSTS, self.store(host=STORE), f'quota = "{QUOTA}/24h"')

    def judge(self, hosts: list[Host], sent: int) -> None:
        """After a storm: the rest of the quota is what hosts were granted, and had no mail for any more."""
        for _ in range(3):
            for host in hosts:
                while self.sent(host):
                    sent += 1
        print(f"{HOSTS} hosts, {PROCESSES} processes each, quota {QUOTA}: {sent} accepted")
        self.assertEqual(len(self.sink.accepted), sent)
        self.assertEqual(self.log_lines("does not answer"), [])
        self.assertLessEqual(sent, QUOTA)
        self.assertGreaterEqual(sent, QUOTA * 99 // 100)

    def test_never_one_above_and_nothing_left(self) -> None:
        hosts = self.hosts()
        self.judge(hosts, self.assert_sent_or_deferred(self.storm(hosts, QUOTA + QUOTA // 5, HOSTS * PROCESSES)))

    def test_the_same_by_lmtp(self) -> None:
        hosts = self.hosts()
        numbers = iter(range(QUOTA + QUOTA // 5))
        sent: list[bool] = []

        def send_all(host: Host) -> None:
            program = self.lmtp(host)
            for number in numbers:    # one at a time: next() of an iterator over a range is one step
                (reply,) = program.message(f"r{number}@example.net", content=MESSAGE, queue_id=f"4Q{number}")
                sent.append(reply.startswith("250"))

        threads = [threading.Thread(target=send_all, args=(host,)) for host in hosts * PROCESSES]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(sent), QUOTA + QUOTA // 5)
        self.judge(hosts, sum(sent))

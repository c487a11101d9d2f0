"""What hosts tell one another: facts about the account hold for all, trouble on the way does not."""

from __future__ import annotations

from fleet_case import FleetCase


class Facts(FleetCase):
    def test_suspend_and_resume(self) -> None:
        store = self.store()
        a, b = (self.host(name, store.url, 'quota = "100/24h"') for name in "ab")
        self.assertTrue(self.sent(b))
        self.assertIn("other hosts", self.tool(a, "suspend", "sink", "--fleet", "--for", "2h"))
        self.assertFalse(self.sent(a))
        self.tool(b, "refill")
        self.assertEqual(self.relay_status(b)["state"], "suspended")
        self.assertFalse(self.sent(b))
        self.assertIn("suspended", self.tool(b, "log"))
        self.assertEqual(len(self.log_lines(r"relay sink is suspended until .*, by the fleet, at a")), 1)
        self.tool(a, "resume", "sink", "--fleet")
        self.assertTrue(self.sent(a))
        self.tool(b, "refill")
        self.assertTrue(self.sent(b))

    def test_a_local_suspension_stays_local(self) -> None:
        store = self.store()
        a, b = (self.host(name, store.url, 'quota = "100/24h"') for name in "ab")
        self.tool(a, "suspend", "sink")
        for host in (a, b):
            self.tool(host, "refill")
        self.assertEqual([self.sent(a), self.sent(b)], [False, True])

    def test_a_name_that_is_no_relay_is_told_and_the_others_are_asked_about(self) -> None:
        store = self.store()
        a, b = (self.host(name, store.url, 'quota = "100/24h"') for name in "ab")
        self.tool(a, "suspend", "sink", "--fleet")
        self.assertIn("there is no relay snik; did you mean sink?", self.tool(b, "refill", "snik", "sink", status=2))
        self.assertEqual(self.relay_status(b)["state"], "suspended")

    def test_the_other_hosts_are_not_told_while_the_store_is_away(self) -> None:
        store = self.store()
        a = self.host("a", store.url, "")
        store.kill()
        self.assertIn("the other hosts were not told", self.tool(a, "suspend", "sink", "--fleet", status=1))
        self.assertFalse(self.sent(a))

    def test_an_exhausted_account_is_known_to_all(self) -> None:
        store = self.store()
        a, b = (self.host(name, store.url, "") for name in "ab")
        self.assertTrue(self.sent(b))
        self.sink.dot = "454 4.7.0 Throttling failure: Daily message quota exceeded."
        self.assertFalse(self.sent(a))
        self.assertEqual(self.relay_status(a)["cause"], "quota")
        # A process of its own tells it, after the delivery.
        self.wait_until(lambda: store("HGET", "relaypipe:{sink}:facts", "outage"), "the fact")
        sessions = self.sink.sessions
        self.tool(b, "refill")
        self.assertFalse(self.sent(b))
        self.assertEqual(self.sink.sessions, sessions, "it was tried all the same")
        self.assertEqual(self.relay_status(b)["cause"], "quota")
        self.assertIn("at a", self.relay_status(b)["failure"])
        # And its end: the next delivery tries.
        self.sink.dot = "250 2.0.0 Ok"
        self.tool(a, "reset", "sink")
        self.tool(a, "refill")
        self.tool(b, "refill")
        self.assertTrue(self.sent(b))

    def test_a_relay_that_is_not_reached_is_no_fact(self) -> None:
        store = self.store()
        a, b = (self.host(name, store.url, "") for name in "ab")
        a.file.write_text(a.file.read_text().replace(self.sink.destination, "[127.0.0.1]:1"))
        self.assertFalse(self.sent(a))
        self.wait_until(lambda: store("HGET", "relaypipe:{sink}:facts", "hint"), "the hint")
        self.tool(b, "refill")
        self.assertTrue(self.sent(b))

    def test_check_asks_the_store(self) -> None:
        store = self.store()
        host = self.host("a", store.url, "")
        self.tool(host, "check")
        store("CONFIG", "SET", "requirepass", "other")
        self.assertRegex(self.tool(host, "check", status=1), r"warning: \[fleet\] url: redis://.* does not answer: NOAUTH")
        store.kill()
        self.assertIn("Connection refused", self.tool(host, "check", status=1))

    def test_configuration(self) -> None:
        host = self.host("a", "redis://u:geheim@127.0.0.1", "")
        text = self.tool(host, "check", status=2)
        self.assertIn("[fleet] url: a user and a password do not belong into it", text)
        self.assertNotIn("does not answer", text)
        self.assertNotIn("geheim", text)
        for wrong, words in {'timout = "1s"': "did you mean timeout?", 'when_away = "maybe"': "share",
                             'user = "x"': "needs a password_file", 'ca_file = "/etc/x"': "rediss://",
                             'prefix = "{}"': "1 to 64 letters"}.items():
            host = self.host("a", "redis://127.0.0.1", "", wrong)
            self.assertIn(words, self.tool(host, "check", status=2), wrong)

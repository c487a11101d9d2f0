"""plan: what it prints, for people and for programs, and that a delivery does what it says."""

from __future__ import annotations

import re

from sample_files import FAULTY, GOOD, LIMITED
from support.case import RECIPIENT, SENDER, each
from support.chain_case import DOWN, LATER, ChainCase
from support.relays import RefusedPort


class Plan(ChainCase):
    def setUp(self) -> None:
        super().setUp()
        self.write(GOOD)

    def test_text(self) -> None:
        told = self.plan("--nexthop", "outbound", "--size", "5000", sender="a@elsewhere.example")
        self.assertEqual(told.status, 0, told)
        self.assertEqual(told.lines[0], f"from <a@elsewhere.example> to <{RECIPIENT}>, by chain outbound")
        self.assertEqual([line.split()[:2] for line in told.lines[1:]], [
            ["1", "one"], ["2", "[192.0.2.25]:2525"], ["3", "lastresort"], ["-", "two"], ["-", "gateway"]])
        self.assertIn("may not carry the sender <a@elsewhere.example>", told.lines[4])
        self.assertIn("message of 5000 octets exceeds its max_size of 1024", told.lines[5])

    def test_fits_a_terminal(self) -> None:
        for words in ((), ("--explain",), ("--size", "5000"), ("--size", "5000", "--explain")):
            told = self.plan("--nexthop", "outbound", *words)
            self.assertLessEqual(max(map(len, told.lines)), 80, told.text)
            self.assertNotIn("\033", told.text, "colour is for terminals")

    def test_columns_are_aligned(self) -> None:
        """The reasons begin in one column, relays written out included."""
        told = self.plan("--nexthop", "outbound")
        starts = {found.start() for line in told.lines[1:] if (found := re.search(r"tier \d|fallback", line))}
        self.assertEqual(len(starts), 1, told.text)

    def test_explain(self) -> None:
        text = self.plan("--nexthop", "outbound", "--explain", sender="news@list.example").text
        self.assertIn("chain outbound: @list.example leads to lists", text)
        self.assertIn("by chain lists", text)
        self.assertIn("TLS implicit, encrypt", text)
        self.assertIn("connect within 30s", text)

    def test_limits(self) -> None:
        self.write(LIMITED)
        told = self.plan("--explain")
        words = " ".join(told.text.split())
        self.assertIn("at most rate 14/s, quota 500/day Europe/Berlin, quota 10000 recipients/24h, 3 connections, "
                      "10 % of quotas kept for @alerts.example.com <> 2", words)
        self.assertIn("at most quota 100/hour, rate 30/m (published), 3 connections 3", words)
        self.assertEqual(told.text.count("at most"), 2, "a relay without limits has no such line")

    def test_json_of_limits(self) -> None:
        self.write(LIMITED)
        first, second, last = self.plan("--json").json["legs"]
        self.assertEqual(first["limits"], [
            {"limit": "14/s", "kind": "rate", "count": 14, "published": False},
            {"limit": "500/day Europe/Berlin", "kind": "quota", "count": 500, "published": False},
            {"limit": "10000 recipients/24h", "kind": "quota", "count": 10000, "published": False}])
        self.assertEqual(first["connections"], 3)
        self.assertEqual(first["reserve"], {"percent": 10, "for": ["@alerts.example.com", "<>"]})
        self.assertEqual([(one["limit"], one["published"]) for one in second["limits"]],
                         [("100/hour", False), ("30/m", True)])
        self.assertEqual((last["limits"], last["connections"], last["reserve"]), ([], None, None))

    def test_only_chain_needs_no_nexthop(self) -> None:
        self.write(GOOD.split("[chain.outbound]")[0] + '[chain.all]\ntiers = [["one"]]\n')
        told = self.plan()
        self.assertEqual(told.status, 0, told)
        self.assertIn("by chain all", told.text)

    def test_which_of_several_chains(self) -> None:
        told = self.plan()
        self.assertEqual(told.status, 2, told)
        self.assertIn("lists, outbound", told.text)

    def test_json(self) -> None:
        told = self.plan("--json", "--nexthop", "outbound", "--size", "5000", sender="a@elsewhere.example")
        self.assertEqual(told.status, 0, told)
        self.assertEqual(set(told.json), {"chain", "steps", "policy", "legs", "skipped"})
        self.assertEqual([told.json[name] for name in ("chain", "steps", "policy")], ["outbound", [], ""])
        expected = [
            ("one", "[mail1.example.com]:587", "mail1.example.com", 587, 1, False),
            ("[192.0.2.25]:2525", "[192.0.2.25]:2525", "192.0.2.25", 2525, 3, False),
            ("lastresort", "[backup.example.com]:25", "backup.example.com", 25, 4, True),
        ]
        names = ("relay", "destination", "host", "port", "tier", "fallback")
        for position, (leg, row) in enumerate(zip(told.json["legs"], expected, strict=True), 1):
            self.assertEqual(set(leg), {"position", "reason", "limits", "connections", "reserve", "envelope_sender",
                                        "header_from", "protocol", "provider", *names})
            self.assertEqual((leg["protocol"], leg["provider"]), ("smtp", None))
            self.assertEqual((leg["limits"], leg["connections"], leg["reserve"]), ([], None, None))
            self.assertEqual((leg["position"], *(leg[name] for name in names)), (position, *row))
        self.assertEqual([leg["reason"] for leg in told.json["legs"]], ["tier 1", "tier 3", "fallback"])
        self.assertEqual([skipped["relay"] for skipped in told.json["skipped"]], ["two", "gateway"])
        for skipped in told.json["skipped"]:
            self.assertEqual(set(skipped), {"relay", "reason"})

    def test_json_of_rules_and_weights(self) -> None:
        told = self.plan("--json", "--nexthop", "outbound").json
        self.assertEqual({leg["reason"] for leg in told["legs"][:2]},
                         {"tier 1, weight 3 of 4", "tier 1, weight 1 of 4"})
        told = self.plan("--json", "--nexthop", "outbound", sender="news@list.example").json
        self.assertEqual(told["chain"], "lists")
        self.assertEqual(told["steps"], ["chain outbound: @list.example leads to lists"])

    def test_json_of_a_list(self) -> None:
        told = self.plan("--json", "--nexthop", "[a.example]:587, b.example").json
        self.assertEqual(told["chain"], "")
        self.assertEqual([(leg["relay"], leg["tier"], leg["reason"]) for leg in told["legs"]], [
            ("[a.example]:587", 0, "destination 1 of 2"), ("b.example", 0, "destination 2 of 2")])

    def test_no_relay_may_carry_it(self) -> None:
        self.write('[relay.one]\ndestination = "[a.example]"\nsenders = ["@other.example"]\n'
                   '[chain.outbound]\ntiers = [["one"]]\n')
        told = self.plan()
        self.assertEqual(told.status, 1, told)
        self.assertIn("one may not carry the sender", told.text)

    @each({
        "nothing_left": ('[relay.one]\ndestination = "[a.example]"\nsenders = ["@other.example"]\n'
                         '[chain.outbound]\ntiers = [["one"]]\n', 1),
        "bad_file": ("tsl = 3\n", 2),
    })
    def test_json_is_json_when_there_is_no_plan(self, text: str, status: int) -> None:
        self.write(text)
        told = self.plan("--json")
        self.assertEqual(told.status, status, told)
        self.assertEqual(set(told.json), {"error"})

    @each({
        "swapped": ("outbuond", "there is no chain \"outbuond\"; did you mean outbound?"),
        "letter_case": ("Outbound", "did you mean outbound?"),
        "in_a_list": ("outbound,[127.0.0.1]:25", "destination 1 of 2, \"outbound\": a chain stands alone"),
        "host": ("localhost", "a host of that name is written [localhost]"),
        "relay": ("one", "it is a relay"),
        "port": ("outbound:587", "a chain is written without a prefix and a port: write outbound"),
    })
    def test_a_chain_that_does_not_exist_is_no_host(self, nexthop: str, words: str) -> None:
        """plan, probe and a delivery say the same, and nobody is asked for an address."""
        server = self.responder("")
        self.configure("[relay.one]\n[chain.outbound]\ntiers = [[\"one\"]]\n", one=self.relay())
        planned = self.plan("--nexthop", nexthop)
        self.assertEqual(planned.status, 1, planned)
        self.assertIn(words, planned.text)
        if nexthop != "one":    # which probe takes by its name
            self.assertEqual(self.tool("probe", "--config", str(self.config), nexthop).status, 2)
        self.assert_refused(self.deliver(nexthop), words)
        self.assertEqual(server.queries, [])

    @each({"before": (" outbound",), "after": ("outbound ",)})
    def test_blanks_around_a_chain(self, nexthop: str) -> None:
        self.configure("[relay.one]\n[chain.outbound]\ntiers = [[\"one\"]]\n", one=self.relay())
        self.assertEqual(self.plan("--json", "--nexthop", nexthop).json["chain"], "outbound")
        self.carrier(self.deliver(nexthop))

    def test_bad_file(self) -> None:
        self.write(FAULTY)
        told = self.plan("--nexthop", "outbound")
        self.assertEqual(told.status, 2, told)
        self.assertIn(":1:1: error: deadlin", told.text)
        self.assertIn("relaypipe check", told.text)


class Prediction(ChainCase):
    """plan and delivery over the same file."""

    @each({
        "tiers": (SENDER, "a@example.net"),
        "rule": ("news@list.example", "a@example.net"),
        "not_allowed": ("a@elsewhere.example", "a@example.net"),
        "null_sender": ("", "a@example.net"),
        "recipient": (SENDER, "a@partner.example"),
    })
    def test_first_leg_gets_the_message(self, sender: str, recipient: str) -> None:
        relays = {name: self.relay() for name in ("one", "two", "three")}
        self.configure("""
            [relay.one]
            senders = ["@example.org"]
            [chain.outbound]
            tiers = [["one"], ["two"], ["three"]]
            by_sender = { "@list.example" = "lists" }
            by_recipient = { "@partner.example" = "three" }
            [chain.lists]
            tiers = [["three"], ["two"]]
        """.replace('"@partner.example" = "three"', f'"@partner.example" = "{relays["three"].destination}"'), **relays)
        first = self.plan("--json", "--nexthop", "outbound", sender=sender, to=(recipient,)).json["legs"][0]
        result = self.deliver("outbound", sender=sender, to=(recipient,))
        carrier = self.carrier(result)
        self.assertEqual((first["host"], first["port"]), (carrier.host, carrier.port))

    def test_attempts_follow_the_legs(self) -> None:
        one, two, three = self.relay(LATER), self.relay(DOWN), self.relay()
        self.configure('[chain.outbound]\ntiers = [["one", "two"], ["three"]]\nbalance = "sender"',
                       one=one, two=two, three=three)
        ports = [leg["port"] for leg in self.plan("--json").json["legs"]]
        self.carrier(self.deliver("outbound"))
        self.assertEqual([int(attempt.relay.rsplit(":", 1)[1]) for attempt in self.attempts()], ports)


class Resolve(ChainCase):
    ZONE = """
        host-record=mail.test,127.0.0.2
        host-record=mx1.test,127.0.0.3
        host-record=mx2.test,127.0.0.4
        mx-host=dom.test,mx2.test,20
        mx-host=dom.test,mx1.test,10
    """

    def setUp(self) -> None:
        super().setUp()
        server = self.dnsmasq(self.ZONE)
        self.write(f"""
            dns_servers = ["{server.address}"]
            [relay.host]
            destination = "[mail.test]:2525"
            [relay.domain]
            destination = "dom.test:2525"
            [relay.gone]
            destination = "[gone.test]:2525"
            [chain.outbound]
            tiers = [["host"], ["domain"], ["gone"]]
        """)

    def test_json(self) -> None:
        told = self.plan("--json", "--resolve")
        self.assertEqual(told.status, 0, told)
        host, domain, gone = told.json["legs"]
        self.assertEqual(host["addresses"], ["mail.test[127.0.0.2]:2525"])
        self.assertEqual(domain["addresses"], ["mx1.test[127.0.0.3]:2525", "mx2.test[127.0.0.4]:2525"])
        self.assertEqual(gone["addresses"], [])
        self.assertIn("gone.test", gone["failure"])
        self.assertNotIn("failure", host)

    def test_text(self) -> None:
        told = self.plan("--resolve")
        self.assertEqual(told.status, 0, told)
        rows = [line.strip() for line in told.lines]
        at = rows.index("mx1.test[127.0.0.3]:2525")
        self.assertEqual(rows[at + 1], "mx2.test[127.0.0.4]:2525")
        self.assertIn("mail.test[127.0.0.2]:2525", rows)

    def test_without_it_dns_is_left_alone(self) -> None:
        self.assertNotIn("addresses", self.plan("--json").json["legs"][0])

    def test_dead_dns_server_ends(self) -> None:
        dead = self.dead(RefusedPort)
        self.config.write_text(re.sub(r'dns_servers = .*', f'dns_servers = ["127.0.0.1:{dead.port}"]',
                                      self.config.read_text()))
        told = self.plan("--json", "--resolve", "-o", "dns_timeout=300ms")
        self.assertEqual(told.status, 0, told)
        self.assertTrue(all(leg["failure"] and not leg["addresses"] for leg in told.json["legs"]))

    def test_delivery_goes_where_it_says(self) -> None:
        relay = self.relay("", "127.0.0.3", 2525) if self.port == 2525 else None
        if relay is None:
            self.skipTest("needs root, for ports of its own")
        self.config.write_text(self.config.read_text().replace('["host"], ', ""))
        first = self.plan("--json", "--resolve").json["legs"][0]["addresses"][0]
        self.assertTrue(self.deliver("outbound").text.startswith(f"{first}: 250 "))

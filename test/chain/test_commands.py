"""check and plan: what they print, for people and for programs, and that a delivery does what the plan says."""

from __future__ import annotations

import re

from chain_case import DOWN, LATER, RECIPIENT, SENDER, ChainCase, RefusedPort, each

GOOD = """\
[relay.one]
destination = "[mail1.example.com]:587"
weight = 3
[relay.two]
destination = "mail2.example.com"
senders = ["@example.org"]
[relay.gateway]
destination = "smtps:[gateway.example.com]"
max_size = "1k"
[relay.lastresort]
destination = "[backup.example.com]:25"
[chain.outbound]
tiers = [["one", "two"], ["gateway"], ["[192.0.2.25]:2525"]]
fallback = ["lastresort"]
by_sender = { "@list.example" = "lists" }
[chain.lists]
tiers = [["gateway"], ["one"]]
"""
FAULTY = """\
deadlin = "15m"
[defaults]
tls = "maybe"
[relay.one]
destination = "[127.0.0.1]:2525"
wieght = 3
[relay.two]
destination = "smtps:[127.0.0.1]"
tls = "may"
[chain.outbound]
tiers = [["one", "tow"], ["one"]]
by_sender = { "bad" = "outbound", "@x.example" = "outbond" }
policy = "tcp:1"
[chain.mail.example]
tiers = [["one"]]
"""
FAULTS = [    # line, column, words
    (1, 1, "did you mean deadline?"),
    (3, 7, "none, may, encrypt or verify"),
    (6, 1, "did you mean weight?"),
    (9, 7, "TLS from the first octet"),
    (11, 18, "did you mean two?"),
    (11, 27, "in tier 2 and at line 11, column 11 already in tier 1"),
    (12, 15, "no address pattern"),
    (12, 50, "did you mean outbound?"),
    (13, 10, "unix:/absolute/path or inet:"),
]


class Check(ChainCase):
    def test_clean(self) -> None:
        self.write(GOOD)
        told = self.check()
        self.assertEqual(told.status, 0, told)
        self.assertEqual(told.text, f"{self.config}: 0 errors, 0 warnings; 4 relays, 2 chains\n")

    def test_warning(self) -> None:
        self.write(GOOD + '[relay.spare]\ndestination = "[mail9.example.com]"\n')
        told = self.check()
        self.assertEqual(told.status, 1, told)
        self.assertRegex(told.lines[0], r":18:\d+: warning: \[relay\.spare\]: no chain has it")
        self.assertIn("0 errors, 1 warning; 5 relays", told.lines[-1])

    def test_unused_relay_stops_no_mail(self) -> None:
        one, spare = self.relay(), self.relay()
        self.configure('[chain.outbound]\ntiers = [["one"]]', one=one, spare=spare)
        self.assertEqual(self.check().status, 1)
        self.assert_sent(self.deliver("outbound"), by=one)

    def test_all_problems_at_once(self) -> None:
        self.write(FAULTY)
        told = self.check()
        self.assertEqual(told.status, 2, told)
        for line, column, words in FAULTS:
            found = [text for text in told.lines if text.startswith(f"{self.config}:{line}:{column}: error: ")]
            self.assertTrue(any(words in text for text in found), f"{line}:{column} {words}\n{told.text}")
        self.assertIn("error", told.lines[-1])

    def test_in_the_order_of_the_file(self) -> None:
        self.write(FAULTY)
        places = [tuple(map(int, found)) for found in re.findall(r":(\d+):(\d+): error", self.check().text)]
        self.assertEqual(places, sorted(places))
        self.assertGreaterEqual(len(places), len(FAULTS))

    @each({
        "circle": ('[chain.a]\ntiers = [["one"]]\nby_sender = { "@x.example" = "b" }\n'
                   '[chain.b]\ntiers = [["one"]]\nby_sender = { "@y.example" = "a" }\n', "circle"),
        "chain_named_like_a_destination": ('[chain."mail.example"]\ntiers = [["one"]]\n', "dot"),
        "no_tiers": ("[chain.a]\n", "no tiers"),
        "empty_tier": ('[chain.a]\ntiers = [["one"], []]\n', "tier 2 is empty"),
        "flat_tiers": ('[chain.a]\ntiers = ["one"]\n', '[["one"]]'),
        "duration_without_unit": ("[defaults]\nconnect_timeout = 5\n", "5"),
        "wrong_section": ("[defaults]\npatience = \"1s\"\n", "at the top of the file"),
        "weight": ('[relay.two]\ndestination = "[a.example]"\nweight = -1\n', "weight"),
        "no_destination": ("[relay.two]\nweight = 1\n", "no destination"),
        "two_destinations": ('[relay.two]\ndestination = "[a.example], [b.example]"\n', "2 destinations"),
    })
    def test_problem(self, text: str, words: str) -> None:
        self.write(text + '[relay.one]\ndestination = "[mail1.example.com]"\n')
        told = self.check()
        self.assertEqual(told.status, 2, told)
        errors = [line for line in told.lines if "error: " in line]
        self.assertTrue(any(words in line for line in errors), told.text)

    def test_missing_file(self) -> None:
        told = self.check()
        self.assertEqual(told.status, 2, told)
        self.assertIn("No such file", told.text)

    def test_rights(self) -> None:
        self.write(GOOD).chmod(0o664)
        told = self.check()
        self.assertEqual(told.status, 2, told)
        self.assertIn("chmod go-w", told.text)

    def test_json(self) -> None:
        self.write(FAULTY)
        told = self.check("--json")
        self.assertEqual(told.status, 2)
        self.assertEqual(set(told.json), {"file", "errors", "warnings", "relays", "chains", "problems"})
        self.assertEqual(told.json["file"], str(self.config))
        problems = told.json["problems"]
        self.assertEqual(told.json["errors"], sum(p["severity"] == "error" for p in problems))
        self.assertEqual(told.json["warnings"], sum(p["severity"] == "warning" for p in problems))
        for problem in problems:
            self.assertEqual(set(problem), {"severity", "file", "line", "column", "text"})
        for line, column, words in FAULTS:
            found = [p["text"] for p in problems if (p["file"], p["line"], p["column"]) == (str(self.config), line, column)]
            self.assertTrue(any(words in text for text in found), f"{line}:{column} {words} {found}")

    def test_json_of_a_clean_file(self) -> None:
        self.write(GOOD)
        told = self.check("--json")
        self.assertEqual((told.status, told.json), (0, {
            "file": str(self.config), "errors": 0, "warnings": 0, "relays": 4, "chains": 2, "problems": []}))

    @each({"plan": ("plan",), "check": ("check",)})
    def test_help_is_no_error(self, command: str) -> None:
        told = self.tool(command, "--help")
        self.assertIn("--config", told.text)
        self.assertEqual(told.status, 0)

    def test_unknown_option(self) -> None:
        self.assertEqual(self.check("--bogus").status, 2)


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
        self.assertEqual(set(told.json), {"chain", "steps", "legs", "skipped"})
        self.assertEqual((told.json["chain"], told.json["steps"]), ("outbound", []))
        expected = [
            ("one", "[mail1.example.com]:587", "mail1.example.com", 587, 1, False),
            ("[192.0.2.25]:2525", "[192.0.2.25]:2525", "192.0.2.25", 2525, 3, False),
            ("lastresort", "[backup.example.com]:25", "backup.example.com", 25, 4, True),
        ]
        names = ("relay", "destination", "host", "port", "tier", "fallback")
        for position, (leg, row) in enumerate(zip(told.json["legs"], expected, strict=True), 1):
            self.assertEqual(set(leg), {"position", "reason", *names})
            self.assertEqual((leg["position"], *(leg[name] for name in names)), (position, *row))
        self.assertEqual([leg["reason"] for leg in told.json["legs"]], ["tier 1", "tier 3", "fallback"])
        self.assertEqual([skipped["relay"] for skipped in told.json["skipped"]], ["two", "gateway"])
        for skipped in told.json["skipped"]:
            self.assertEqual(set(skipped), {"relay", "reason"})

    def test_json_of_rules_and_weights(self) -> None:
        told = self.plan("--json", "--nexthop", "outbound").json
        self.assertEqual({leg["reason"] for leg in told["legs"][:2]}, {"tier 1, weight 3 of 4", "tier 1, weight 1 of 4"})
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
        self.assertIsInstance(told.json, dict)

    def test_bad_file(self) -> None:
        self.write(FAULTY)
        told = self.plan("--nexthop", "outbound")
        self.assertEqual(told.status, 2, told)
        self.assertIn(":1:1: error: deadlin", told.text)
        self.assertIn("relaypipe check", told.text)

    def test_policy_is_mentioned(self) -> None:
        """Whoever reads the plan must learn that a server may decide otherwise."""
        self.write(GOOD.replace("fallback =", 'policy = "unix:/run/nobody.sock"\nfallback ='))
        self.assertIn("policy", self.plan("--nexthop", "outbound", "--explain").text)


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

"""check: everything that is wrong with a file, at once, with the place and what is allowed."""

from __future__ import annotations

import re
from pathlib import Path

from sample_files import FAULTS, FAULTY, GOOD, LIMITED
from support.case import each
from support.chain_case import LATER, ChainCase


class EhloName(ChainCase):
    """A name without a domain: everybody who looks is told."""

    WARNING = 'EHLO name "vm" has no dot'

    def setUp(self) -> None:
        super().setUp()
        self.configure('[defaults]\nhostname = "vm"\n[chain.outbound]\ntiers = [["one"]]\n', one=self.relay(LATER))

    def test_check(self) -> None:
        told = self.tool("check", "--config", str(self.config), "-o", f"syslog_socket={self.syslog.path}")
        self.assertEqual(told.status, 1, told)
        self.assertIn(self.WARNING, told.text)

    def test_plan(self) -> None:
        self.assertIn(self.WARNING, " ".join(self.plan().text.split()))

    def test_probe(self) -> None:
        self.assertIn(self.WARNING, self.tool("probe", "--config", str(self.config)).text)

    def test_log_of_mail_that_waits(self) -> None:
        self.assertEqual(self.deliver("outbound").status, 75)
        self.assertEqual(len(self.logged(self.WARNING)), 1)

    def test_of_one_relay(self) -> None:
        self.config.write_text(self.config.read_text().replace('"vm"', '"mail.example"')
                               .replace("[relay.one]", '[relay.one]\nhostname = "vm"'))
        told = self.tool("check", "--config", str(self.config), "-o", f"syslog_socket={self.syslog.path}")
        self.assertIn("[relay.one] " + self.WARNING, told.text)


class Check(ChainCase):
    def test_clean(self) -> None:
        self.write(GOOD)
        told = self.check()
        self.assertEqual(told.status, 0, told)
        self.assertEqual(told.text, f"{self.config}: 0 errors, 0 warnings; 4 relays, 2 chains\n")

    def test_clean_limits(self) -> None:
        self.write(LIMITED)
        self.assertEqual(self.check().status, 0)

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
        "wrong_section": ("[defaults]\ndeadline = \"1m\"\n", "at the top of the file"),
        "weight": ('[relay.two]\ndestination = "[a.example]"\nweight = -1\n', "weight"),
        "no_destination": ("[relay.two]\nweight = 1\n", "no destination"),
        "two_destinations": ('[relay.two]\ndestination = "[a.example], [b.example]"\n', "2 destinations"),
        "limit": ('[relay.two]\ndestination = "[a.example]"\nrate = "14/sec"\n',
                  ':3:8: error: [relay.two] rate: "14/sec": "sec" is not a valid time; did you mean s?'),
        "limit_in_defaults": ('[defaults]\nquota = "5/h"\n', "does not belong here; write it in [relay.NAME]"),
        "zone": ('[relay.two]\ndestination = "[a.example]"\nquota = ["9/h", "5/day europe/berlin"]\n',
                 ':3:17: error: [relay.two] quota: this machine has no time zone "europe/berlin"; did you mean '
                 "Europe/Berlin?"),
        "no_zone": ('[relay.two]\ndestination = "[a.example]"\nquota = "5/day leapseconds"\n', "timedatectl"),
        "reserve": ('[relay.two]\ndestination = "[a.example]"\nreserve = { percent = 10, for = ["<>"] }\n',
                    ":3:1: error: [relay.two] reserve: there is no quota to keep a part of"),
    })
    def test_problem(self, text: str, words: str) -> None:
        self.write(text + '[relay.one]\ndestination = "[mail1.example.com]"\n')
        told = self.check()
        self.assertEqual(told.status, 2, told)
        errors = [line for line in told.lines if "error: " in line]
        self.assertTrue(any(words in line for line in errors), told.text)

    def test_cause_before_its_consequence(self) -> None:
        """A misspelt key is what the log of a delivery has to name, not that its value is missing."""
        self.write('[chain.a]\ntires = [["[mail1.example.com]"]]\n')
        self.assertIn("did you mean tiers?", self.check().lines[0])

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
            place = (str(self.config), line, column)
            found = [p["text"] for p in problems if (p["file"], p["line"], p["column"]) == place]
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


class Files(ChainCase):
    """What the files hold that the configuration names."""

    def warned(self, relay: str, top: str = "") -> str:
        self.write(f'{top}[relay.one]\ndestination = "[mail.example.com]:587"\n{relay}\n[chain.outbound]\ntiers = [["one"]]\n')
        return self.check().text

    def file(self, name: str, text: str, mode: int = 0o600) -> Path:
        path = self.directory / name
        path.write_text(text)
        path.chmod(mode)
        return path

    def test_authorities_without_a_certificate(self) -> None:
        file = self.file("ca.pem", "nothing of the kind\n", 0o644)
        self.assertIn(f"tls_ca_file: {file} holds no certificate", self.warned(f'tls_ca_file = "{file}"'))

    def test_the_line_is_that_of_the_key(self) -> None:
        """Where the file named is of no use, as where the value is."""
        token = "[relay.one.oauth2]\ntoken_file = \"/nonexistent/token\""
        for relay, top, line, words in (
            ('tls = "verify"\ntls_ca_file = "/nonexistent/ca"', "", 4, "tls_ca_file"),
            ('\npassword_file = "/nonexistent/secret"\nusername = "u"', "", 4, "password_file"),
            (token, "", 4, "token_file"),
            ("", 'on_change = ["/nonexistent/program"]\n', 1, "on_change"),
            ("", '\n[defaults]\ntls_key_file = "/nonexistent/key"\n', 3, "tls_key_file"),
            ('cool_down = "20m"', "", 3, "cool_down_max"),
        ):
            with self.subTest(words):
                told = [text for text in self.warned(relay, top).splitlines() if f" {words}: " in text]
                self.assertTrue(told and told[0].startswith(f"{self.config}:{line}:"), told)

    def test_trust_store_without_hashes(self) -> None:
        store = self.directory / "store"
        store.mkdir()
        (store / "authority.pem").write_text("-----BEGIN CERTIFICATE-----\n")
        self.assertIn(f"openssl rehash {store}", self.warned(f'tls_ca_path = "{store}"'))
        (store / "4a6481c9.0").symlink_to("authority.pem")
        self.assertNotIn("rehash", self.warned(f'tls_ca_path = "{store}"'))

    def test_secret_with_a_space_at_its_end(self) -> None:
        file = self.file("secret", "hunter2 \n")
        told = self.warned(f'username = "me"\npassword_file = "{file}"')
        self.assertIn("begins or ends with a space", told)
        self.assertNotIn("hunter2", told)

    def test_map_without_a_line_for_the_relay(self) -> None:
        file = self.file("sasl_passwd", "[mail.example.net]:587 me:hunter2\n")
        told = self.warned(f'password_map = "{file}"')
        self.assertIn(f"no line of {file} is for this relay", told)
        self.assertIn("[mail.example.com]:587", told)
        self.assertNotIn("hunter2", told)

    def test_map_with_a_byte_order_mark(self) -> None:
        file = self.file("sasl_passwd", "\ufeff[mail.example.com]:587 me:hunter2\n")
        self.assertNotIn("no line of", self.warned(f'password_map = "{file}"'))

    @each({"typed": ("hash:/etc/postfix/sasl_passwd",), "indexed": ("/etc/postfix/sasl_passwd.db",)})
    def test_map_that_postmap_made(self, value: str) -> None:
        self.assertIn("write the path of the text that postmap reads", self.warned(f'password_map = "{value}"'))

    def test_account_nobody_has_consented_to(self) -> None:
        told = self.warned('provider = "gmail"\nusername = "me@example.com"\noauth2 = { client_id = "x" }',
                           f'state_directory = "{self.directory}"\n')
        self.assertIn("there is no token yet", told)
        self.assertIn("relaypipe token one --authorize", told)

    def test_program_that_is_not_there(self) -> None:
        self.assertIn("on_change: /nowhere/tell cannot be run", self.warned("", 'on_change = ["/nowhere/tell"]\n'))

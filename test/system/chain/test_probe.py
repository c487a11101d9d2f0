"""probe: which relays would take mail, at every address, without sending any."""

from __future__ import annotations

import os
import pty
import subprocess
from typing import Any

from support import networks
from support.case import each
from support.certificates import DAY, Authority
from support.chain_case import ChainCase, Told
from support.relays import LIMIT, BlackHole, RefusedPort, binary_path

STAGES = {"greeting": "on greeting: reply 554 5.7.1 no service", "ehlo": "on ehlo: close"}


class Probe(ChainCase):
    def probe(self, *words: str) -> Told:
        given = ("--config", str(self.config)) if self.config.exists() else ()
        return self.tool("probe", *given, "-o", "tls=may", *words)

    def statuses(self, told: Told) -> dict[str, str]:
        return {relay["relay"]: relay["status"] for relay in told.json["relays"]}

    def test_every_relay_unless_told(self) -> None:
        one, two = self.relay(), self.relay()
        self.configure("", one=one, two=two)
        told = self.probe("--json")
        self.assertEqual(told.status, 0, told)
        self.assertEqual(self.statuses(told), {"one": "ok", "two": "ok"})

    def test_no_mail_is_sent(self) -> None:
        one = self.relay()
        self.configure("", one=one)
        self.assertEqual(self.probe().status, 0)
        self.assertEqual(one.transactions, [])
        self.assertEqual([c["quit"] for c in one.connections], [True])

    def test_the_sender_is_asked_about(self) -> None:
        one = self.relay()
        self.configure("", one=one)
        told = self.probe("--json", "--mail-from", "me@example.com")
        self.assertEqual(told.status, 0, told)
        self.assertRegex(told.json["relays"][0]["addresses"][0]["mail"], "^250 ")
        self.assertEqual([(t["mail_from"], t["recipients"], t["dot"]) for t in one.transactions],
                         [("me@example.com", [], False)])
        self.assertEqual([c["quit"] for c in one.connections], [True])

    def test_a_sender_that_is_refused(self) -> None:
        one = self.relay("on mail: reply 553 5.7.1 not your address")
        self.configure("", one=one)
        told = self.probe("--mail-from", "me@example.com")
        self.assertEqual(told.status, 1, told)
        self.assertIn("one would fail: ", told.text)
        self.assertIn("553 5.7.1 not your address", told.text)

    def test_the_recipient_is_asked_about(self) -> None:
        one = self.relay()
        self.configure("", one=one)
        told = self.probe("--json", "--rcpt-to", "you@example.net")
        self.assertEqual(told.status, 0, told)
        self.assertRegex(told.json["relays"][0]["addresses"][0]["rcpt"], "^250 ")
        self.assertEqual([(t["mail_from"], t["recipients"], t["dot"]) for t in one.transactions],
                         [("", ["you@example.net"], False)])
        self.assertEqual([c["quit"] for c in one.connections], [True])

    def test_a_recipient_that_is_refused(self) -> None:
        one = self.relay("on rcpt: reply 550 5.1.1 no such user")
        self.configure("", one=one)
        told = self.probe("--mail-from", "me@example.com", "--rcpt-to", "you@example.net")
        self.assertEqual(told.status, 1, told)
        self.assertIn("RCPT TO: 550 5.1.1 no such user", told.text)

    def test_a_pipe_gets_whole_lines(self) -> None:
        one = self.relay("on mail: reply 553 5.7.1 " + "not your address " * 20)
        self.configure("", one=one)
        told = self.probe("--mail-from", "me@example.com")
        self.assertIn("not your address " * 19, told.text)

    def test_relays_in_the_order_of_the_file(self) -> None:
        first, second = self.relay(), self.relay()
        self.write(f'[relay.zebra]\ndestination = "{first.destination}"\n[relay.ant]\ndestination = "{second.destination}"\n')
        self.assertEqual(list(self.statuses(self.probe("--json"))), ["zebra", "ant"])

    @each({stage: (stage,) for stage in STAGES})
    def test_a_relay_that_would_fail(self, stage: str) -> None:
        good, bad = self.relay(), self.relay(STAGES[stage])
        self.configure("", good=good, bad=bad)
        told = self.probe("--json")
        self.assertEqual(told.status, 1, told)
        self.assertEqual(self.statuses(told), {"bad": "failed", "good": "ok"})
        address = told.json["relays"][1]["addresses"][0]
        self.assertEqual(address["stage"], stage)
        self.assertTrue(address["failure"], address)
        self.assertRegex(address["dsn"], r"^4\.")

    def test_a_relay_that_nobody_serves(self) -> None:
        dead = self.dead(RefusedPort)
        self.configure("", dead=dead)
        told = self.probe("--json")
        self.assertEqual(told.status, 1, told)
        address = told.json["relays"][0]["addresses"][0]
        self.assertEqual((address["stage"], list(address["ms"])), ("connect", ["connect"]))
        self.assertIn("Connection refused", address["failure"])

    def test_one_address_that_works_is_enough(self) -> None:
        """localhost has two addresses here, and the relay listens at one."""
        relay = self.relay()
        told = self.probe("--json", f"[localhost]:{relay.port}")
        found = told.json["relays"][0]
        self.assertEqual(told.status, 0, told)
        works = [a["status"] for a in found["addresses"] if a["ip"] == "127.0.0.1"]
        self.assertEqual(works, ["ok"])
        self.assertEqual(found["status"], "ok" if len(found["addresses"]) == 1 else "warning")

    def test_a_silent_relay_has_the_time_it_is_given(self) -> None:
        silent = self.relay("silent-greeting")
        self.configure("", silent=silent)
        told = self.probe("--timeout", "700ms")
        self.assertEqual(told.status, 1, told)
        self.assertIn("timed out", told.text)

    def test_what_a_relay_offers(self) -> None:
        one = self.relay()
        self.configure("", one=one)
        address = self.probe("--json").json["relays"][0]["addresses"][0]
        self.assertIn("PIPELINING", address["extensions"])
        self.assertEqual(set(address["ms"]), {"connect", "greeting", "ehlo"})
        self.assertIsNone(address["tls"])
        self.assertEqual(address["auth"], "not configured")

    def test_what_a_relay_says(self) -> None:
        """Whole replies, whatever their lines look like: a greeting may have several, and HELO offers nothing."""
        greeting = self.relay(r"on greeting: reply 220-one.example EHLO\r\n220 AUTH LOGIN")
        old = self.relay(r"on ehlo: reply 502-no EHLO\r\n502-PIPELINING\r\n502 HELO")
        self.configure("", greeting=greeting, old=old)
        found = {relay["relay"]: relay["addresses"][0] for relay in self.probe("--json").json["relays"]}
        self.assertEqual(found["greeting"]["greeting"], "one.example EHLO")
        self.assertNotIn("AUTH LOGIN", found["greeting"]["extensions"])
        self.assertIn("PIPELINING", found["greeting"]["extensions"])
        self.assertEqual(found["old"]["extensions"], [])

    def test_chains_and_lists(self) -> None:
        one, two, three = self.relay(), self.relay(), self.relay()
        self.configure('[chain.out]\ntiers = [["one"]]\nfallback = ["two"]', one=one, two=two, three=three)
        self.assertEqual(list(self.statuses(self.probe("--json", "out"))), ["one", "two"])
        self.assertEqual(list(self.statuses(self.probe("--json", "three", "out", "one"))), ["three", "one", "two"])
        self.assertEqual(list(self.statuses(self.probe("--json", f"{one.destination},{two.destination}"))),
                         [one.destination, two.destination])

    @each({"word": ("no such, relay[",), "sender": ("--mail-from", "<", "one"), "span": ("--timeout", "soon", "one"),
           "option": ("--frobnicate",), "nothing": ()})
    def test_bad_input(self, *words: str) -> None:
        if words:
            self.configure("", one=self.relay())
        else:
            self.write("")
        told = self.probe(*words)
        self.assertEqual(told.status, 2, told)
        self.assertEqual(len(told.lines), 1, told)

    def test_a_bad_configuration(self) -> None:
        self.write("[relay.one]\n")
        told = self.probe("--json")
        self.assertEqual(told.status, 2, told)
        self.assertIn("destination", told.json["error"])

    def test_lines_are_short(self) -> None:
        relays = {f"relay{i}": self.relay() for i in range(3)}
        self.configure("", **relays)
        told = self.probe()
        self.assertEqual(max(map(len, told.lines)) <= 80, True, told.text)
        self.assertNotIn("\033", told.text)
        self.assertEqual(told.lines[-1], "3 relays: 3 ok, 0 with warnings, 0 would fail")

    def test_a_person_sees_the_progress_and_colours(self) -> None:
        one = self.relay()
        self.configure("", one=one)
        master, slave = pty.openpty()
        process = subprocess.Popen([binary_path(), "probe", "--config", str(self.config), "-o", "tls=may"],
                                   stdin=subprocess.DEVNULL, stdout=slave, stderr=slave)
        os.close(slave)
        seen = b""
        while True:
            try:
                data = os.read(master, 65536)
            except OSError:
                break    # the other end is closed
            if not data:
                break
            seen += data
        os.close(master)
        self.assertEqual(process.wait(LIMIT), 0)
        self.assertIn(b"addresses", seen)
        self.assertIn(b"\r\033[K", seen)
        self.assertIn(b"\033[32mok", seen)


class ProbeTls(ChainCase):
    """What a relay shows inside TLS, and whether our account works there."""

    def setUp(self) -> None:
        super().setUp()
        self.authority = Authority(self.directory)
        self.certificate = self.authority.certificate("127.0.0.1", ends=3650 * DAY)
        self.secret = self.directory / "secret"
        self.secret.write_text("s3cret;x\n")
        self.secret.chmod(0o600)

    def one(self, script: str, *, account: bool = True, secured: bool = True, extra: str = "") -> dict[str, Any]:
        """Probes a relay that plays the script, and returns what the first address showed."""
        relay = self.relay((f"starttls {self.certificate}\n" if secured else "") + script)
        lines = [f'tls = "verify"\ntls_ca_file = "{self.authority.file}"', extra]
        if account:
            lines.append(f'username = "joe@example.org"\npassword_file = "{self.secret}"')
        self.configure("[relay.one]\n" + "\n".join(lines), one=relay)
        told = self.tool("probe", "--config", str(self.config), "--json")
        (found,) = told.json["relays"]
        self.assertEqual(told.status, 1 if found["status"] == "failed" else 0, told)
        self.assertNotIn("s3cret", told.text)
        return found["addresses"][0]

    def test_the_account_works(self) -> None:
        found = self.one("auth PLAIN LOGIN\naccount joe@example.org s3cret;x")
        self.assertEqual((found["status"], found["auth"]), ("ok", "works"))
        self.assertIn("AUTH PLAIN LOGIN", found["extensions"])
        self.assertLessEqual({"connect", "greeting", "ehlo", "starttls", "tls", "auth"}, set(found["ms"]))
        self.assertRegex(found["tls"]["version"], r"^TLSv1\.[23]$")
        self.assertEqual((found["tls"]["names"], found["tls"]["issuer"]), (["127.0.0.1"], "test authority"))
        self.assertGreater(found["tls"]["days_left"], 3000)

    def test_its_fingerprint_can_be_copied(self) -> None:
        pin = self.one("", account=False)["tls"]["fingerprint"]
        self.assertEqual(self.one("", account=False, extra=f'tls_fingerprint = "{pin}"')["status"], "ok")

    def test_a_wrong_password(self) -> None:
        found = self.one("auth PLAIN\naccount joe@example.org other")
        self.assertEqual((found["status"], found["auth"], found["stage"]), ("failed", "failed", "auth"))
        self.assertIn("535", found["failure"])

    def test_no_auth(self) -> None:
        found = self.one("")
        self.assertEqual((found["status"], found["auth"], found["stage"]), ("failed", "failed", "auth"))
        self.assertIn("AUTH is not offered", found["failure"])

    def test_no_starttls(self) -> None:
        found = self.one("auth PLAIN", secured=False)
        self.assertEqual((found["status"], found["auth"], found["stage"]), ("failed", "not reached", "starttls"))
        self.assertEqual((found["dsn"], found["tls"]), ("4.7.4", None))

    def test_another_name(self) -> None:
        found = self.one("", account=False, extra='tls_name = "mail.example.com"')
        self.assertEqual((found["status"], found["stage"], found["dsn"]), ("failed", "tls", "4.7.5"))
        self.assertIn("not for mail.example.com", found["failure"])
        self.assertEqual(found["tls"]["names"], ["127.0.0.1"])


class OtherPorts(ChainCase):
    """A provider whose usual port nobody can reach from here. Each test has a network of its own, so ports are free."""

    HOST = "198.51.100.7"

    def setUp(self) -> None:
        if not networks.may_isolate():
            self.skipTest("needs root, for ports below 1024 and a network of its own")
        super().setUp()
        networks.build_world()

    def probe(self, port: int, *words: str, provider: str = "mailgun") -> Told:
        self.write(f'[relay.one]\ndestination = "[{self.HOST}]:{port}"\nprovider = "{provider}"\ntls = "may"\n')
        return self.tool("probe", "--config", str(self.config), "-o", "connect_timeout=4s", *words)

    def taken(self, kind: type, port: int) -> None:
        found = kind(self.HOST, port)
        self.addCleanup(found.stop)

    def test_packets_are_swallowed_and_another_port_answers(self) -> None:
        self.taken(BlackHole, 587)
        self.relay(listen=self.HOST, port=2525)
        told = self.probe(587)
        self.assertEqual(told.status, 1, told)
        self.assertIn(f'587 swallows packets here, 2525 answers: write destination = "[{self.HOST}]:2525"', told.text)

    def test_json(self) -> None:
        self.taken(BlackHole, 587)
        relay = self.relay(listen=self.HOST, port=2525)
        one, = self.probe(587, "--json").json["relays"]
        self.assertEqual((one["status"], one["suggested_destination"]), ("failed", relay.destination))
        self.assertEqual([(port["port"], port["implicit_tls"], port["status"]) for port in one["other_ports"]],
                         [(2525, False, "ok"), (465, True, "failed"), (25, False, "failed")])
        self.assertEqual([address["port"] for address in one["addresses"]], [587])

    def test_a_port_that_is_refused(self) -> None:
        self.relay(listen=self.HOST, port=2587)
        told = self.probe(587, provider="ses")
        self.assertIn(f'587 does not connect here, 2587 answers: write destination = "[{self.HOST}]:2587"', told.text)

    def test_no_port_answers(self) -> None:
        told = self.probe(587, provider="sparkpost")
        self.assertEqual(told.status, 1, told)
        self.assertIn("587 does not connect here, and so it is with the other ports of its provider: 2525", told.text)
        self.assertIsNone(self.probe(587, "--json", provider="sparkpost").json["relays"][0]["suggested_destination"])

    def test_a_provider_with_another_interface(self) -> None:
        told = self.probe(587, provider="ses")
        self.assertIn('its HTTPS interface may be reached, by destination = "https:" and provider = "ses"', " ".join(told.text.split()))
        self.assertNotIn("HTTPS", self.probe(587, provider="sparkpost").text)

    def test_where_the_port_connects_no_other_is_tried(self) -> None:
        relay = self.relay("on greeting: reply 554 5.7.1 no", listen=self.HOST, port=587)
        other = self.relay(listen=self.HOST, port=2525)
        one, = self.probe(587, "--json").json["relays"]
        self.assertEqual((one["status"], one["other_ports"], one["suggested_destination"]), ("failed", [], None))
        self.assertEqual((len(relay.connections), len(other.connections)), (1, 0))

    def test_nobodys_provider(self) -> None:
        self.write(f'[relay.one]\ndestination = "[{self.HOST}]:587"\ntls = "may"\n')
        one, = self.tool("probe", "--config", str(self.config), "--json").json["relays"]
        self.assertEqual(one["other_ports"], [])

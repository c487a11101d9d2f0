"""What probe says about real servers: which relay would fail and why, and nothing is sent."""

from __future__ import annotations

import json
from typing import Any

from support.case import each
from support.mail_servers import USER
from support.runs import Surroundings
from tls_case import TlsCase

# Host, what is configured for it, and what probe must say; nothing: it would take mail.
WORLDS = {
    "good": ("good.test", {}, ""), "plain": ("plain.test", {}, ""), "cram": ("cram.test", {}, ""),
    "exim": ("exim.test", {}, ""),
    "expired": ("expired.test", {}, "expired"), "future": ("future.test", {}, "not valid before"),
    "wrong_name": ("wrongname.test", {}, "wrong name"), "other_ca": ("otherca.test", {}, "unknown authority"),
    "old": ("old.test", {}, "no common TLS version"), "no_auth": ("open.test", {}, "AUTH"),
    "no_tls": ("clear.test", {}, "TLS is required"), "wrong_user": ("login.test", {"user": "nobody@accounts.test"}, "535"),
}


class Probe(TlsCase):
    def probe(self, *words: str) -> Any:
        done = self.tool("probe", "--config", str(self.config), *words, "--json")
        found = json.loads(done.stdout)
        failed = any(relay["status"] == "failed" for relay in found["relays"])
        self.assertEqual((done.returncode, done.stderr), (int(failed), ""), done)
        return found["relays"]

    @each(WORLDS)
    def test_one(self, host: str, keys: dict[str, str], failure: str) -> None:
        if host == "exim.test":
            self.need_exim()
        self.write_config({"destination": f"[{host}]:587", **self.account(**keys)})
        (relay,) = self.probe()
        (address,) = relay["addresses"]
        self.assertIn(failure, address.get("failure", ""), relay)
        self.assertEqual(relay["status"], "failed" if failure else "ok", relay)

    def test_all_of_a_chain(self) -> None:
        """As text: every relay that would fail is named in the last lines, with the reason."""
        hosts = ("good.test", "expired.test", "cram.test", "otherca.test")
        self.write_config(*({"destination": f"[{host}]:465", **self.account()} for host in hosts))
        done = self.tool("probe", "--config", str(self.config), "all")
        self.assertEqual(done.returncode, 1, done)
        for number, good in enumerate((True, False, True, False), 1):
            self.assertRegex(done.stdout, rf"(?m)^{'ok' if good else 'FAIL'} +relay{number}\b", done.stdout)
        for word in ("expired", "unknown authority", "TLSv1.3", "89 days"):
            self.assertIn(word, done.stdout)

    def test_the_dialogue_names_protocol_and_mechanism(self) -> None:
        relay, section = self.local("auth PLAIN\nstarttls $PEM")
        self.write_config({**section, **self.account()})
        loud = self.start("all", options=("-v",), around=Surroundings(self.queue, separate_stderr=True))
        loud.feed(b"Subject: x\n\nx\n")
        said = loud.wait().stderr.decode()
        self.assertRegex(said, r" - TLSv1\.\d with \S+, certificate of ")
        self.assertIn(" > AUTH PLAIN ********", said)

    def test_nothing_is_sent(self) -> None:
        relay, section = self.local("auth PLAIN\nstarttls $PEM")
        self.write_config({**section, **self.account()})
        (found,) = self.probe("--mail-from", "a@b.test")
        self.assertEqual(found["status"], "ok", found)
        (address,) = found["addresses"]
        self.assertEqual((address["auth"], address["auth_mechanism"], address["auth_username"]), ("works", "PLAIN", USER))
        (connection,) = relay.connections
        self.assertEqual(connection["logins"][0]["user"], USER)
        self.assertEqual(connection.verbs[-3:], ["MAIL", "RSET", "QUIT"])
        self.assertNotIn("DATA", connection.verbs)

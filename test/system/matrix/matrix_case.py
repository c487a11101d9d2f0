"""One case of a matrix: relays in a chain, a delivery by the real binary, and what has to come of it."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, Sequence

import faults as f
from contract import PUT_OFF, Expected, Kind, Meaning, expected, relays
from support.case import MESSAGE, DeliveryCase
from support.dns import Responder
from support.relays import BlackHole, RefusedPort, Relay, content_of
from support.runs import Result
from support.scripted_relay.syntax import complete_code
from support.wire import sample, wire_form


FAULTY, OTHER = "127.0.0.2", "127.0.0.3"    # two hosts, so that the texts tell them apart
LARGE = 20_000_000                          # octets: more than all socket buffers on the way hold
LIMIT_OF = {
    f.CONNECT: "connect_timeout", f.GREETING: "greeting_timeout", f.EHLO: "helo_timeout", f.EHLO2: "helo_timeout",
    f.STARTTLS: "starttls_timeout", f.TLS: "starttls_timeout",
    f.AUTH: "auth_timeout", f.RESPONSE: "auth_timeout", f.MAIL: "mail_timeout", f.RCPT: "rcpt_timeout",
    f.DATA: "data_init_timeout", f.CONTENT: "data_xfer_timeout", f.DOT: "data_done_timeout",
}


def shared() -> Path:
    """What suite.py made once for all cases: the authority and its certificate."""
    return Path(os.environ["RELAYPIPE_MATRIX"])


class MatrixCase(DeliveryCase):
    def setUp(self) -> None:
        super().setUp()
        self.message = MESSAGE
        self.top: dict[str, Any] = {"patience": "20s"}    # only a fault may bring the next relay in, no busy machine
        self.sections: dict[str, dict[str, Any]] = {}
        self.standing: dict[str, Relay] = {}              # the relays that can receive something, by name

    # -- the world of a case --------------------------------------------------------------------

    def stand(self, name: str, script: str, listen: str, **keys: Any) -> Relay:
        found = self.standing[name] = self.relay(script, listen)
        self.sections[name] = {"destination": found.destination, **keys}
        return found

    def faulty_relay(self, stage: str, fault: str, secured: bool = False) -> None:
        limited = LIMIT_OF.get(f.SAME.get(stage, stage), "")
        limits = {limited: "700ms"} if fault in f.WAITING and limited else {}
        if stage == f.CONTENT:
            self.message = sample(LARGE, 900)
            if fault == f.DRIP:    # slow progress is progress: only the deadline ends it
                limits = {}
        if stage == f.RESOLVE:
            zone = self.dead_dns(f.ZONE[fault])
            found = self.stand("faulty", "", FAULTY, resolve_limit="1500ms")
            self.sections["faulty"]["destination"] = f"[faulty.test]:{found.port}"
            self.top |= {"dns_servers": [zone.address], "dns_timeout": "300ms"}
        elif stage == f.CONNECT:
            dead = self.dead(RefusedPort if fault == f.REFUSED else BlackHole, FAULTY)
            self.sections["faulty"] = {"destination": dead.destination, **limits}
            self.faulty_name = f"{FAULTY}[{FAULTY}]:{dead.port}"
        elif stage in f.SECURED or secured:
            self.stand("faulty", self.secured(stage) + f.dialogue(stage, fault), FAULTY, **limits, **self.account())
        elif stage in (f.STARTTLS_MAY, f.TLS_MAY):
            script = f"starttls {shared() / 'relay.pem'}\n{f.dialogue(stage, fault)}"
            self.stand("faulty", script, FAULTY, tls="may", **limits)
        else:
            self.stand("faulty", f.dialogue(stage, fault), FAULTY, **limits)

    def dead_dns(self, answer: str) -> Responder:
        found = Responder(f"faulty.test * {answer}")
        self.addCleanup(found.stop)
        return found

    def secured(self, stage: str) -> str:
        # LOGIN has two responses to challenges, whatever the client sends with the AUTH command.
        mechanism = "LOGIN" if stage == f.RESPONSE else "PLAIN"
        return f"starttls {shared() / 'relay.pem'}\nauth {mechanism}\naccount user secret\n"

    def account(self) -> dict[str, Any]:
        secret = self.directory / "secret"
        secret.write_text("secret\n")
        secret.chmod(0o600)
        return {"tls": "verify", "tls_ca_file": str(shared() / "ca.pem"), "username": "user",
                "password_file": str(secret)}

    def other_relay(self, position: str) -> None:
        if position == f.AFTER_DEAD:
            dead = self.dead(RefusedPort, OTHER)
            self.sections["other"] = {"destination": dead.destination}
            self.other_name = f"{OTHER}[{OTHER}]:{dead.port}"
        elif position != f.ONLY:
            self.stand("other", f"on rcpt: reply {PUT_OFF}" if position == f.AFTER_SOFT else "", OTHER)

    def configure(self, order: Sequence[str]) -> Path:
        lines = [f"{key} = {toml(value)}" for key, value in self.top.items()]
        lines += ["[defaults]", 'tls = "none"']
        for name, keys in self.sections.items():
            lines += [f"[relay.{name}]", *(f"{key} = {toml(value)}" for key, value in keys.items())]
        lines += ["[chain.matrix]", f"tiers = {[[name] for name in order]}"]
        path = self.directory / "relaypipe.toml"
        path.write_text("\n".join(lines) + "\n")
        path.chmod(0o644)
        return path

    # -- a case ---------------------------------------------------------------------------------

    def play(self, position: str, faulty: Meaning) -> None:
        """Delivers through the chain and compares. `faulty` is what the faulty relay's fault means; it stands."""
        if faulty.kind is Kind.OUT_OF_TIME and position != f.SPARE:
            self.top["deadline"] = "3s"
        self.other_relay(position)
        order = {f.ONLY: ["faulty"], f.FIRST: ["faulty", "other"]}.get(position, ["other", "faulty"])
        order = order if position != f.SPARE else ["other", "faulty"]
        path = self.configure(order)
        self.result = self.deliver("matrix", message=self.message, options=("--config", str(path)))
        meanings = relays(position, faulty)
        wanted = expected(meanings)
        self.check_result(self.result, wanted, meanings, order)
        self.check_received(wanted, meanings, order)

    def name_of(self, which: str) -> str:
        return self.standing[which].name if which in self.standing else getattr(self, f"{which}_name")

    def host_of(self, which: str) -> str:
        """How it is called among the other attempts."""
        return re.split(r"\]?:\d+$", self.sections[which]["destination"])[0].lstrip("[")

    def check_result(self, result: Result, wanted: Expected, meanings: Sequence[Meaning], order: Sequence[str]) -> None:
        self.assertEqual(result.status, wanted.status, result)
        if wanted.status:
            self.assertRegex(result.text, rf"^(?:{wanted.dsn}) ", result)
        said, _, tried = result.text.partition("; tried ")
        for words in meanings[wanted.decisive].says:
            self.assert_says(said, words, self.name_of(order[wanted.decisive]))
        for index in wanted.tried:
            self.assertIn(f"{self.host_of(order[index])}: ", tried, result)
            for words in meanings[index].short:
                self.assert_says(tried, words, self.name_of(order[index]))

    def assert_says(self, text: str, words: str, relay: str) -> None:
        wanted = [each.format(relay=relay) for each in words.split("|")]
        self.assertTrue(any(each.lower() in text.lower() for each in wanted), f"none of {wanted} in {self.result}")

    def check_received(self, wanted: Expected, meanings: Sequence[Meaning], order: Sequence[str]) -> None:
        carrier = None if wanted.carrier is None else order[wanted.carrier]
        asked = order[:max((wanted.decisive, *wanted.tried)) + 1]
        for name, relay in self.standing.items():
            if name == carrier:
                self.assertEqual(len(relay.accepted), 1, f"{name}: {relay.connections}")
                self.assertEqual(content_of(relay.accepted[0]), wire_form(self.message), f"{name}: not the message")
            else:
                self.assertEqual(relay.accepted, [], f"{name} has it: {self.result}")
            if name not in asked:
                self.assertEqual(relay.transactions, [], f"{name} was offered the message: {self.result}")

    # -- the promises, asked of what happened and not of the model ----------------------------------

    def check_promises(self, about_message: bool) -> None:
        """`about_message`: the fault is a 5yz that speaks of the message or the recipient."""
        status = self.result.status
        taken = [t for relay in self.standing.values() for t in relay.accepted]
        self.assertEqual(status == 0, len(taken) == 1, f"promise 1 and 4: {len(taken)} relays have it, {self.result}")
        for each in taken:
            self.assertEqual(content_of(each), wire_form(self.message), "promise 3: not the whole message")
        self.assertTrue(status in (0, 75) or about_message, f"promise 2: a bounce for trouble of ours, {self.result}")
        for relay in self.standing.values():
            bare = [each for connection in relay.connections for each in connection["logins"] if not each["encrypted"]]
            self.assertEqual(bare, [], f"promise 6: credentials in clear, {self.result}")
        dots = [(name, t) for name, relay in self.standing.items() for t in relay.transactions if t["dot"]]
        for name, each in dots:
            reply = (each["dot_reply"] or "").encode("utf-8", "surrogateescape")
            if not re.fullmatch(r"[245]\d\d", complete_code(reply)):
                self.assertEqual(status, 75, f"promise 4: an unanswered dot is deferred, {self.result}")
                self.assertEqual(len(dots), 1, f"promise 4: after the unanswered dot of {name} another one")


def toml(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(toml, value))}]"
    return f'"{value}"' if isinstance(value, (str, Path)) else str(value).lower()


__all__ = ["Kind", "MatrixCase", "Meaning", "f"]

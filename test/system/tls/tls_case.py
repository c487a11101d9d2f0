"""The base class of the tests in this folder: relays of the world with keys of their own, and what the servers saw."""

from __future__ import annotations

import json
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

from support.case import MESSAGE, DeliveryCase, each, for_senders
from support.machine import wait_until
from support.mail_servers import OTHER_PASSWORD, OTHER_USER, PASSWORD, TEMPORARY_USER, USER
from support.relays import LIMIT, Relay, binary_path
from support.runs import Delivery, Result, Surroundings
from world import EXIM_ADDRESS, PLACE, UNSAFE_ADDRESS

SUBMISSION, SMTPS = 587, 465


@dataclass(frozen=True)
class Taken:
    """One message as the server's own log tells of it."""

    tls: Optional[str]          # "TLSv1.3"; None: in clear text
    trusted_client: bool        # it verified a certificate of ours
    mechanism: Optional[str]
    user: Optional[str]


class TlsCase(DeliveryCase):
    def setUp(self) -> None:
        super().setUp()
        self.place = Path(os.environ[PLACE])
        self.pki = self.place / "pki"
        self.trust = self.pki / "trust"
        self.config = self.directory / "relaypipe.toml"
        # On a busy machine a second relay would otherwise be tried beside a healthy one, and might win.
        self.settings = {"syslog_socket": str(self.syslog.path), "state_directory": str(self.state), "patience": "20s"}
        self.defaults: dict[str, Any] = {"hostname": "client.test", "tls_ca_path": str(self.trust)}
        self.password_file = self.secret_file("password", PASSWORD + "\n")

    # -- the configuration ------------------------------------------------------------------------

    def secret_file(self, name: str, text: str, mode: int = 0o600) -> Path:
        path = self.directory / name
        path.write_text(text)
        path.chmod(mode)
        return path

    def account(self, user: str = USER, **keys: Any) -> dict[str, Any]:
        """The right account of the world's servers, or what the test makes of it; None leaves a key out."""
        own = {"username": user, "password_file": str(self.password_file), **keys}
        return {key: value for key, value in own.items() if value is not None}

    def need_exim(self) -> None:
        if not (self.place / "exim").exists():
            self.skipTest("Exim is not there; test/install_packages brings it")

    def write_config(self, *relays: dict[str, Any], top: str = "") -> None:
        """The relays first, second ... in a chain of that order. Each needs a destination."""
        names = [f"relay{number}" for number in range(1, len(relays) + 1)]
        sections = [("defaults", self.defaults), *((f"relay.{n}", r) for n, r in zip(names, relays)),
                    *([("chain.all", {"tiers": [[name] for name in names]})] if names else [])]
        text = top + "".join(f"[{name}]\n" + "".join(f"{key} = {value_of(value)}\n" for key, value in keys.items())
                             for name, keys in sections)
        self.config.write_text(text)
        self.config.chmod(0o644)

    def argv(self, *hops: Any, options: tuple[str, ...] = (), **arguments: Any) -> list[str]:
        return super().argv(*hops, options=("--config", str(self.config), *options), **arguments)

    def send(self, *relays: dict[str, Any], around: Optional[Surroundings] = None, **arguments: Any) -> Result:
        """One message over a chain of these relays."""
        self.write_config(*relays)
        return self.deliver("all", around=around, **arguments)

    def tool(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([binary_path(), *words], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=LIMIT)

    def local(self, script: str) -> tuple[Relay, dict[str, Any]]:
        """A scripted relay named local.test, and the keys of its section. $PEM is its certificate, which is trusted."""
        relay = self.relay(script.replace("$PEM", str(self.pki / "local.pem")))
        return relay, {"destination": f"[local.test]:{relay.port}"}

    # -- what came of it --------------------------------------------------------------------------

    def taken(self, result: Result, host: str, port: int = SUBMISSION) -> Taken:
        """The message was accepted by this host of the world; what its log knows of the session."""
        self.assertEqual(result.status, 0, f"{result}\n{self.syslog.lines}")
        of_exim = {"exim.test": EXIM_ADDRESS, "unsafe.test": UNSAFE_ADDRESS}
        address = of_exim.get(host, r"127\.1\.0\.\d+")
        found = re.match(rf"{re.escape(host)}\[{address}\]:{port}: 250 .*?(?:queued as|OK id=) ?(\S+?)(?:;|$)", result.text)
        assert found, result
        return self.exim_took(found[1]) if host in of_exim else self.postfix_took(found[1].strip())

    def postfix_took(self, queue_id: str) -> Taken:
        log = self.place / "postfix.log"
        mark = re.compile(rf"smtpd\[(\d+)\]: {queue_id}: client=(.*)")
        wait_until(lambda: mark.search(log.read_text(errors="replace")), f"{queue_id} in Postfix's log", LIMIT)
        text = log.read_text(errors="replace")
        line = mark.search(text)
        assert line
        own = [l for l in text[:line.start()].splitlines() if f"smtpd[{line[1]}]: " in l]
        start = max(number for number, l in enumerate(own) if "]: connect from" in l)
        session = "\n".join(own[start:])
        tls = re.search(r"(\w+) TLS connection established from .*?: (TLSv[\d.]+) with", session)
        said = dict(re.findall(r"(sasl_\w+)=([^,\n]+)", line[2]))
        return Taken(tls[2] if tls else None, bool(tls) and tls[1] == "Trusted", said.get("sasl_method"),
                     said.get("sasl_username"))

    def exim_took(self, message_id: str) -> Taken:
        log = self.place / "exim" / "log" / "mainlog"
        mark = re.compile(rf"{message_id} <= (.*)")
        wait_until(lambda: mark.search(log.read_text()), f"{message_id} in Exim's log", LIMIT)
        line = mark.search(log.read_text())
        assert line
        tls = re.search(r" X=TLS(1\.\d)", line[1])
        login = re.search(r" A=(\w+):(\S+)", line[1])
        return Taken(f"TLSv{tls[1]}" if tls else None, False, login[1].upper() if login else None,
                     login[2] if login else None)

    def assert_passed_over(self, first: dict[str, Any], *words: str, short: str = "", dsn: str = r"4\.\d\.\d",
                           **arguments: Any) -> None:
        """The bad world of this relay: the mail goes through the next one; with no other it waits in the queue. Both times
        the log says why, in these words, and so does the text for Postfix, in short where the mail was sent."""
        result = self.send(first, {"destination": "[good.test]:587", "tls": "verify"}, **arguments)
        self.assertIsNone(self.taken(result, "good.test").user)
        self.assert_said(result.text.partition("; tried ")[2], (short,) if short else words, result)
        alone = self.send(first, state="no", **arguments)    # it is to meet the same, and not to hear of it
        self.assertEqual(alone.status, 75, alone)
        self.assertRegex(alone.text, rf"^{dsn} ", alone)
        self.assert_said(alone.text, words, alone)
        attempts = [line for line in self.syslog.stop() if all(word in line for word in words)]
        self.assertGreaterEqual(len(attempts), 2, self.syslog.lines)

    def assert_said(self, text: str, words: tuple[str, ...], result: Result) -> None:
        for word in words:
            self.assertIn(for_senders(word), text, result)

    def describe_failure(self) -> str:
        return "\n".join([*self.syslog.lines, "---", self.config.read_text() if self.config.exists() else ""])


def value_of(value: Any) -> str:
    """TOML: text, numbers, flags and lists of text are written as in JSON; a table inline."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {value_of(each)}" for key, each in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False)


__all__ = ["LIMIT", "MESSAGE", "OTHER_PASSWORD", "OTHER_USER", "PASSWORD", "SMTPS", "SUBMISSION", "TEMPORARY_USER", "USER",
           "Delivery", "Relay", "Result", "Surroundings", "Taken", "TlsCase", "binary_path", "each", "wait_until"]

"""The base class of these tests: an authority, interfaces of providers, and relays that use them.

Whatever a test does, at its end no secret may appear in anything that was printed or logged, and every interface has to have
been asked as its provider wants to be.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any, Iterator, Optional

from support.https_api import API_KEY, KEY_ID, REGION, SECRET_KEY, SESSION_TOKEN, Play, Request, SmallApi
from support.case import MESSAGE, RECIPIENT, SENDER, each, for_senders
from support.certificates import Authority
from support.chain_case import ChainCase, Told
from support.lmtp_program import LmtpProgram
from support.relays import Relay, binary_path
from support.runs import Result, Surroundings
from support.wire import LINE_LENGTH_LIMIT, wire_form

TOKEN = "ya29.canary-Access_Token.0123456789"


def value_of(value: Any) -> str:
    """TOML: text, numbers, flags and lists of text are written as in JSON; a table inline."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {value_of(each)}" for key, each in value.items()) + " }"
    return json.dumps(value)


def forms(secret: str) -> Iterator[str]:
    """How a secret could appear: as it is, and in Base64 at each of the three places it can begin in a group."""
    yield secret
    for before in (b"", b"x", b"xx", b"api:"):
        digits = base64.b64encode(before + secret.encode()).decode()
        yield digits[(0, 2, 3, 6)[min(len(before), 3)]:-4]


def plain_form(message: bytes, limit: int = LINE_LENGTH_LIMIT) -> bytes:
    """The octets of a message with CRLF line ends, and without stuffed dots."""
    lines = wire_form(message, limit).split(b"\r\n")
    return b"\r\n".join(line[1:] if line.startswith(b".") else line for line in lines)


class HttpsCase(ChainCase):
    def setUp(self) -> None:
        super().setUp()
        self.authority = Authority(self.directory / "pki")
        self.pem = self.authority.certificate("localhost", "127.0.0.1")
        self.apis: list[SmallApi] = []
        self.printed: list[str] = []
        self.settings["hostname"] = "client.example"

    def tearDown(self) -> None:
        everything = "\n".join([*self.printed, *self.syslog.stop()])
        for secret in (SECRET_KEY, SESSION_TOKEN, API_KEY, TOKEN):
            for form in forms(secret):
                self.assertNotIn(form, everything)
        for api in self.apis:
            api.stop()
            self.assertEqual(api.violations, [], "the interface was not asked as its provider wants to be")
        super().tearDown()

    # -- interfaces and their relays --------------------------------------------------------------

    def api(self, kind: str = "ses", *plays: Play, pem: Optional[Path] = None, **arguments: Any) -> SmallApi:
        found = SmallApi(pem or self.pem, kind, plays=plays, **arguments)
        self.apis.append(found)
        self.addCleanup(found.stop)
        return found

    def secret(self, name: str, text: str) -> str:
        path = self.directory / name
        path.write_text(text + "\n")
        path.chmod(0o600)
        return str(path)

    def keys_of(self, api: SmallApi, **more: Any) -> dict[str, Any]:
        """What the [relay.NAME] of an interface says; None leaves a key out."""
        keys: dict[str, Any] = {"destination": api.destination, "provider": api.kind,
                                "tls_ca_file": str(self.authority.file), "ip": "4"}
        if api.kind == "ses":
            keys |= {"region": REGION, "username": KEY_ID, "password_file": self.secret("ses.secret", SECRET_KEY)}
        if api.kind == "mailgun":
            keys |= {"domain": "mg.example.com", "password_file": self.secret("mailgun.secret", API_KEY)}
        if api.kind == "graph":
            keys |= {"mailbox": "alerts@example.com"}
        if api.kind in ("graph", "gmail"):
            keys |= {"oauth2": {"token_file": self.secret("token", TOKEN)}}
            api.tokens |= {TOKEN}
        keys |= more
        return {key: value for key, value in keys.items() if value is not None}

    def configure_chain(self, *relays: Any, **more: Any) -> None:
        """A chain `out` of these in this order, each a tier: interfaces (with `more` keys), SMTP relays, or keys."""
        text = ""
        names = []
        for number, relay in enumerate(relays):
            keys = (relay if isinstance(relay, dict) else self.keys_of(relay, **more) if isinstance(relay, SmallApi)
                    else {"destination": relay.destination})
            names.append(f"r{number}")
            text += f"[relay.r{number}]\n" + "".join(f"{key} = {value_of(value)}\n" for key, value in keys.items())
        self.write(text + f"[chain.out]\ntiers = {json.dumps([[name] for name in names])}\n")

    # -- running ------------------------------------------------------------------------------

    def send(self, *relays: Any, message: bytes = MESSAGE, loud: bool = False, more: Optional[dict[str, Any]] = None,
             queue_id: str = "", **arguments: Any) -> Result:
        """One message over a chain of these relays; without any over the one that is configured."""
        if relays:
            self.configure_chain(*relays, **(more or {}))
        around = Surroundings(self.queue, separate_stderr=True) if loud else None
        options = (*(("-v",) if loud else ()), *(("--queue-id", queue_id) if queue_id else ()))
        result = self.deliver("out", message=message, around=around, options=options, **arguments)
        self.printed += [result.text, result.stderr.decode("utf-8", "replace"), " ".join(result.argv)]
        return result

    def lmtp(self, *relays: Any, more: Optional[dict[str, Any]] = None, **settings: str) -> LmtpProgram:
        """`relaypipe lmtp` over a chain of these relays, after LHLO."""
        self.configure_chain(*relays, **(more or {}))
        pairs = [word for name, value in {**self.settings, **settings}.items() for word in ("-o", f"{name}={value}")]
        argv = [str(binary_path()), "lmtp", "--config", str(self.config), *pairs, "--nexthop", "out"]
        found = LmtpProgram(argv, self.queue)
        self.addCleanup(found.stop)
        found.hello()
        return found

    def command(self, *words: str) -> Told:
        told = self.tool(words[0], "--config", str(self.config), "-o", f"state_directory={self.state}", *words[1:])
        self.printed.append(told.text)
        return told

    # -- what came of it ----------------------------------------------------------------------

    def assert_taken(self, result: Result, api: SmallApi, words: str = "") -> Request:
        """Exit 0, the text quotes the interface, and it has the message once, as it is."""
        self.assertEqual(result.status, 0, f"{result}\n{self.syslog.lines}\n{api.violations}")
        self.assertTrue(result.text.startswith(f"{api.name}: 20"), result)
        self.assertIn(words, result.text)
        self.assertEqual(len(api.messages), 1)
        return api.messages[0]

    def assert_next(self, result: Result, *words: str, by: Relay) -> None:
        """The next relay has it, and the text says why not the first one."""
        self.assertEqual(result.status, 0, f"{result}\n{self.syslog.lines}")
        self.assertTrue(result.text.startswith(f"{by.name}: 250 "), result)
        for word in words:
            self.assertIn(word, result.text)

    def log(self, *words: str) -> list[str]:
        """The log lines that hold all the words. Ends the log."""
        return [line for line in self.syslog.stop() if all(word in line for word in words)]


__all__ = ["API_KEY", "KEY_ID", "MESSAGE", "RECIPIENT", "REGION", "SECRET_KEY", "SENDER", "SESSION_TOKEN", "TOKEN", "HttpsCase",
           "Play", "Relay", "SmallApi", "each", "for_senders", "plain_form"]

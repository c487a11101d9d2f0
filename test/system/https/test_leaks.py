"""No output shows a secret: not what Postfix gets, not the log, not -v. The base class looks at the end of each test."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from https_case import MESSAGE, SECRET_KEY, SESSION_TOKEN, TOKEN, API_KEY, HttpsCase, Play, each, forms
from support.runs import Delivery, Surroundings
from test_ses import KEY_FILE

KINDS = ("ses", "mailgun", "graph", "gmail")
ALL = " ".join((SECRET_KEY, SESSION_TOKEN, TOKEN, API_KEY))
ECHO = {"accepted": Play(), "refused": Play(status=400, body=b'{"message": "%s"}' % ALL.encode()),
        "unauthorized": Play(status=403, body=b'{"error": {"message": "%s"}, "message": "%s"}' % (ALL.encode(), ALL.encode())),
        "garbage": Play(raw=ALL.encode() + b"\r\n\r\n"),
        "in_the_head": Play(status=429, head=(f"X-Echo: {ALL}",))}


class Leaks(HttpsCase):
    @each({f"{kind}_{name}": (kind, play) for kind in KINDS for name, play in ECHO.items()})
    def test_the_dialogue(self, kind: str, play: Play) -> None:
        """Of an interface that repeats each provider's secrets only its own are known, and those are masked."""
        own = {"ses": SESSION_TOKEN, "mailgun": API_KEY, "graph": TOKEN, "gmail": TOKEN}[kind]
        mine = Play(play.at, play.do, play.status, play.body and play.body.replace(ALL.encode(), own.encode()),
                    tuple(line.replace(ALL, own) for line in play.head), play.raw and play.raw.replace(ALL.encode(), own.encode()))
        api = self.api(kind, mine, session_token=SESSION_TOKEN if kind == "ses" else "")
        more = {}
        if kind == "ses":
            more = {"username": None, "password_file": self.secret("pair", f"{KEY_FILE}\nAWS_SESSION_TOKEN={SESSION_TOKEN}")}
        result = self.send(api, loud=True, more=more)
        self.assertIn(b"> POST ", result.stderr)
        self.assertIn(b"uthorization: ", result.stderr)
        self.assertIn(b"********", result.stderr)

    def test_the_tools(self) -> None:
        api = self.api()
        self.configure_chain(api)
        for words in (("check",), ("probe", "r0"), ("probe", "r0", "--json"), ("status",), ("providers", "ses")):
            self.command(*words) if words[0] != "providers" else self.printed.append(self.tool(*words).text)

    def test_a_process_seen_from_outside(self) -> None:
        api = self.api("ses", Play("body", "hold"))
        self.configure_chain(api)
        delivery = Delivery(["prlimit", "--core=unlimited", *self.argv("out", options=("-v",))], Surroundings(self.queue))
        delivery.feed(MESSAGE)
        delivery.end_input()
        api.wait_for("body")
        for name in ("cmdline", "environ", "comm", "status"):
            seen = Path(f"/proc/{delivery.pid}/{name}").read_bytes().decode("utf-8", "replace")
            for form in forms(SECRET_KEY):
                self.assertNotIn(form, seen, name)
        os.kill(delivery.pid, signal.SIGSEGV)
        _, status = os.waitpid(delivery.pid, 0)
        self.assertFalse(os.WCOREDUMP(status), "a core was dumped")
        delivery.close_output()

"""No output shows a secret: not what Postfix gets, not the log, not -v, not what can be seen of the process from outside."""

from __future__ import annotations

import base64
import os
import signal
from pathlib import Path
from typing import Any, Iterator

from support.case import each
from support.runs import Delivery, Surroundings
from tls_case import TlsCase

USER, SECRET = "canary-user@accounts.test", "Canary+9f:3k Zq7=secret"


def forms(user: str, secret: str) -> Iterator[bytes]:
    """How the secret could appear: as it is, and in Base64 at each of the three places it can begin in a group, without
    the digits that its neighbours have a share in."""
    yield secret.encode()
    for before in (b"", b"x", b"xx"):
        digits = base64.b64encode(before + secret.encode())
        yield digits[(0, 2, 3)[len(before)]:-4]
    yield base64.b64encode(f"\0{user}\0{secret}".encode())


def base64_of(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


class Leaks(TlsCase):
    def setUp(self) -> None:
        super().setUp()
        self.password_file = self.secret_file("canary", SECRET + "\n")

    def canary(self, script: str, **keys: Any) -> tuple[Any, dict[str, Any]]:
        relay, section = self.local(f"auth PLAIN LOGIN CRAM-MD5\nstarttls $PEM\n{script}")
        return relay, {**section, **self.account(USER, **keys)}

    def assert_hidden(self, where: str, data: bytes) -> None:
        for form in forms(USER, SECRET):
            self.assertNotIn(form, data, f"the secret is seen in {where}")

    def assert_nothing_seen(self, *outputs: bytes) -> None:
        for number, data in enumerate(outputs):
            self.assert_hidden(f"output {number}", data)
        self.assert_hidden("the log", "\n".join(self.syslog.stop()).encode())

    def said(self, relay: Any) -> list[str]:
        return [login["secret"] for connection in relay.connections for login in connection["logins"]]

    def test_the_search_would_find_it(self) -> None:
        for data in (SECRET, base64_of(f"\0{USER}\0{SECRET}"), base64_of(SECRET), base64_of(f"ab{SECRET}cd")):
            with self.assertRaises(AssertionError):
                self.assert_hidden("a trial", f"... {data} ...".encode())

    @each({f"{mechanism}_{name}": (mechanism, rule) for mechanism in ("PLAIN", "LOGIN", "CRAM-MD5") for name, rule in {
        "accepted": "", "refused": "on auth: reply 535 5.7.8 no", "lost": "on auth: close"}.items()})
    def test_in_every_mechanism(self, mechanism: str, rule: str) -> None:
        if mechanism != "PLAIN" and rule:
            # The password of LOGIN is the second response, after the user name.
            rule = rule.replace("auth", "response nth 2" if mechanism == "LOGIN" else "response")
        relay, section = self.canary(rule, auth_mechanisms=[mechanism])
        self.write_config(section)
        loud = self.start("all", options=("-v",), around=Surroundings(self.queue, separate_stderr=True))
        loud.feed(b"Subject: x\n\nx\n")
        result = loud.wait()
        self.assertIn(f"> AUTH {mechanism}".encode(), result.stderr, "-v shows the dialogue")
        if mechanism != "CRAM-MD5" and "close" not in rule:
            self.assertEqual(self.said(relay), [SECRET])
        self.assert_nothing_seen(result.output, result.stderr)

    @each({"as_it_is": (SECRET, "PLAIN", "auth"), "login": (base64_of(SECRET), "LOGIN", "response nth 2"),
           "plain": (base64_of(f"\0{USER}\0{SECRET}"), "PLAIN", "auth")})
    def test_a_relay_that_echoes_it(self, echo: str, mechanism: str, stage: str) -> None:
        """Its reply is quoted in the log and in the text for Postfix: without the secret."""
        relay, section = self.canary(f"on {stage}: reply 535 5.7.8 {echo} is wrong", auth_mechanisms=[mechanism])
        self.write_config(section)
        loud = self.start("all", options=("-v",), around=Surroundings(self.queue, separate_stderr=True))
        loud.feed(b"Subject: x\n\nx\n")
        result = loud.wait()
        self.assertIn(b"535", result.output)
        self.assert_nothing_seen(result.output, result.stderr)

    @each({"starttls_fails": ("on tls: close", "canary"), "exits_1": ("", "exit 1")})
    def test_a_command_that_knows_it(self, rule: str, end: str) -> None:
        command = self.directory / "command"
        command.write_text(f"#!/bin/sh\necho '{SECRET}'; echo '{SECRET}' >&2; {end if end != 'canary' else ''}\n")
        command.chmod(0o700)
        _, section = self.canary(rule, password_file=None, password_command=[str(command)])
        self.assert_nothing_seen(self.send(section).output)

    def test_a_map_with_faults(self) -> None:
        place = self.secret_file("sasl_passwd", f"local.test {SECRET.replace(':', '-')}\nlocal.test {USER}:{SECRET}\n")
        _, section = self.local("auth PLAIN\nstarttls $PEM")
        self.write_config({**section, "tls": "verify", "password_map": str(place)})
        result = self.deliver("all")
        checked = self.tool("check", "--config", str(self.config))
        self.assert_nothing_seen(result.output, checked.stdout.encode(), checked.stderr.encode())
        self.assertNotIn(SECRET.replace(":", "-"), checked.stdout + result.text + "".join(self.syslog.so_far()))

    def test_the_tools(self) -> None:
        relay, section = self.canary("", auth_mechanisms=["PLAIN"])
        self.write_config(section)
        words = ("--config", str(self.config))
        tools = [self.tool("check", *words), self.tool("check", "--json", *words),
                 self.tool("probe", *words), self.tool("probe", "--json", *words),
                 self.tool("plan", *words, "--nexthop", "all", "--from", "a@b.test", "--to", "c@d.test")]
        self.assert_nothing_seen(*(done.stdout.encode() + done.stderr.encode() for done in tools))
        self.assertEqual(self.said(relay), [SECRET, SECRET], "probe has used it")

    def test_a_process_seen_from_outside(self) -> None:
        """While it hangs at a relay that it has authenticated at, and then when it is killed by a signal that dumps core."""
        relay, section = self.canary("on rcpt: hold", auth_mechanisms=["PLAIN"])
        self.write_config(section)
        argv = ["prlimit", "--core=unlimited", *self.argv("all", options=("-v",))]
        delivery = Delivery(argv, Surroundings(self.queue))
        delivery.feed(b"Subject: x\n\nx\n")
        delivery.end_input()
        relay.wait_for("rcpt")
        process = Path(f"/proc/{delivery.pid}")
        for name in ("cmdline", "environ", "comm", "status"):
            self.assert_hidden(name, (process / name).read_bytes())
        os.kill(delivery.pid, signal.SIGQUIT)
        _, status = os.waitpid(delivery.pid, 0)
        # It takes SIGQUIT as a wish to end, or dies of it; there is no core either way.
        self.assertFalse(os.WCOREDUMP(status), "a core was dumped")
        self.assertEqual(list(self.queue.iterdir()), [])
        delivery.close_output()
        self.assertEqual(self.said(relay), [SECRET])

    def test_a_crash_leaves_no_core(self) -> None:
        relay, section = self.canary("on rcpt: hold", auth_mechanisms=["PLAIN"])
        self.write_config(section)
        delivery = Delivery(["prlimit", "--core=unlimited", *self.argv("all")], Surroundings(self.queue))
        delivery.feed(b"Subject: x\n\nx\n")
        delivery.end_input()
        relay.wait_for("rcpt")
        os.kill(delivery.pid, signal.SIGSEGV)
        _, status = os.waitpid(delivery.pid, 0)
        self.assertFalse(os.WCOREDUMP(status), "a core was dumped, and the secret may be in it")
        delivery.close_output()
        self.assertEqual(self.said(relay), [SECRET])

    def test_no_file_but_its_own_has_it(self) -> None:
        spool = self.directory / "spool"
        spool.mkdir()
        relay, section = self.canary("")
        self.write_config(section)
        self.assertEqual(self.deliver("all", message=b"x\n" * 2_000_000, spool_directory=str(spool)).status, 0)
        for path in (p for p in self.directory.rglob("*") if p.is_file() and p != self.password_file):
            if not path.name.startswith("journal"):    # the relay's own record
                self.assert_hidden(str(path), path.read_bytes())
        self.assertEqual(self.said(relay), [relay.connections[0]["logins"][0]["secret"]])

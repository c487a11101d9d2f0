"""One connection to a scripted relay: a correct ESMTP server whose every stage a rule may replace."""

from __future__ import annotations

import base64
import time
from typing import Optional

from support.scripted_relay.auth import Exchange
from support.scripted_relay.content import ContentSink
from support.scripted_relay.journal import Command, Transaction
from support.scripted_relay.player import Player
from support.scripted_relay.stream import End
from support.scripted_relay.syntax import (MAIL_PARAMETERS, RCPT_PARAMETERS, command_problems, complete_code, is_mailbox,
                                            parameter_problems, parse_path)

NAME = "relay.test"
VERBS = ("ehlo", "helo", "starttls", "auth", "mail", "rcpt", "data", "quit", "rset", "noop")


class Session(Player):
    # -- the life of a connection -------------------------------------------------------------

    def run(self) -> None:
        started = time.monotonic()
        reset = False
        try:
            if self.script.implicit_tls:
                self.handshake()
            self.perform("greeting", self.text("220", "", f"{NAME} ESMTP scripted"))
            self.record.greeted = complete_code(self.answer) == "220"
            self.leave_if_over()
            while True:
                self.command(self.stream.line())
                self.leave_if_over()
        except End as end:
            self.record.ended = str(end)
            reset = self.ending is not None and self.ending[1]
        finally:
            self.record.reads = self.stream.reads
            self.record.octets_sent = self.stream.sent
            self.record.seconds = round(time.monotonic() - started, 3)
            self.stream.close(reset)
            self.journal.write(self.record)
            self.journal.trace(self.record.connection, "end")

    def leave_if_over(self) -> None:
        if self.ending:
            raise End(self.ending[0])

    def handshake(self) -> None:
        """It begins with the client's first octets; sooner, what is said would belong to the reply to STARTTLS. Nothing
        but TLS can follow: where a rule kept it from coming about, what the client says is not understood."""
        if not self.stream.buffer:
            self.stream.fill()
        self.perform("tls", b"")
        self.leave_if_over()
        while not self.stream.tls:
            self.stream.receive()

    # -- commands -----------------------------------------------------------------------------

    def command(self, raw: bytes) -> None:
        line = raw.rstrip(b"\r\n").decode("utf-8", "surrogateescape")
        entry = Command(line, self.stream.read_count)
        self.record.commands.append(entry)
        for problem in command_problems(raw):
            self.violation(problem)
        word = line.split(" ")[0].lower()
        try:
            getattr(self, f"on_{word}" if word in VERBS else "on_other")(line)
        finally:
            entry.reply = self.answer.decode("utf-8", "surrogateescape") or None
        self.leave_if_over()
        if word == "starttls" and self.answer.startswith(b"2") and self.script.certificate and not self.stream.tls:
            self.record.ehlo = None
            self.handshake()
        if word == "data" and complete_code(self.answer).startswith("3"):
            self.content()

    def on_ehlo(self, line: str) -> None:
        self.record.ehlo = line[5:]
        offers = self.script.announced(self.stream.tls is not None)
        keywords = [f"{key} {value}".strip() for key, value in offers.items()]
        lines = [NAME, *keywords]
        marks = ["-"] * (len(lines) - 1) + [" "]
        self.perform("ehlo", "".join(f"250{m}{t}\r\n" for m, t in zip(marks, lines)).encode("utf-8"))

    def on_helo(self, line: str) -> None:
        self.record.ehlo = line[5:]
        self.perform("helo", self.text("250", "", NAME))

    def on_starttls(self, _line: str) -> None:
        default = self.text("220", "2.0.0", "Ready to start TLS")
        if self.stream.tls:
            default = self.text("503", "5.5.1", "TLS is on already")
        elif not self.script.certificate:
            default = self.text("454", "4.7.0", "TLS not available")
        self.perform("starttls", default)

    def on_auth(self, line: str) -> None:
        """Challenge and response are lines of their own: `auth` answers the command, `response` every line after it."""
        _, mechanism, initial, *_rest = [*line.split(" "), "", ""]
        if mechanism.upper() not in self.script.announced(self.stream.tls is not None).get("AUTH", "").split():
            self.violation(f"AUTH not offered: {mechanism}")
            return self.perform("auth", self.text("504", "5.5.4", "mechanism not known"))
        exchange = Exchange(mechanism.upper(), self.stream.tls is not None, self.script.account)
        self.record.logins.append(exchange.login)
        if initial:
            exchange.response(initial)
        self.perform("auth", self.auth_reply(exchange))
        while complete_code(self.answer) == "334":
            self.leave_if_over()
            exchange.response(self.stream.line().rstrip(b"\r\n").decode("ascii", "replace"))
            self.perform("response", self.auth_reply(exchange))
        self.authenticated = complete_code(self.answer).startswith("2")

    def auth_reply(self, exchange: Exchange) -> bytes:
        challenge = exchange.challenge()
        if challenge is not None:
            return b"334 " + base64.b64encode(challenge) + b"\r\n"
        if exchange.cancelled:
            return self.text("501", "5.7.0", "authentication cancelled")
        if exchange.login.accepted:
            return self.text("235", "2.7.0", "Authentication successful")
        return self.text("535", "5.7.8", "Authentication credentials invalid")

    def on_mail(self, line: str) -> None:
        parsed = parse_path(line)
        address, params = parsed or (line, [])
        problems = parameter_problems(params, self.script.offers, MAIL_PARAMETERS)
        if parsed is None or (address and not is_mailbox(address)):
            problems.append(f"bad reverse-path: {line!r}")
        if not line.isascii() and "SMTPUTF8" not in params:
            problems.append("non-ASCII in MAIL without SMTPUTF8")
        if self.record.ehlo is None or self.transaction:
            problems.append("MAIL out of order")
        self.record.violations += problems
        refusal = self.text("501", "5.5.4", "; ".join(problems)) if problems else self.size_refusal(params)
        if self.script.mechanisms and not self.authenticated:
            refusal = self.text("530", "5.7.0", "Authentication required")
        self.perform("mail", refusal or self.text("250", "2.1.0", "Ok"), address)
        found = Transaction(address, params, self.answer.decode("utf-8", "surrogateescape") or None)
        self.record.transactions.append(found)
        if complete_code(self.answer).startswith("2"):
            self.transaction = found

    def size_refusal(self, params: list[str]) -> bytes:
        offered = self.script.offers.get("SIZE", "")
        limit = int(offered) if offered.isdigit() else 0
        announced = next((int(p[5:]) for p in params if p.upper().startswith("SIZE=") and p[5:].isdigit()), 0)
        return self.text("552", "5.3.4", "message size exceeds limit") if limit and announced > limit else b""

    def on_rcpt(self, line: str) -> None:
        parsed = parse_path(line)
        address = parsed[0] if parsed else line
        good = (parsed is not None and is_mailbox(address) and
                not parameter_problems(parsed[1], self.script.offers, RCPT_PARAMETERS))
        if not good:
            self.violation(f"bad RCPT: {line!r}")
        default = self.text("250", "2.1.5", "Ok") if good else self.text("501", "5.1.3", "bad recipient")
        self.perform("rcpt", default if self.transaction else self.text("503", "5.5.1", "need MAIL"), address)
        if self.transaction:
            accepted = complete_code(self.answer).startswith("2")
            (self.transaction.recipients if accepted else self.transaction.refused).append(address)

    def on_data(self, _line: str) -> None:
        if not self.transaction:
            default = self.text("503", "5.5.1", "need MAIL")
        elif not self.transaction.recipients:
            default = self.text("554", "5.5.1", "no valid recipients")
        else:
            default = self.text("354", "", "End data with <CR><LF>.<CR><LF>")
        self.perform("data", default)
        if self.transaction:
            self.transaction.data_reply = self.answer.decode("utf-8", "surrogateescape") or None

    def on_rset(self, _line: str) -> None:
        self.transaction = None
        self.perform("rset", self.text("250", "2.0.0", "Ok"))

    def on_noop(self, _line: str) -> None:
        self.perform("noop", self.text("250", "2.0.0", "Ok"))

    def on_quit(self, _line: str) -> None:
        self.record.quit = True
        self.perform("quit", self.text("221", "2.0.0", "Bye"))
        self.ending = self.ending or ("quit", False)

    def on_other(self, line: str) -> None:
        self.violation(f"unknown command: {line[:80]!r}")
        self.perform("other", self.text("500", "5.5.2", "unknown command"))

    # -- content ------------------------------------------------------------------------------

    def content(self) -> None:
        transaction = self.transaction or Transaction("", [])
        count = len(self.record.transactions)
        sink = ContentSink(self.journal.side_file(self.record.connection, count), self.keep)
        try:
            self.receive(sink)
            transaction.dot = True
        finally:
            sink.finish()
            transaction.content = sink.describe()
            self.record.violations += sink.violations()
        queued = self.text("250", "2.0.0", f"Ok: queued as {self.record.connection}-{count}")
        self.perform("dot", queued if transaction.recipients else self.text("554", "5.5.1", "no valid recipients"))
        transaction.dot_reply = self.answer.decode("utf-8", "surrogateescape") or None
        transaction.accepted = complete_code(self.answer).startswith("2") and bool(transaction.recipients)
        self.journal.trace(self.record.connection, "dot done")
        self.transaction = None

    def receive(self, sink: ContentSink) -> None:
        """Reads up to the final dot; the rules `content after N` fire when exactly N octets were read."""
        rules = [rule.after for rule in self.script.rules if rule.stage == "content"]
        triggers = sorted({0, *rules})
        received = 0
        rest: Optional[bytes] = None
        while rest is None:
            while triggers and received >= triggers[0]:
                self.perform("content", b"", after=triggers.pop(0))
                self.leave_if_over()
            data = self.stream.take(min(65536, triggers[0] - received) if triggers else 65536)
            received += len(data)
            rest = sink.feed(data)
        self.stream.buffer[:0] = rest

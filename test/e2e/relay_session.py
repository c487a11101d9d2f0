"""One connection to a scripted relay: a correct ESMTP server whose every stage a rule may replace."""

from __future__ import annotations

import socket
import time
from collections import Counter
from typing import Optional

from relay_content import ContentSink
from relay_journal import Command, Journal, Record, Transaction
from relay_script import Action, Rule, Script
from relay_stream import End, Stream, Switch
from relay_syntax import command_problems, complete_code, is_mailbox, parameter_problems, parse_path

NAME = "relay.test"
LAST_IN_GROUP = ("ehlo", "helo", "data", "quit", "greeting")


class Session:
    def __init__(self, sock: socket.socket, peer: str, number: int, script: Script, journal: Journal,
                 stop: Switch, release: Switch, keep: Optional[int] = None) -> None:
        self.stream = Stream(sock, stop)
        self.stream.drip = script.drip
        self.script = script
        self.journal = journal
        self.release = release
        self.keep = keep
        self.record = Record(number, peer)
        self.counts: Counter[str] = Counter()
        self.transaction: Optional[Transaction] = None
        self.answer = b""
        self.output = b""
        self.ending: Optional[tuple[str, bool]] = None

    # -- the life of a connection -------------------------------------------------------------

    def run(self) -> None:
        started = time.monotonic()
        reset = False
        try:
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

    # -- rules --------------------------------------------------------------------------------

    def rule(self, stage: str, sender: Optional[str], recipients: list[str], after: int = 0) -> Optional[Rule]:
        found = self.script.matching(stage, self.record.connection, self.counts[stage], sender, recipients)
        return next((rule for rule in found if rule.after == after), None)

    def perform(self, stage: str, default: bytes, address: Optional[str] = None, after: int = 0) -> None:
        """Plays the stage; what was answered, if anything, is in self.answer afterwards."""
        self.journal.trace(self.record.connection, f"{stage}+{after}" if after else stage)
        self.counts[stage] += 1
        self.answer = b""
        transaction = self.transaction
        sender = address if stage == "mail" else transaction.mail_from if transaction else None
        recipients = [address or ""] if stage == "rcpt" else transaction.recipients if transaction else []
        rule = self.rule(stage, sender, recipients, after)
        for action in rule.actions if rule else (Action("default"),):
            if self.ending:
                break
            self.act(action, stage, default)
        if not (self.script.batch and b"\n" in self.stream.buffer) or stage == "dot" or self.ending:
            self.flush()

    def act(self, action: Action, stage: str, default: bytes) -> None:
        verb = action.verb
        if verb in ("reply", "send", "default"):
            self.say(stage, default if verb == "default" else action.data)
            return
        self.flush()
        if verb in ("close", "reset"):
            self.ending = (f"{verb} by rule", verb == "reset")
        elif verb == "silent":
            self.stream.mute = True
        elif verb == "deaf":
            self.stream.wait(None)
            self.stream.mute = True
        elif verb == "hold":
            self.stream.wait(None, self.release)
        elif verb == "delay":
            self.stream.wait(action.interval)
        elif verb == "drip":
            self.stream.drip = action.interval
        elif verb == "read":
            self.stream.slow = (action.amount, action.interval)
        elif verb == "flood":
            self.stream.flood(action.data)

    def say(self, stage: str, data: bytes) -> None:
        if not self.answer:
            self.check_order(stage)
        if not self.stream.mute:
            self.answer += data
            self.output += data

    def flush(self) -> None:
        data, self.output = self.output, b""
        if data and not self.stream.send(data):
            self.answer = b""

    def check_order(self, stage: str) -> None:
        """Just before the first octet of a reply: had the client the right to send more already?"""
        if self.stream.mute or stage == "content":
            return
        waiting = self.stream.peek()
        allowed = "PIPELINING" in self.script.offers and stage not in LAST_IN_GROUP
        # A client that gave up during a scripted delay may say so: QUIT is no offence.
        if waiting and not allowed and not b"QUIT".startswith(waiting[:4].upper()):
            self.violation(f"input before the reply to {stage}")

    def violation(self, what: str) -> None:
        self.record.violations.append(what)

    def text(self, code: str, enhanced: str, text: str) -> bytes:
        status = f"{enhanced} " if enhanced and "ENHANCEDSTATUSCODES" in self.script.offers else ""
        return f"{code} {status}{text}\r\n".encode("utf-8")

    # -- commands -----------------------------------------------------------------------------

    def command(self, raw: bytes) -> None:
        line = raw.rstrip(b"\r\n").decode("utf-8", "surrogateescape")
        entry = Command(line, self.stream.read_count)
        self.record.commands.append(entry)
        for problem in command_problems(raw):
            self.violation(problem)
        word = line.split(" ")[0].lower()
        known = word in ("ehlo", "helo", "mail", "rcpt", "data", "quit", "rset", "noop")
        getattr(self, f"on_{word}" if known else "on_other")(line)
        entry.reply = self.answer.decode("utf-8", "surrogateescape") or None
        self.leave_if_over()
        if word == "data" and complete_code(self.answer).startswith("3"):
            self.content()

    def on_ehlo(self, line: str) -> None:
        self.record.ehlo = line[5:]
        keywords = [f"{key} {value}".strip() for key, value in self.script.offers.items()]
        lines = [NAME, *keywords]
        marks = ["-"] * (len(lines) - 1) + [" "]
        self.perform("ehlo", "".join(f"250{m}{t}\r\n" for m, t in zip(marks, lines)).encode("utf-8"))

    def on_helo(self, line: str) -> None:
        self.record.ehlo = line[5:]
        self.perform("helo", self.text("250", "", NAME))

    def on_mail(self, line: str) -> None:
        parsed = parse_path(line)
        address, params = parsed or (line, [])
        problems = parameter_problems(params, self.script.offers)
        if parsed is None or (address and not is_mailbox(address)):
            problems.append(f"bad reverse-path: {line!r}")
        if not line.isascii() and "SMTPUTF8" not in params:
            problems.append("non-ASCII in MAIL without SMTPUTF8")
        if self.record.ehlo is None or self.transaction:
            problems.append("MAIL out of order")
        self.record.violations += problems
        refusal = self.text("501", "5.5.4", "; ".join(problems)) if problems else self.size_refusal(params)
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
        good = parsed is not None and is_mailbox(address) and not parsed[1]
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

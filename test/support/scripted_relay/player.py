"""Plays the rules of a dialogue over one connection: which actions a stage has, and what they do to the stream."""

from __future__ import annotations

import socket
from collections import Counter
from pathlib import Path
from typing import Optional

from support.scripted_relay.journal import Journal, Record, Transaction
from support.scripted_relay.script import Action, Rule, Script
from support.scripted_relay.stream import Stream, Switch

LAST_IN_GROUP = ("ehlo", "helo", "starttls", "auth", "response", "data", "quit", "greeting")
UNORDERED = ("content", "tls")    # the client speaks without being asked


class Player:
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
        self.authenticated = False
        self.answer = b""
        self.output = b""
        self.ending: Optional[tuple[str, bool]] = None

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
        if self.script.forgetful and stage in ("mail", "rcpt"):
            self.stream.buffer.clear()
        if not (self.script.batch and b"\n" in self.stream.buffer) or stage == "dot" or self.ending:
            self.flush()

    def act(self, action: Action, stage: str, default: bytes) -> None:
        verb = action.verb
        if stage == "tls" and verb in ("default", "cut"):
            self.flush()
            self.secure(action.amount if verb == "cut" else None)
            return
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

    def secure(self, cut: Optional[int] = None) -> None:
        """The handshake, or with `cut` the first octets of it."""
        if self.stream.mute or self.stream.tls:
            return
        # Here, because a relay without TLS starts sooner without OpenSSL.
        from support.scripted_relay.tls import TlsLayer
        layer = TlsLayer(Path(self.script.certificate), self.script.ciphers, self.script.dh_parameters)
        self.stream.secure(layer, cut)
        if self.stream.tls:
            self.record.tls, self.record.server_name = layer.version, layer.name

    def check_order(self, stage: str) -> None:
        """Just before the first octet of a reply: had the client the right to send more already?"""
        if self.stream.mute or stage in UNORDERED:
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

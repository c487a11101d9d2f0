"""The dialogue of a scripted relay: the parser of *.relay files and the rules it yields.

The format is described in the head comment of server.py. Nothing here touches a socket, so a
fault matrix can build scripts from strings and look at the rules before any relay runs.
"""

from __future__ import annotations

import fnmatch
import random
import re
from dataclasses import dataclass, field
from typing import Optional

STAGES = ("greeting", "ehlo", "helo", "starttls", "tls", "auth", "response", "mail", "rcpt", "data", "content", "dot",
          "rset", "noop", "quit", "other")
MECHANISMS = ("PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2", "OAUTHBEARER")
BARE_VERBS = ("default", "close", "reset", "silent", "deaf", "hold")
TEXT_VERBS = ("reply", "send", "flood")
DEFAULT_OFFERS = {"PIPELINING": "", "SIZE": "0", "8BITMIME": "", "ENHANCEDSTATUSCODES": "", "SMTPUTF8": ""}

ESCAPES = {"r": b"\r", "n": b"\n", "t": b"\t", "0": b"\0", "e": b"\x1b", "\\": b"\\", ";": b";", "$": b"$"}
TOKEN = re.compile(r"\\x([0-9A-Fa-f]{2})|\\(.)|\$\{(.+?)\*(\d+)\}|([^\\$]+|\$)", re.DOTALL)


class ScriptError(ValueError):
    """A dialogue file that cannot be understood; a test must never run on half a script."""


@dataclass(frozen=True)
class Action:
    verb: str
    data: bytes = b""
    amount: int = 0
    interval: float = 0.0


@dataclass(frozen=True)
class Rule:
    stage: str
    actions: tuple[Action, ...]
    recipient: Optional[str] = None
    sender: Optional[str] = None
    first_connection: int = 1
    last_connection: Optional[int] = None
    nth: Optional[int] = None
    after: int = 0

    def covers(self, connection: int, nth: int, sender: Optional[str], recipients: list[str]) -> bool:
        if connection < self.first_connection:
            return False
        if self.last_connection is not None and connection > self.last_connection:
            return False
        if self.nth is not None and nth != self.nth:
            return False
        if self.sender is not None and (sender is None or not fnmatch.fnmatchcase(sender, self.sender)):
            return False
        return self.recipient is None or any(fnmatch.fnmatchcase(r, self.recipient) for r in recipients)


@dataclass
class Script:
    offers: dict[str, str] = field(default_factory=lambda: dict(DEFAULT_OFFERS))
    rules: list[Rule] = field(default_factory=list)
    batch: bool = False
    forgetful: bool = False
    drip: float = 0.0
    certificate: str = ""                        # a PEM file; with it the relay speaks TLS
    implicit_tls: bool = False
    ciphers: str = ""                            # OpenSSL's words for those of TLS 1.2, which is then the newest
    dh_parameters: str = ""                      # a PEM file
    mechanisms: list[str] = field(default_factory=list)
    account: Optional[tuple[str, str]] = None    # user and password, or token; None: all are right

    def announced(self, encrypted: bool) -> dict[str, str]:
        """The extensions after EHLO. AUTH only inside TLS where there is TLS."""
        found = dict(self.offers)
        if self.certificate and not encrypted:
            found["STARTTLS"] = ""
        elif self.mechanisms:
            found["AUTH"] = " ".join(self.mechanisms)
        return found

    def matching(self, stage: str, connection: int, nth: int, sender: Optional[str],
                 recipients: list[str]) -> list[Rule]:
        return [r for r in self.rules if r.stage == stage and r.covers(connection, nth, sender, recipients)]


def parse_duration(text: str) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m)", text)
    if not match:
        raise ScriptError(f"not a duration: {text!r}")
    return float(match[1]) * {"ms": 0.001, "s": 1.0, "m": 60.0}[match[2]]


def parse_bytes(text: str) -> bytes:
    """Text with escapes to octets; ${x*1000} repeats x, which may itself hold escapes."""
    out = bytearray()
    position = 0
    while position < len(text):
        match = TOKEN.match(text, position)
        if not match:
            raise ScriptError(f"bad escape in {text!r}")
        octet, escape, repeated, count, plain = match.groups()
        if octet is not None:
            out.append(int(octet, 16))
        elif escape is not None:
            if escape not in ESCAPES:
                raise ScriptError(f"unknown escape \\{escape} in {text!r}")
            out += ESCAPES[escape]
        elif repeated is not None:
            out += parse_bytes(repeated) * int(count)
        else:
            out += plain.encode("utf-8")
        position = match.end()
    return bytes(out)


def parse_action(text: str) -> Action:
    verb, _, rest = text.strip().partition(" ")
    if verb in BARE_VERBS and not rest:
        return Action(verb)
    if verb in TEXT_VERBS:
        end = b"" if verb == "send" else b"\r\n"
        return Action(verb, data=parse_bytes(rest) + end)
    if verb == "cut" and rest.isdigit():
        return Action(verb, amount=int(rest))
    if verb in ("delay", "drip"):
        return Action(verb, interval=parse_duration(rest.strip()))
    if verb == "garbage" and rest.isdigit():
        # A fixed seed: a failure seen once must be seen again.
        return Action("send", data=random.Random(int(rest)).randbytes(int(rest)))
    slow = re.fullmatch(r"(\d+) every (\S+)", rest)
    if verb == "read" and slow:
        return Action("read", amount=int(slow[1]), interval=parse_duration(slow[2]))
    raise ScriptError(f"unknown action: {text!r}")


def parse_actions(text: str) -> list[Action]:
    return [parse_action(part) for part in re.split(r" ; ", text) if part.strip()]


def parse_selectors(words: list[str]) -> dict[str, object]:
    found: dict[str, object] = {}
    if len(words) % 2:
        raise ScriptError(f"selector without a value: {' '.join(words)!r}")
    for key, value in zip(words[::2], words[1::2]):
        if key == "to":
            found["recipient"] = value
        elif key == "from":
            found["sender"] = "" if value == "<>" else value
        elif key in ("nth", "after") and value.isdigit():
            found[key] = int(value)
        elif key == "connection" and (span := re.fullmatch(r"(\d+)(-?)(\d*)", value)):
            first = int(span[1])
            found["first_connection"] = first
            found["last_connection"] = int(span[3]) if span[3] else (None if span[2] else first)
        else:
            raise ScriptError(f"unknown selector: {key} {value}")
    return found


def apply_offer(offers: dict[str, str], words: list[str]) -> None:
    if words and not words[0].startswith(("+", "-")):
        offers.clear()
    for word in words:
        keyword, _, value = word.lstrip("+-").partition("=")
        if word.startswith("-"):
            offers.pop(keyword.upper(), None)
        elif keyword != "none":
            offers[keyword.upper()] = value


def parse_rule(head: str, body: list[str]) -> Rule:
    words = head.split()
    if len(words) < 2 or words[1] not in STAGES:
        raise ScriptError(f"unknown stage: {head!r}")
    actions = [action for line in body for action in parse_actions(line)]
    if not actions:
        raise ScriptError(f"a rule without actions: {head!r}")
    return Rule(words[1], tuple(actions), **parse_selectors(words[2:]))  # type: ignore[arg-type]


def logical_lines(text: str) -> list[tuple[int, str, list[str]]]:
    """(line number, first line, indented lines that follow it); comments and empty lines are gone."""
    found: list[tuple[int, str, list[str]]] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if line[0] in " \t":
            if not found:
                raise ScriptError(f"line {number}: an indented line at the start")
            found[-1][2].append(line)
        else:
            found.append((number, line.rstrip(), []))
    return found


def apply_directive(script: Script, word: str, rest: str) -> None:
    values = rest.split()
    if word == "offer":
        apply_offer(script.offers, values)
    elif word == "batch" and rest in ("on", "off"):
        script.batch = rest == "on"
    elif word == "forgetful" and rest in ("on", "off"):
        script.forgetful = rest == "on"
    elif word == "drip":
        script.drip = parse_duration(rest)
    elif word in ("starttls", "smtps") and len(values) == 1:
        script.certificate, script.implicit_tls = rest, word == "smtps"
    elif word == "ciphers" and len(values) == 1:
        script.ciphers = rest
    elif word == "dh" and len(values) == 1:
        script.dh_parameters = rest
    elif word == "auth" and values and set(values) <= set(MECHANISMS):
        script.mechanisms = values
    elif word == "account" and len(values) == 2:
        script.account = values[0], values[1]
    else:
        raise ScriptError(f"unknown directive: {word} {rest}")


def parse_script(text: str) -> Script:
    script = Script()
    for number, line, body in logical_lines(text):
        try:
            word, _, rest = line.partition(" ")
            if word == "on":
                head, colon, inline = (line + " ").partition(": ")
                if not colon:
                    raise ScriptError("a rule needs a colon and a blank")
                script.rules.append(parse_rule(head, [inline, *body]))
            else:
                apply_directive(script, word, rest.strip())
        except ScriptError as error:
            raise ScriptError(f"line {number}: {error}") from None
    return script

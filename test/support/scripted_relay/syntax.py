"""RFC 5321 command syntax as the scripted relay judges it: paths, parameters, replies."""

from __future__ import annotations

import re
from typing import Optional

# Negated classes take everything above ASCII with them (RFC 6531), and compile much faster than ranges up to U+10FFFF.
ATOM = r'[^\x00-\x20\x7f()<>\[\]:;@\\,."]+'
DOT_STRING = rf"{ATOM}(?:\.{ATOM})*"
QUOTED = r'"(?:[^\x00-\x1f\x7f"\\]|\\[ -~])*"'
EDGE = r"[^\x00-/:-@\[-^`{-\x7f]"            # letter, digit, underscore
INNER = r"[^\x00-,./:-@\[-^`{-\x7f]"         # the same and hyphen
LABEL = rf"{EDGE}(?:{INNER}*{EDGE})?"
DOMAIN = rf"(?:{LABEL}(?:\.{LABEL})*|\[[0-9A-Za-z.:]+\])"
MAILBOX = re.compile(rf"(?:{DOT_STRING}|{QUOTED})(?:@{DOMAIN})?\Z")
COMMAND = re.compile(r"(?:MAIL FROM|RCPT TO):(.*)\Z", re.IGNORECASE | re.DOTALL)
PATH = re.compile(r'<((?:"(?:[^"\\]|\\.)*"|[^">])*)>(?: (.*))?\Z', re.DOTALL)


def parse_path(line: str) -> Optional[tuple[str, list[str]]]:
    """Address and parameters of a MAIL or RCPT command; None when it is not one."""
    command = COMMAND.match(line)
    path = PATH.match(command[1]) if command else None
    if not path:
        return None
    return path[1], (path[2] or "").split()


def is_mailbox(address: str) -> bool:
    return MAILBOX.match(address) is not None


def command_problems(raw: bytes) -> list[str]:
    """What is wrong with the octets of a command line, whatever the command is."""
    problems = []
    body = raw[:-2] if raw.endswith(b"\r\n") else raw.rstrip(b"\n")
    if not raw.endswith(b"\r\n"):
        problems.append("bare LF in command")
    if b"\r" in body:
        problems.append("bare CR in command")
    if b"\0" in body:
        problems.append("NUL in command")
    if len(raw) > 1024:
        problems.append(f"command line of {len(raw)} octets")
    return problems


MAIL_PARAMETERS = {"SIZE": "SIZE", "BODY": "8BITMIME", "SMTPUTF8": "SMTPUTF8", "RET": "DSN", "ENVID": "DSN"}
RCPT_PARAMETERS = {"NOTIFY": "DSN", "ORCPT": "DSN"}


def parameter_problems(params: list[str], offers: dict[str, str], known: dict[str, str]) -> list[str]:
    """Parameters that were never offered, or are not what the extension allows. `known`: their extensions."""
    problems = []
    for param in params:
        keyword, _, value = param.partition("=")
        needed = known.get(keyword.upper())
        if needed is None or needed not in offers:
            problems.append(f"parameter not offered: {param}")
        elif keyword.upper() == "SIZE" and not re.fullmatch(r"\d{1,20}", value):
            problems.append(f"bad SIZE: {param}")
        elif keyword.upper() == "BODY" and value.upper() not in ("7BIT", "8BITMIME"):
            problems.append(f"bad BODY: {param}")
    return problems


def complete_code(answer: bytes) -> str:
    """The code of the last complete reply in what was sent; empty when no reply is complete."""
    lines = answer.split(b"\n")[:-1]
    if not lines:
        return ""
    match = re.match(rb"(\d{3})(?: |\r?\Z)", lines[-1])
    return match[1].decode("ascii") if match else ""

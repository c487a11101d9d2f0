"""The axes of the fault matrix, and how a scripted relay plays each fault at each stage.

Every combination is either played, or has its reason to be left out here: nothing is missing by oversight.
"""

from __future__ import annotations

from typing import Optional

RESOLVE, CONNECT, GREETING, EHLO = "resolve", "connect", "greeting", "ehlo"
STARTTLS, TLS, TLS_INSIDE, EHLO2 = "starttls", "tls", "tls_inside", "ehlo2"
STARTTLS_MAY, TLS_MAY = "starttls_may", "tls_may"    # the same where TLS is welcome, not required
AUTH, RESPONSE = "auth", "auth_response"
MAIL, RCPT, DATA, CONTENT, DOT, QUIT = "mail", "rcpt", "data", "content", "end_of_data", "quit"

STAGES = (RESOLVE, CONNECT, GREETING, EHLO, STARTTLS, STARTTLS_MAY, TLS, TLS_INSIDE, TLS_MAY, EHLO2, AUTH, RESPONSE,
          MAIL, RCPT, DATA, CONTENT, DOT, QUIT)
TRANSACTION = (MAIL, RCPT, DATA, CONTENT, DOT, QUIT)    # played in clear, and once more inside TLS with an account
SAME = {STARTTLS_MAY: STARTTLS, TLS_MAY: TLS, TLS_INSIDE: TLS}    # as far as the dialogue and Postfix's words go
SECURED = (STARTTLS, TLS, TLS_INSIDE, EHLO2, AUTH, RESPONSE)    # need TLS and an account to be reached

REFUSED, RESET, CLOSED, SILENT, DRIP = "refused", "reset", "closed", "silent", "drip"
R421, R4YZ, R5YZ = "421", "4yz", "5yz"
GARBAGE, OVERLONG, NUL, ENDLESS = "garbage", "overlong", "nul", "endless"

FAULTS = (REFUSED, RESET, CLOSED, SILENT, DRIP, R421, R4YZ, R5YZ, GARBAGE, OVERLONG, NUL, ENDLESS)
REPLIES = (R421, R4YZ, R5YZ)
WAITING = (SILENT, DRIP)    # only a time limit ends them

# The faulty relay alone; with a healthy one behind it; behind one that is down; behind one that put the recipient off;
# behind a healthy one.
ONLY, FIRST, AFTER_DEAD, AFTER_SOFT, SPARE = "only", "first", "after_dead", "after_soft", "spare"
POSITIONS = (ONLY, FIRST, AFTER_DEAD, AFTER_SOFT, SPARE)

# Where in the dialogue the stage is, and the reply a healthy relay gives there.
PLACES = {
    GREETING: ("greeting", "220"), EHLO: ("ehlo", "250"), STARTTLS: ("starttls", "220"), TLS: ("tls", "220"),
    EHLO2: ("ehlo nth 2", "250"), AUTH: ("auth", "235"), RESPONSE: ("response nth 2", "235"), MAIL: ("mail", "250"),
    RCPT: ("rcpt", "250"), DATA: ("data", "354"), CONTENT: ("content after 1000", "250"), DOT: ("dot", "250"),
    QUIT: ("quit", "221"),
}

# What is said with 421, 4yz and 5yz. Of the 5yz those to RCPT, in the content and to the dot name the recipient or the
# message; those to MAIL and DATA name neither.
TEXTS = {
    R421: {None: "421 4.3.2 shutting down"},
    R4YZ: {None: "451 4.3.0 local trouble", STARTTLS: "454 4.7.0 TLS not available", TLS: "454 4.7.0 TLS not available",
           AUTH: "454 4.7.0 temporary authentication failure", RESPONSE: "454 4.7.0 temporary authentication failure",
           RCPT: "450 4.2.0 mailbox busy"},
    R5YZ: {None: "554 5.3.2 no service here", AUTH: "535 5.7.8 credentials invalid",
           RESPONSE: "535 5.7.8 credentials invalid", MAIL: "553 5.1.7 sender address has bad syntax",
           RCPT: "550 5.1.1 no such user here", DATA: "554 5.7.1 not accepted here",
           CONTENT: "554 5.6.0 message content rejected", DOT: "554 5.6.0 message content rejected"},
}

LONG_LINE = 20_000    # octets of the overlong line of a reply that is good otherwise; RFC 5321 allows 512

ZONE = {REFUSED: "refused", CLOSED: "tcp-dead", SILENT: "silent", R4YZ: "servfail", R5YZ: "nxdomain",
        GARBAGE: "garbage"}

_NO_REFUSAL = "a refusal of this stage is a reply, and stands under 421, 4yz and 5yz"
_NO_TEXT = "DNS has neither reply codes nor lines; what DNS does on its own is test/system/reach's"


def left_out(stage: str, fault: str) -> Optional[str]:
    """Why there is no such case; None when there is one."""
    if stage == RESOLVE:
        if fault in (DRIP, RESET):
            return "an answer by UDP comes whole or not at all, and has no connection to be reset"
        return None if fault in ZONE else _NO_TEXT
    if stage == CONNECT:
        if fault in (RESET, CLOSED):
            return "a connection that is reset or closed was established: that is the greeting's stage"
        return None if fault in (REFUSED, SILENT) else "nothing is said before the connection is established"
    if stage == TLS_INSIDE and fault not in (RESET, CLOSED, SILENT):
        return "the handshake broken off in its middle; what comes in its place is played at tls"
    if fault == REFUSED and stage not in (TLS, TLS_MAY):
        return _NO_REFUSAL
    return None


def reply_text(stage: str, fault: str) -> str:
    """What the relay says with a fault that is a reply."""
    return TEXTS[fault].get(stage) or TEXTS[fault][None]


def actions(stage: str, fault: str) -> str:
    """The fault in the words of the scripted relay."""
    if stage == TLS_INSIDE:
        return "cut 100 ; " + {RESET: "reset", CLOSED: "close", SILENT: "silent"}[fault]
    stage = SAME.get(stage, stage)
    code = PLACES[stage][1]
    if stage == CONTENT:
        return content_actions(fault)
    if fault in REPLIES:
        return f"reply {reply_text(stage, fault)}" + (" ; close" if fault == R421 or stage == TLS else "")
    return {
        REFUSED: r"send \x15\x03\x03\x00\x02\x02\x28 ; close",    # TLS alert: handshake_failure
        RESET: "reset",
        CLOSED: "close",
        SILENT: "silent",
        DRIP: "drip 150ms ; " + ("default" if stage == TLS else f"reply {code} ${{long-*30}}"),
        GARBAGE: r"garbage 600 ; send \r\n",
        OVERLONG: f"reply {before_overlong(stage)}{code} ${{x*{LONG_LINE}}}",
        NUL: rf"send {code[0]}\0{code[1:]} hello\r\n",
        ENDLESS: f"flood {code}-more",
    }[fault]


def before_overlong(stage: str) -> str:
    """The capabilities that a session needs stand before the long line: only the line is the fault."""
    return r"250-relay.test\r\n250-AUTH PLAIN LOGIN\r\n" if stage in (EHLO, EHLO2) else ""


def content_actions(fault: str) -> str:
    """In the content the relay must stop reading, or the client would be through before the fault is seen."""
    if fault in (RESET, CLOSED):
        return {RESET: "reset", CLOSED: "close"}[fault]
    if fault == SILENT:
        return "deaf"
    if fault == DRIP:
        return "read 500 every 50ms"    # progress all the time, and no end
    if fault in REPLIES:
        return f"reply {reply_text(CONTENT, fault)} ; deaf"
    return {GARBAGE: r"garbage 600 ; send \r\n", OVERLONG: f"reply 250 ${{x*{LONG_LINE}}}",
            NUL: r"send 2\050 hello\r\n", ENDLESS: "flood 250-more"}[fault] + " ; deaf"


def dialogue(stage: str, fault: str) -> str:
    place = PLACES[SAME.get(stage, stage)][0]
    rules = [f"on {place}: {actions(stage, fault)}"]
    if stage in (EHLO, EHLO2):
        rules.append(f"on helo: {actions(stage, fault)}")    # or the client may try HELO, and that would be no fault
    return "\n".join(rules)

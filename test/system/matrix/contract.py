"""What a delivery has to end as: sections 5 and 8 of the design, written once more and apart from the program.

A fault has a meaning; the meanings of the relays that are tried, in their order, make what Postfix must see. Texts are
Postfix's own (smtp_trouble.c, smtp_proto.c), which the design prescribes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Sequence

import faults as f


class Kind(Enum):
    DELIVERED = "the relay takes it"
    RELAY = "speaks of the relay: the next one, and never hard"
    MESSAGE = "the message or the recipient is put off: the next one, and what stands if none takes it"
    HARD = "the message or the recipient is refused: no other relay"
    OPEN = "refused without a word of the message or the recipient: the next one, and for good when all refuse so"
    EVERYWHERE = "the recipient is put off by whatever relay: deferred, and no other relay"
    UNCONFIRMED = "may be delivered: deferred, and no other relay"
    OUT_OF_TIME = "the deadline: deferred, and no other relay"


STOPS = (Kind.DELIVERED, Kind.HARD, Kind.EVERYWHERE, Kind.UNCONFIRMED, Kind.OUT_OF_TIME)

# Exit statuses of sysexits(3), as design section 5 wants them.
HARD_STATUS = {"5.1.1": 67, "5.1.2": 68}
HARD_STATUS_OF_SUBJECT = {"6": 65, "7": 77}

BEFORE_MAIL = f.STAGES[:f.STAGES.index(f.MAIL)]
NAMES_NOBODY = (f.MAIL, f.DATA)    # MAIL is never about a recipient; what is said to DATA names nobody here

DOING = {
    f.GREETING: "receiving the initial server greeting", f.EHLO: "performing the EHLO handshake",
    f.STARTTLS: "receiving the STARTTLS response", f.TLS: "performing the TLS handshake",
    f.EHLO2: "performing the EHLO handshake",
    f.AUTH: "performing the AUTH handshake", f.RESPONSE: "performing the AUTH handshake", f.MAIL: "sending MAIL FROM",
    f.RCPT: "sending RCPT TO", f.DATA: "sending DATA command", f.CONTENT: "sending message body",
    f.DOT: "sending end of data -- message may be sent more than once",
}
COMMAND = {f.MAIL: "MAIL FROM", f.RCPT: "RCPT TO", f.DATA: "DATA", f.CONTENT: "DATA", f.DOT: "end of DATA"}


@dataclass(frozen=True)
class Meaning:
    """Of one attempt. Texts have `{relay}` for host[address]:port; `dsn` is a regular expression."""

    kind: Kind
    dsn: str = ""
    says: tuple[str, ...] = ()     # in the text when this attempt decides; tuples of alternatives are written a|b
    short: tuple[str, ...] = ()    # in the text when another one decides


HEALTHY = Meaning(Kind.DELIVERED, says=("{relay}: 250 2.0.0 Ok: queued",))
TAKES_IT = Meaning(Kind.DELIVERED, says=("{relay}: 250 ",))
DEAD = Meaning(Kind.RELAY, r"4\.4\.1", ("connect to {relay}: Connection refused",), ("Connection refused",))
PUT_OFF = "450 4.2.0 greylisted"
SOFT = Meaning(Kind.MESSAGE, r"4\.2\.0", (f"host {{relay}} said: {PUT_OFF} (in reply to RCPT TO command)",), (PUT_OFF,))


def soft_dsn(text: str) -> str:
    """The enhanced status of a reply as a soft one: what concerns a relay never is hard."""
    return re.escape("4" + text.split()[1][1:])


def of_reply(kind: Kind, stage: str, text: str) -> Meaning:
    dsn = re.escape(text.split()[1]) if kind in (Kind.HARD, Kind.OPEN) else soft_dsn(text)
    if stage in COMMAND:
        says = f"host {{relay}} said: {text} (in reply to {COMMAND[stage]} command)"
    elif stage in (f.AUTH, f.RESPONSE):
        says = f"SASL authentication failed; server {{relay}} said: {text}"
    elif stage == f.STARTTLS and not text.startswith(f.R421):
        says = f"TLS is required, but host {{relay}} refused to start TLS: {text}"
    else:
        says = f"host {{relay}} refused to talk to me: {text}"
    return Meaning(kind, dsn, (says,), (text,))


def meaning(stage: str, fault: str) -> Meaning:
    if stage in (f.STARTTLS_MAY, f.TLS_MAY) and goes_on_in_clear(stage, fault):
        return TAKES_IT
    stage = f.SAME.get(stage, stage)
    if stage == f.QUIT:
        return HEALTHY    # after the reply to the dot nothing turns success into failure
    if stage == f.RESOLVE:
        return of_look_up(fault)
    if stage == f.CONNECT:
        words = {f.REFUSED: "Connection refused", f.SILENT: "Connection timed out"}[fault]
        return Meaning(Kind.RELAY, r"4\.4\.1", (f"connect to {{relay}}: {words}",), (words.lower(),))
    if stage == f.TLS and fault not in f.WAITING:
        # Also a reply in clear in the place of the handshake: nobody may believe what is not authenticated.
        return Meaning(Kind.RELAY, r"4\.7\.5|4\.4\.2",
                       ("Cannot start TLS with {relay}: |lost connection with {relay}",))
    if fault in f.REPLIES:
        return of_code(stage, fault)
    if fault == f.OVERLONG and stage != f.CONTENT:
        return TAKES_IT    # the code is good, and says all that counts
    if stage == f.DOT:
        return Meaning(Kind.UNCONFIRMED, r"4\.4\.2", ("{relay}", DOING[stage]))
    return of_no_reply(stage, fault)


def goes_on_in_clear(stage: str, fault: str) -> bool:
    """Level `may`: a relay that has no TLS after all, or fails in it, gets the message in clear, as from smtp(8)."""
    if stage == f.STARTTLS_MAY:
        return fault in (f.R4YZ, f.R5YZ)
    return fault not in f.WAITING


def of_look_up(fault: str) -> Meaning:
    """A relay's name that does not exist is a mistake of the configuration, so it is never hard either."""
    dsn = r"4\.4\.4" if fault == f.R5YZ else r"4\.4\.3"
    return Meaning(Kind.RELAY, dsn, ("Name service error for name=faulty.test|looking up faulty.test",),
                   ("faulty.test: name service error|faulty.test: no answer",))


def of_code(stage: str, fault: str) -> Meaning:
    text = f.reply_text(stage, fault)
    if stage in BEFORE_MAIL or fault == f.R421:
        return of_reply(Kind.RELAY, stage, text)
    if fault == f.R4YZ:
        return of_reply(Kind.MESSAGE, stage, text)
    return of_reply(Kind.OPEN if stage in NAMES_NOBODY else Kind.HARD, stage, text)


def of_no_reply(stage: str, fault: str) -> Meaning:
    doing = DOING[stage]
    if stage == f.CONTENT and fault == f.DRIP:
        return Meaning(Kind.OUT_OF_TIME, r"4\.4\.2", ("the deadline of ",))
    if fault in f.WAITING:
        return Meaning(Kind.RELAY, r"4\.4\.2", (f"conversation with {{relay}} timed out while {doing}",),
                       (f"timed out while {doing}",))
    if fault in (f.RESET, f.CLOSED):
        # A reset just after the connection was made may also show as a connection that failed.
        early = "|connect to {relay}: Connection reset" if stage == f.GREETING else ""
        return Meaning(Kind.RELAY, r"4\.4\.[12]" if early else r"4\.4\.2",
                       (f"lost connection with {{relay}} while {doing}{early}",),
                       (f"lost connection while {doing}" + ("|Connection reset" if early else ""),))
    if stage in BEFORE_MAIL and fault == f.ENDLESS:
        # libcurl opens the session, and some builds of it count what comes and give up before the program does.
        return Meaning(Kind.RELAY, r"4\.5\.0|4\.4\.2",
                       (f"host {{relay}} broke the protocol while {doing}|"
                        f"lost connection with {{relay}} while {doing}",))
    return Meaning(Kind.RELAY, r"4\.5\.0", (f"host {{relay}} broke the protocol while {doing}",))


@dataclass(frozen=True)
class Expected:
    status: int
    dsn: str                   # regular expression; empty on success
    decisive: int              # which attempt's words the text has to have
    tried: tuple[int, ...]     # the others, in short
    carrier: int | None        # the attempt whose relay has the message


def expected(attempts: Sequence[Meaning]) -> Expected:
    """Goes through the relays in their order as the spine must, and says what Postfix has to see."""
    made: list[int] = []
    for index, attempt in enumerate(attempts):
        made.append(index)
        if attempt.kind in STOPS:
            break
    last = attempts[made[-1]]
    about_message = [i for i in made if attempts[i].kind in (Kind.MESSAGE, Kind.OPEN)]
    decisive = made[-1] if last.kind in STOPS or not about_message else about_message[-1]
    others = tuple(i for i in made if i != decisive)
    if last.kind is Kind.DELIVERED:
        return Expected(0, "", decisive, others, decisive)
    if last.kind is Kind.HARD:
        return Expected(hard_status(last.dsn.replace("\\", "")), last.dsn, decisive, others, None)
    if all(attempts[i].kind is Kind.OPEN for i in made):
        return Expected(hard_status(last.dsn.replace("\\", "")), last.dsn, decisive, others, None)
    # Somebody has not refused it for good: it waits, and every permanent status is told as a passing one.
    return Expected(75, re.sub("^5", "4", attempts[decisive].dsn), decisive, others, None)


def hard_status(dsn: str) -> int:
    return HARD_STATUS.get(dsn) or HARD_STATUS_OF_SUBJECT.get(dsn.split(".")[1], 69)


def relays(position: str, faulty: Meaning) -> list[Meaning]:
    """What stands in the chain."""
    return {f.ONLY: [faulty], f.FIRST: [faulty, HEALTHY], f.AFTER_DEAD: [DEAD, faulty], f.AFTER_SOFT: [SOFT, faulty],
            f.SPARE: [HEALTHY, faulty]}[position]

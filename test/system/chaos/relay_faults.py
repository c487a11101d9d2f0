"""What a relay of a chaos run does wrong in a session: drawn from the seed, the relay's name, the session's number."""

from __future__ import annotations

import random
from dataclasses import dataclass

BEFORE_DOT = ("greeting", "ehlo", "mail", "rcpt", "data", "content")
WITH_REPLY = ("greeting", "ehlo", "mail", "rcpt", "data", "dot")

# Kind and share among the faults; STAGES_OF says where each may strike.
FAULTS = {
    "stall": 10,            # says nothing more until the client goes
    "reset": 10,
    "close": 8,
    "soft": 16,             # 4yz
    "account": 12,          # refuses the account or the rate, mostly with 5yz: no fault of the message
    "closing": 6,           # 421
    "garbage": 4,           # a reply that is none
    "lost, taken": 7,       # the reply to the dot is lost; the relay has the message
    "lost, not taken": 6,   # the same, and it has not
    "late reply": 8,        # has the message, answers the dot late, but in time
    "slow": 8,              # every reply late
    "drip": 4,              # every reply one octet at a time
    "slow reader": 4,       # reads the content in small pieces
    "refuse": 2,            # resets, then refuses connections for a while
}
STAGES_OF = {
    "soft": WITH_REPLY, "closing": WITH_REPLY, "account": ("mail", "rcpt", "data", "dot"),
    "garbage": ("greeting", "ehlo", "mail", "rcpt", "data"), "refuse": ("greeting",),
}
SOFT = {
    "greeting": "450 4.3.2 too busy", "ehlo": "451 4.3.0 not now", "mail": "451 4.3.0 local error",
    "rcpt": "450 4.2.1 greylisted for a moment", "data": "451 4.3.0 no room for data", "dot": "452 4.3.1 out of space",
}
# Known to relaypipe from nobody's rules in particular, see `relaypipe classify`; each names a short rest, but for those
# about credentials, of which the configuration says that they last 2 s.
ACCOUNT = (
    "550 5.7.1 You have exceeded your daily sending limit, try again in 2 seconds",
    "554 5.7.1 Daily message quota exceeded, try again in 2 seconds",
    "554 5.7.0 Your account has been suspended, try again in 2 seconds",
    "450 4.7.1 Too many messages, slow down, try again in 1 second",
    "535 5.7.8 Authentication credentials invalid",
    "530 5.7.0 Authentication required",
)
GARBAGE = ("\x00\x01\x02", "hello?", "2500 ok", "25", "x" * 3000)
LOST = ("reset", "close", "stall", "half a reply")


@dataclass(frozen=True)
class Fault:
    kind: str = ""           # empty: a good session
    stage: str = ""
    reply: str = ""
    seconds: float = 0       # of one delay, of refusing
    how: str = ""            # of a lost reply
    pipelining: bool = True


def draw(seed: str, relay: str, session: int, badness: float) -> Fault:
    """`badness` is the share of sessions in which something is wrong."""
    rng = random.Random(f"{seed} {relay} {session}")
    pipelining = rng.random() < 0.8
    if rng.random() >= badness:
        return Fault(pipelining=pipelining)
    kind = rng.choices(list(FAULTS), list(FAULTS.values()))[0]
    stage = rng.choice(STAGES_OF.get(kind, BEFORE_DOT))
    if kind in ("lost, taken", "lost, not taken", "late reply"):
        stage = "dot"
    reply = {"soft": SOFT.get(stage, ""), "account": rng.choice(ACCOUNT), "closing": "421 4.3.2 closing down",
             "garbage": rng.choice(GARBAGE)}.get(kind, "")
    seconds = {"slow": rng.uniform(0.02, 0.3), "drip": 0.002, "slow reader": rng.uniform(0.005, 0.03),
               "late reply": rng.uniform(0.2, 2.5), "refuse": rng.uniform(0.3, 2.5)}.get(kind, 0)
    return Fault(kind, stage, reply, seconds, rng.choice(LOST), pipelining)

"""What the HTTPS interface of a chaos run does wrong on a connection: the faults of relay_faults.py, as HTTP knows them."""

from __future__ import annotations

import json
import random

from relay_faults import Fault
from support.https_requests import answer

STAGES = ("connect", "tls", "head", "body")
WITH_ANSWER = ("head", "answer")

# Kind and share among the faults; STAGES_OF says where each may strike.
FAULTS = {
    "stall": 10,            # says nothing more until the client goes
    "reset": 10,
    "close": 8,
    "soft": 14,             # an answer that says: not now
    "account": 12,          # refuses the account or the rate, with 4xx as all such: no fault of the message
    "closing": 5,           # takes the message, and the connection takes no other request
    "garbage": 4,           # an answer that is none
    "lost, taken": 8,       # the answer is lost; the relay has the message
    "lost, not taken": 7,   # the same, and it has not
    "late reply": 8,        # has the message, answers late, but in time
    "slow": 6,              # every answer late
    "drip": 4,              # every answer one octet at a time
    "slow reader": 4,       # reads the message in small pieces
    "refuse": 2,            # resets, then refuses connections for a while
    "die": 3,               # as if it were killed: resets all its connections, and comes back after a while
}
STAGES_OF = {
    "soft": WITH_ANSWER, "account": ("answer",), "garbage": ("answer",), "closing": ("answer",), "refuse": ("connect",),
    "die": (*STAGES, "answer"), "lost, taken": ("answer",), "lost, not taken": ("answer",), "late reply": ("answer",),
}


def refusal(status: int, word: str, text: str, *head: str) -> str:
    field = [f"x-amzn-ErrorType: {word}"] if word else []
    return answer(status, json.dumps({"message": text}).encode(), *field, *head).decode()


SOFT = (
    refusal(500, "InternalServerErrorException", "internal"), refusal(503, "", "Service Unavailable"),
    refusal(400, "ThrottlingException", "Rate exceeded", "Retry-After: 1"), answer(502, b"<html>bad gateway</html>").decode(),
)
# Each names a short rest, but for the key that is unknown, of which the configuration says that it lasts 2 s.
ACCOUNT = (
    refusal(429, "TooManyRequestsException", "Maximum sending rate exceeded.", "Retry-After: 1"),
    refusal(429, "TooManyRequestsException", "Daily message quota exceeded.", "Retry-After: 2"),
    refusal(400, "AccountSuspendedException", "Account suspended, try again in 2 seconds"),
    refusal(403, "ExpiredTokenException", "The security token included in the request is expired", "Retry-After: 2"),
    refusal(403, "UnrecognizedClientException", "The security token included in the request is invalid."),
)
GARBAGE = ("\x00\x01\x02\r\n\r\n", "220 hello\r\n", "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "x" * 70_000,
           answer(504, b"<html>gateway timeout</html>").decode(), answer(200, b"{}").decode())
LOST = ("reset", "close", "stall", "half an answer")


def draw(seed: str, relay: str, connection: int, badness: float) -> Fault:
    """`badness` is the share of connections on which something is wrong."""
    rng = random.Random(f"{seed} {relay} {connection}")
    if rng.random() >= badness:
        return Fault()
    kind = rng.choices(list(FAULTS), list(FAULTS.values()))[0]
    stage = rng.choice(STAGES_OF.get(kind, STAGES))
    reply = {"soft": rng.choice(SOFT), "account": rng.choice(ACCOUNT), "garbage": rng.choice(GARBAGE)}.get(kind, "")
    seconds = {"slow": rng.uniform(0.02, 0.3), "drip": 0.001, "slow reader": rng.uniform(0.005, 0.03),
               "late reply": rng.uniform(0.2, 2.5), "refuse": rng.uniform(0.3, 2.5), "die": rng.uniform(0.3, 2.5)}.get(kind, 0)
    return Fault(kind, stage, reply, seconds, rng.choice(LOST))

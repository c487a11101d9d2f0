"""A relay that counts: who dialled when, how many sessions there were at a time, what was accepted and when.

It is the scripted relay in threads of the test, so that a test can change how it behaves, and ask what it saw, while
deliveries run.
"""

from __future__ import annotations

import collections
import functools
import socket
import threading
import time
from dataclasses import dataclass, field
from typing import Any, Callable, Counter, Optional

from support.clients import clients_of
from support.scripted_relay.journal import Journal
from support.scripted_relay.script import Script, parse_script
from support.scripted_relay.session import Session as Dialogue
from support.scripted_relay.stream import Switch

PATIENCE = 60.0
STAGES = ("greeting", "ehlo", "mail", "rcpt", "data", "dot", "quit")
parsed = functools.lru_cache(maxsize=64)(parse_script)


def in_ms(seconds: float) -> str:
    return f"{round(1000 * seconds)}ms"


@dataclass
class Session:
    """One connection. Times are time.monotonic()."""

    began: float
    ended: float = 0.0    # 0 while it lasts
    accepted: list[float] = field(default_factory=list)


@dataclass
class Behaviour:
    """How the relay behaves towards whoever dials from now on."""

    greets: bool = True         # False: a tarpit, which accepts connections and says nothing
    resets: bool = False        # RST right after the handshake, as a firewall may do
    greeting: str = "220 counting.example ESMTP"
    reply_delay: float = 0.0    # before every reply
    dot: str = "250 2.0.0 Ok: queued"
    dot_lost: bool = False      # the connection is reset in place of the reply to the dot, although the message is kept
    greeting_delay: float = 0.0
    swallows: int = 0           # so many connections are accepted and hear nothing, the next ones are greeted
    # Recipients whose message it breaks off at the dot with a 421 or, where `dot_lost` is set too, with a reset; it keeps
    # neither.
    breaks_for: set[str] = field(default_factory=set)
    denied_domains: set[str] = field(default_factory=set)    # recipients there: "Relay access denied"
    # Recipients whose message is kept in silence, with no reply to its dot: it lasts until the client is gone.
    silent_for: set[str] = field(default_factory=set)

    def keeps(self, recipients: list[str]) -> bool:
        """Whether a message to these is kept, whatever is said of it."""
        return self.dot.startswith("2") and not self.breaks_for.intersection(recipients)

    def dialogue(self, swallowed: bool, recipients: list[str]) -> Script:
        """What it says now of these recipients, to somebody whose connection was swallowed or was not."""
        actions = dict.fromkeys(STAGES, "default")
        actions["greeting"] = f"delay {in_ms(self.greeting_delay)} ; reply {self.greeting}"
        if self.resets:
            actions["greeting"] = "reset"
        elif swallowed or not self.greets:
            actions["greeting"] = f"hold ; {actions['greeting']}"
        if self.denied_domains.intersection(one.partition("@")[2] for one in recipients):
            actions["rcpt"] = f"reply 554 5.7.1 <{recipients[0]}>: Relay access denied"
        actions["dot"] = f"reply {self.dot}"
        if self.breaks_for.intersection(recipients):
            actions["dot"] = "reset" if self.dot_lost else "reply 421 4.3.2 this message and I part here ; close"
        elif self.dot_lost and not self.breaks_for:
            actions["dot"] = "reset"
        elif self.silent_for.intersection(recipients):
            actions["dot"] = "deaf"
        rules = "".join(f"on {stage}: delay {in_ms(self.reply_delay)} ; {does}\n" for stage, does in actions.items())
        return parsed(f"offer PIPELINING ENHANCEDSTATUSCODES 8BITMIME\n{rules}")


class CountingRelay:
    def __init__(self, behaviour: Optional[Behaviour] = None, port: int = 0) -> None:
        self.behaviour = behaviour or Behaviour()
        self.sessions: list[Session] = []
        self.recipients: Counter[str] = collections.Counter()    # of accepted messages
        self._stop, self._now_greets = Switch(), Switch()
        self._changed = threading.Condition()
        self._open: set[_Dialogue] = set()
        self._listener = socket.create_server(("127.0.0.1", port), backlog=512)
        self.port = self._listener.getsockname()[1]
        self.destination = f"[127.0.0.1]:{self.port}"
        self.name = f"127.0.0.1[127.0.0.1]:{self.port}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    # -- what a test asks -------------------------------------------------------------------------

    @property
    def accepted(self) -> list[float]:
        """When each message was accepted, oldest first."""
        with self._changed:
            return sorted(when for session in self.sessions for when in session.accepted)

    def taken(self) -> Counter[str]:
        """How often each recipient's message was accepted until now."""
        with self._changed:
            return self.recipients.copy()

    def peak(self) -> int:
        """The largest number of sessions at a time, each from its connection to its acceptance, or to its end."""
        with self._changed:
            ends = [min([s.ended or time.monotonic(), *s.accepted]) for s in self.sessions]
            steps = [(s.began, 1) for s in self.sessions] + [(end, -1) for end in ends]
        most = now = 0
        for _, step in sorted(steps):    # at the same moment the end counts first
            now += step
            most = max(most, now)
        return most

    def wait_for(self, condition: Callable[[CountingRelay], object], what: str) -> None:
        with self._changed:
            if not self._changed.wait_for(lambda: condition(self), PATIENCE):
                raise AssertionError(f"relay {self.port}: waited {PATIENCE:.0f} s in vain for {what}")

    def greet_now(self) -> None:
        """Greets whoever is waiting in the tarpit, and everybody from now on."""
        self.behaviour.greets = True
        self._now_greets.set()

    def stop(self) -> None:
        if self._listener.fileno() < 0:    # stopped already
            return
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()
        self._stop.set()
        with self._changed:
            for dialogue in self._open:
                dialogue.stream.abort()

    # -- what its dialogues tell ------------------------------------------------------------------

    def _serve(self) -> None:
        for sock, peer in clients_of(self._listener):
            with self._changed:
                session = Session(time.monotonic())
                self.sessions.append(session)
                swallowed = self.behaviour.swallows > 0
                self.behaviour.swallows -= swallowed
                dialogue = _Dialogue(self, session, swallowed, sock, f"{peer[0]}:{peer[1]}", len(self.sessions),
                                     self.behaviour.dialogue(swallowed, []), Journal(None, False), self._stop, self._now_greets)
                self._open.add(dialogue)
                self._changed.notify_all()
            threading.Thread(target=dialogue.run, daemon=True).start()

    def took(self, session: Session, recipients: list[str]) -> None:
        with self._changed:
            session.accepted.append(time.monotonic())
            self.recipients.update(recipients)
            self._changed.notify_all()

    def left(self, dialogue: _Dialogue) -> None:
        with self._changed:
            dialogue.session.ended = time.monotonic()
            self._open.discard(dialogue)
            self._changed.notify_all()


class _Dialogue(Dialogue):
    """One connection; at every stage it does what the behaviour says then."""

    def __init__(self, relay: CountingRelay, session: Session, swallowed: bool, *parts: Any) -> None:
        super().__init__(*parts)
        self.relay, self.session, self.swallowed = relay, session, swallowed

    def run(self) -> None:
        try:
            super().run()
        finally:
            self.relay.left(self)

    def perform(self, stage: str, default: bytes, address: Optional[str] = None, after: int = 0) -> None:
        behaviour = self.relay.behaviour
        recipients = [address or ""] if stage == "rcpt" else self.transaction.recipients if self.transaction else []
        self.script = behaviour.dialogue(self.swallowed, recipients)
        if stage == "dot" and recipients and behaviour.keeps(recipients):
            self.relay.took(self.session, recipients)
        super().perform(stage, default, address, after)

"""Says of a chaos run what was lost, changed, bounced and delivered twice, and why. Pure: evidence in, judgement out.

A COPY IS EXPLAINED, though Postfix tried again after it, by one of these:

    unconfirmed dot     the relay has the message and never answered the dot, or answered when relaypipe had stopped
                        waiting for it, which relaypipe must have said (in its log, or to Postfix)
    killed              relaypipe was killed, or its pipe(8) or lmtp(8) (by a kill or the stop of Postfix), after this
                        session had begun and before the next copy: between the acceptance and the moment Postfix noted it

What is said of a session holds for a transaction where the session is kept.

A relaypipe whose pipe(8) or lmtp(8) is gone must not send a dot any more: a dot that was read although the relay's 354 came
more than SLACK after the death of that, over a session that had begun before it, is a fault of its own. So is a copy that
was begun while the session of the one before it still stood: two deliveries of one message ran side by side. They know
of each other by the state directory, so that is counted apart where it was damaged at any time from the start of the
first process to the MAIL of the second.

Copies are in the order of their MAIL, not of their dots: a relay that reads slowly comes to the dot of a killed process
long after its successor has delivered. For the same reason a session ends when its process is killed, not when the relay
has read that far.

A process dies only by our kills, whatever is done to its state files.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field

from evidence import Copy, Evidence
from messages import REFUSED_CONTENT, REFUSED_RECIPIENT, WANTED, Message
from troubles import Trouble

SLACK = 1.0       # seconds that a loaded machine may take over what is done at once
NOTED = 0.4       # seconds that Postfix may take to note the end of a delivery
TICK = 0.05       # the kernel tells the start of a process in hundredths of a second
OVERLAP = 0.25    # less is the relay noticing late that the earlier client is gone
OWN_REFUSAL = {REFUSED_RECIPIENT: "5.1.1", REFUSED_CONTENT: "5.6.0"}
UNCONFIRMED, KILLED, STOPPED = "unconfirmed dot", "killed before Postfix knew", "Postfix stopped before it knew"


@dataclass
class Judgement:
    """Texts for people; `duplicates` counts further copies by explanation. What has to be empty, faults() says."""

    lost: list[str] = field(default_factory=list)
    left_in_queue: int = 0
    changed: list[str] = field(default_factory=list)
    bounced_wrongly: list[str] = field(default_factory=list)
    not_bounced: list[str] = field(default_factory=list)
    unexplained: list[str] = field(default_factory=list)
    side_by_side: list[str] = field(default_factory=list)
    side_by_side_unaware: list[str] = field(default_factory=list)    # while the state directory was damaged
    orphan_dots: list[str] = field(default_factory=list)
    own_deaths: list[str] = field(default_factory=list)
    delivered: int = 0
    refused: int = 0
    duplicates: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    duplicate_list: list[str] = field(default_factory=list)

    def faults(self, guard: bool) -> list[str]:
        """All that must not be. Without the guard of one delivery per message, two side by side are allowed."""
        found = {"lost": self.lost, "truncated or changed": self.changed,
                 "bounced without a refusal": self.bounced_wrongly, "refused but not bounced": self.not_bounced,
                 "unexplained copy": self.unexplained, "dot after the death of pipe(8)": self.orphan_dots,
                 "died by itself": self.own_deaths}
        if guard:
            found["delivered again while an earlier copy ran"] = self.side_by_side
        texts = [f"{what}: {each}" for what, list_ in found.items() for each in list_]
        return texts + ([f"{self.left_in_queue} messages are still in the queue"] if self.left_in_queue else [])


def judge(evidence: Evidence) -> Judgement:
    judgement = Judgement(left_in_queue=evidence.left_in_queue)
    by_recipient: dict[str, list[Copy]] = defaultdict(list)
    for copy in sorted(evidence.copies, key=lambda each: each.mail):
        for recipient in copy.recipients:
            by_recipient[recipient].append(copy)
    known = {}
    for message in evidence.messages:
        for recipient, mark in zip(message.recipients, message.marks):
            known[recipient] = message
            _judge_recipient(judgement, evidence, recipient, mark, by_recipient.get(recipient, []))
    for recipient, copies in by_recipient.items():
        for copy in copies:
            if changed := _change(known.get(recipient), recipient, copy):
                judgement.changed.append(f"{recipient} by {_name(copy)}: {changed}")
    _judge_spawn(judgement, evidence)
    if evidence.bare:
        judgement.changed.append(f"{evidence.bare} CR or LF on the wire that are no CRLF")
    return judgement


def _judge_recipient(judgement: Judgement, evidence: Evidence, recipient: str, mark: str, dots: list[Copy]) -> None:
    copies = [copy for copy in dots if copy.accepted]
    bounced = evidence.bounced.get(recipient)
    if mark == WANTED and bounced:
        judgement.bounced_wrongly.append(f"{recipient}: {bounced}")
    if mark != WANTED:
        if not bounced or OWN_REFUSAL[mark] not in bounced:
            judgement.not_bounced.append(f"{recipient}: {bounced or 'no word of it in the log'}")
        judgement.refused += 1
    elif copies:
        judgement.delivered += 1
    elif not evidence.left_in_queue or evidence.sent.get(recipient):
        logged = "; logged as sent" if evidence.sent.get(recipient) else ""
        judgement.lost.append(f"{recipient}: no relay has it{logged}")
    _judge_duplicates(judgement, evidence, recipient, copies)
    _judge_orphans(judgement, evidence, recipient, dots)
    _judge_deaths(judgement, evidence, recipient)


def _change(message: Message | None, recipient: str, copy: Copy) -> str:
    """What differs from the message; also of a copy that the relay did not accept: it might have."""
    if message is None:
        return "no such recipient was ever submitted"
    if copy.checksum != message.checksum:
        return f"content ({message.kind}) {copy.checksum[:12]}, not {message.checksum[:12]}"
    return "" if copy.sender == message.sender else f"sender {copy.sender!r}, not {message.sender!r}"


def _judge_duplicates(judgement: Judgement, evidence: Evidence, recipient: str, copies: list[Copy]) -> None:
    for copy, later in zip(copies, copies[1:]):
        explanation = UNCONFIRMED if copy.fault == "lost, taken" else ""
        if not explanation:
            explanation = _killed(evidence.troubles, recipient, copy, later)
        if not explanation and not copy.confirmed and (recipient, copy.relay) in evidence.unconfirmed:
            explanation = UNCONFIRMED
        text = f"{recipient}: {_name(copy)} at {copy.dot:.3f}, then {_name(later)} at {later.dot:.3f}"
        judgement.duplicates[explanation or "unexplained"] += 1
        judgement.duplicate_list.append(f"{text}: {explanation or 'unexplained'}")
        if not explanation:
            judgement.unexplained.append(text)
        started, ended = _life(evidence.troubles, recipient, copy)
        if later.mail < ended - OVERLAP:
            unaware = any(damaged < later.mail and started < repaired
                          for damaged, repaired in damages(evidence.troubles))
            list_ = judgement.side_by_side_unaware if unaware else judgement.side_by_side
            list_.append(f"{text}, before the first one ended at {ended:.3f}")


def _life(troubles: list[Trouble], recipient: str, copy: Copy) -> tuple[float, float]:
    """Since when the process of this copy ran, and until when its session stood, as far as troubles tell more of it
    than the relay knows. Its process is the one of this recipient that started last before the session."""
    own = [(victim.started, trouble) for trouble in troubles for victim in trouble.victims
           if recipient in victim.recipients and victim.started - TICK < copy.connected <= trouble.ended]
    started = max((each for each, _ in own), default=copy.connected)
    killed = [trouble.ended for each, trouble in own if trouble.kind == "kill relaypipe" and each == started]
    return started, min([copy.left, *killed])


def damages(troubles: list[Trouble]) -> list[tuple[float, float]]:
    """From when to when the state directory was damaged; one damage may follow the other without a repair."""
    found: list[tuple[float, float]] = []
    begun = math.inf
    for trouble in troubles:
        if trouble.kind == "damage state":
            begun = min(begun, trouble.begun)
        elif trouble.kind == "state repaired" and begun < math.inf:
            found.append((begun, trouble.ended))
            begun = math.inf
    return found


def _name(copy: Copy) -> str:
    return f"relay {copy.relay} session {copy.session} ({copy.fault or 'good'})"


def _killed(troubles: list[Trouble], recipient: str, copy: Copy, later: Copy) -> str:
    """The dot may be read after the kill, when the relay is slow: what counts is that the session was that process's.
    A stop kills every pipe(8) at some moment of it, and deliveries begin and end until then."""
    for trouble in troubles:
        if not copy.connected < trouble.ended or not trouble.begun < later.mail:
            continue
        its_session = any(recipient in victim.recipients and victim.started - TICK < copy.connected
                          for victim in trouble.victims)
        if trouble.kind == "stop" and (its_session or trouble.begun - NOTED < copy.left):
            return STOPPED
        if its_session:
            return f"{KILLED}: {trouble.kind.removeprefix('kill ')}"
    return ""


def _judge_orphans(judgement: Judgement, evidence: Evidence, recipient: str, dots: list[Copy]) -> None:
    for trouble in evidence.troubles:
        if trouble.kind in ("kill pipe", "kill lmtp") and any(recipient in victim.recipients for victim in trouble.victims) \
                or trouble.kind == "stop":
            for dot in dots:
                if dot.connected < trouble.begun and dot.data > trouble.ended + SLACK:
                    judgement.orphan_dots.append(f"{recipient}: {_name(dot)}, 354 at {dot.data:.3f}, "
                                                 f"pipe(8) or lmtp(8) dead since {trouble.ended:.3f}")


def _judge_spawn(judgement: Judgement, evidence: Evidence) -> None:
    """spawn(8) knows a process and not what it delivers."""
    kills = sum(trouble.kind == "kill relaypipe" and bool(trouble.victims) for trouble in evidence.troubles)
    ours = evidence.spawn.count("killed by signal 9")
    judgement.own_deaths += [death for death in evidence.spawn if death != "killed by signal 9"]
    if evidence.spawn and ours > kills:
        judgement.own_deaths.append(f"{ours} processes killed by signal 9, {kills} of them by this run")


def _judge_deaths(judgement: Judgement, evidence: Evidence, recipient: str) -> None:
    """Postfix tells of every death; those with signal 9 have to be ours."""
    kills = sum(trouble.kind == "kill relaypipe" and recipient in victim.recipients
                for trouble in evidence.troubles for victim in trouble.victims)
    for death in evidence.deaths.get(recipient, []):
        text = f"{recipient}: {death.what}"
        if death.what == "died with signal 9" and kills:
            kills -= 1
        else:
            judgement.own_deaths.append(text)

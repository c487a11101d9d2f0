"""The figures of a chaos run, for people and as JSON."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

from chaos_run import Options, Result


def figures(options: Options, result: Result) -> dict[str, Any]:
    evidence, judgement = result.evidence, result.judgement
    troubles = Counter(each.kind for each in evidence.troubles if each.victims or not each.kind.startswith("kill"))
    return {
        "seed": options.seed, "seconds": round(result.seconds, 1),
        "messages": len(evidence.messages), "recipients": sum(len(each.recipients) for each in evidence.messages),
        "octets": result.octets, "null senders": sum(not each.sender for each in evidence.messages),
        "relay sessions": evidence.sessions,
        "messages taken by": dict(sorted(Counter(each.relay for each in evidence.copies if each.accepted).items())),
        "faults": dict(sorted(evidence.faults.items())),
        "troubles": dict(sorted(troubles.items())), "deferrals": evidence.deferred,
        "delivered": judgement.delivered, "refused by its own fault and bounced": judgement.refused,
        "lost": len(judgement.lost), "left in the queue": judgement.left_in_queue,
        "truncated or changed": len(judgement.changed),
        "bounced without a refusal": len(judgement.bounced_wrongly),
        "refused but not bounced": len(judgement.not_bounced),
        "further copies": dict(sorted(judgement.duplicates.items())),
        "unexplained copies": len(judgement.unexplained),
        "delivered again while an earlier copy ran": len(judgement.side_by_side),
        "the same, state directory damaged": len(judgement.side_by_side_unaware),
        "dots after the death of pipe(8)": len(judgement.orphan_dots),
        "relaypipe died by itself": len(judgement.own_deaths),
    }


def table(found: dict[str, Any]) -> str:
    lines = []
    for name, value in found.items():
        if isinstance(value, dict):
            lines.append(f"{name:42} {sum(value.values()):>12,}")
            lines += [f"    {key:38} {count:>12,}" for key, count in value.items()]
        else:
            lines.append(f"{name:42} {value if isinstance(value, str) else f'{value:,}':>12}")
    return "\n".join(lines)


def details(result: Result) -> str:
    """For reading after a failure: the troubles and the copies, with their times as the journals have them."""
    troubles = [f"{time.strftime('%H:%M:%S', time.localtime(each.begun))} {each.begun:.3f}-{each.ended:.3f} "
                f"{each.kind} {each.detail} {[(v.pid, *v.recipients) for v in each.victims]}"
                for each in result.evidence.troubles]
    return "\n".join(["troubles:", *troubles, "further copies:", *result.judgement.duplicate_list])

"""What relaypipe costs, beside what a user would take instead: msmtp, curl, a shell loop of msmtp, native smtp(8).

Usage: bench [--binary [NAME=]PATH]... [--quick] [--readme] [--json FILE] [PART]...

  delivery      one delivery, plain and with STARTTLS and AUTH PLAIN: CPU and wall time, all programs in turns
  instructions  the same as callgrind counts it (needs valgrind)
  queue         a full queue of a real Postfix, drained through every program
  dead          the same with a first relay that refuses, is a black hole, is silent, or falls silent
  large         one message of 25 MiB: CPU, wall time, peak memory
  distance      one message over 50 ms of network, a wire between two network namespaces: time and round trips
  distance_postfix  the same to a Postfix, beside smtp(8)
  lmtp          a full queue by lmtp(8) and `relaypipe lmtp`, beside smtp(8) and pipe(8)
  lmtp_long    the same with five times as many messages, without pipe(8)
  lmtp_distance    the same over 50 ms of network, with STARTTLS and AUTH PLAIN; and one at a time
  lmtp_recipients  one message to 50 recipients, and to one
  lmtp_dead     a first relay that is a black hole or silent, by LMTP: 100 messages, and a full queue

Without a PART all of them are measured, which takes some twenty minutes on two cores. The bare program sends one
message by the same libcurl and does nothing else; /bin/true does nothing at all. Several binaries stand in the same
tables. The relay is bench_relay, which accepts and counts; everything is on one machine, so programs get what the relay
and Postfix leave of it. Needs root, for a Postfix and networks of its own. The exit status is 1 when an aim is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import signal
import sys
from pathlib import Path
from typing import Callable

import deliveries
import distance
import large
import lmtp
import queues
from programs import Binary, snapshot
from stage import Stage, check_tools, stage
from support import figures
from support.installed import REPOSITORY
from support.postfix import queue_template
from tables import Findings, machine


README = Path(__file__).resolve().parent / "README.md"

Part = Callable[[Stage, list[Binary]], Findings]


def binary_of(text: str) -> Binary:
    name, _, path = text.rpartition("=")
    found = Path(path).absolute()
    if not os.access(found, os.X_OK):
        raise argparse.ArgumentTypeError(f"{path} is not a program")
    beside = (found.parent / "bench_bare").exists()
    return Binary(name or path, found, found.parent if beside else REPOSITORY / "build")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
                                     usage=argparse.SUPPRESS)
    parser.add_argument("--binary", type=binary_of, dest="binaries", action="append", metavar="[NAME=]PATH",
                        help="a relaypipe (relaypipe=build/relaypipe); its build has bench_bare beside it, or that of\n"
                             "build is taken")
    parser.add_argument("--quick", action="store_true", help="small numbers, to see that it works: some minutes")
    parser.add_argument("--count", type=int, help="deliveries by each program (100)")
    parser.add_argument("--messages", type=int, help="in a queue (1000, with TLS 300)")
    parser.add_argument("--rounds", type=int, help="runs of which medians are taken (3)")
    parser.add_argument("--readme", action="store_true", help="write the tables into README.md of this directory")
    parser.add_argument("--json", type=Path, help="write tables and aims to this file too")
    parser.add_argument("parts", nargs="*", metavar="PART")
    arguments = parser.parse_args()
    if not arguments.binaries:
        arguments.binaries = [binary_of(f"relaypipe={REPOSITORY / 'build' / 'relaypipe'}")]
    arguments.count = arguments.count or (5 if arguments.quick else 100)
    arguments.rounds = arguments.rounds or (1 if arguments.quick else 3)
    if os.geteuid() != 0:
        parser.error("only root may make networks and start a Postfix")
    check_tools(*(binary.bare for binary in arguments.binaries))
    return arguments


def parts_of(arguments: argparse.Namespace) -> dict[str, Part]:
    """Each wants the stage and the binaries."""
    rounds = arguments.rounds
    plain = arguments.messages or (100 if arguments.quick else 1000)
    secure = min(plain, 300)
    messages = dict(zip(deliveries.KINDS, (plain, secure)))
    return {
        "delivery": lambda place, binaries: deliveries.measure(place, binaries, arguments.count),
        "instructions": lambda place, binaries: deliveries.count_instructions(place, binaries),
        "queue": lambda place, binaries: queues.drain_rates(place, binaries, messages, rounds),
        "dead": lambda place, binaries: queues.dead_first(place, binaries, plain, rounds),
        "large": lambda place, binaries: large.measure(place, binaries, 25, rounds),
        "distance": lambda place, binaries: distance.measure(place, binaries, rounds),
        "distance_postfix": lambda place, binaries: distance.to_postfix(place, binaries, 3 * rounds),
        "lmtp": lambda place, binaries: lmtp.queues(place, binaries, messages, rounds),
        "lmtp_long": lambda place, binaries: lmtp.long_queues(place, binaries, messages, rounds),
        "lmtp_distance": lambda place, binaries: lmtp.distant(place, binaries, min(plain, 100), rounds),
        "lmtp_recipients": lambda place, binaries: lmtp.many_recipients(place, binaries, 3 * rounds),
        "lmtp_dead": lambda place, binaries: queues.lmtp_dead_first(place, binaries, min(plain, 100), plain, rounds),
    }


def main() -> int:
    arguments = parse_arguments()
    parts = parts_of(arguments)
    if unknown := set(arguments.parts) - set(parts):
        sys.exit(f"no part {', '.join(sorted(unknown))}; there are {', '.join(parts)}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))    # an exception, so that every server ends
    findings = Findings()
    print("\n".join(machine()) + "\n", flush=True)
    command = shlex.join(["python3", "-B", "test", "bench/bench", *sys.argv[1:]])
    with queue_template(), stage(arguments.binaries[0].build) as place:
        binaries = [snapshot(binary, place) for binary in arguments.binaries]
        for name in arguments.parts or parts:
            found = parts[name](place, binaries)
            print("\n".join(str(table) for table in found.tables), flush=True)
            findings.add(found)
            if arguments.readme:
                figures.write(README, name, command, [*machine(), "", *map(str, found.tables)])
    if findings.aims:
        print("Aims\n\n" + "\n".join(str(aim) for aim in findings.aims))
    if arguments.json:
        arguments.json.write_text(json.dumps(findings.as_data(), indent=2) + "\n")
    return 0 if all(aim.met for aim in findings.aims) else 1


if __name__ == "__main__":
    sys.exit(main())

"""A real Postfix with relaypipe, while everything around it fails: does mail get lost, changed, bounced or doubled?

Usage: test chaos/chaos [--lmtp] [--binary PATH] [--messages N] [--seed TEXT] [--limit SECONDS] [--no-guard] [--json]
             [--readme] [--keep DIRECTORY]     --lmtp: over lmtp(8) and `relaypipe lmtp` instead of pipe(8)

Three relays and an HTTPS interface misbehave in almost half of their sessions: they refuse connections, stall at any stage,
reset, answer 4yz or that the account has no quota left, lose the reply to the dot, are slow. Meanwhile relaypipe and pipe(8) are killed,
Postfix is reloaded, stopped and started, the state directory is damaged, the DNS server dies or hangs. Messages of all
kinds and sizes are submitted as fast as they leave. Then all is made good, and the queue has to run empty.

The same seed makes the same messages, faults and troubles; which process a kill strikes is up to the machine. It ends
with 0 when nothing was lost, changed, or bounced without a refusal of the recipient or the message, and when every
further copy is explained (judge.py). --no-guard allows that two deliveries of one message ran side by side after a
restart of Postfix. --keep leaves the log and the journals there. Needs root; everything runs in namespaces of its own.
"""

from __future__ import annotations

import argparse
import json
import shlex
import signal
import sys
import tempfile
from pathlib import Path

from chaos_run import Options, run
from report import details, figures, table
from support import figures as figures_file
from support.installed import REPOSITORY
from support.suite import snapshot

README = Path(__file__).resolve().parent / "README.md"


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
                                     usage=argparse.SUPPRESS)
    parser.add_argument("--lmtp", action="store_true")
    parser.add_argument("--binary", type=Path, default=REPOSITORY / "build" / "relaypipe", help="build/relaypipe")
    parser.add_argument("--messages", type=int, default=10_000, help="10000")
    parser.add_argument("--seed", default="1", help="1")
    parser.add_argument("--limit", type=float, default=3600, help="of each half, in seconds: 3600")
    parser.add_argument("--no-guard", action="store_true")
    parser.add_argument("--json", action="store_true", help="the figures as JSON")
    parser.add_argument("--readme", action="store_true", help="write the figures into README.md of this directory")
    parser.add_argument("--keep", type=Path)
    return parser.parse_args()


def main() -> int:
    arguments = parse_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory(prefix="relaypipe-chaos-") as place, \
            snapshot(arguments.binary.absolute()) as binary:
        options = Options(binary, arguments.messages, arguments.seed, arguments.limit,
                          by_lmtp=arguments.lmtp)
        result = run(options, Path(place), lambda text: print(text, file=sys.stderr, flush=True))
        if arguments.keep:
            arguments.keep.mkdir(parents=True, exist_ok=True)
            for path in Path(place).glob("journal-*"):
                (arguments.keep / path.name).write_bytes(path.read_bytes())
            (arguments.keep / "mail.log").write_text(result.log)
            (arguments.keep / "details").write_text(details(result) + "\n")
    found = figures(options, result)
    faults = result.judgement.faults(guard=not arguments.no_guard)
    if arguments.json:
        print(json.dumps({"command": shlex.join(sys.argv), **found, "passed": not faults}, indent=2))
    else:
        print(f"{shlex.join(sys.argv)}\n\n{table(found)}\n")
    if arguments.readme:
        name = "chaos-lmtp" if arguments.lmtp else "chaos"
        figures_file.write(README, name, shlex.join(["python3", "-B", "test", "chaos/chaos", *sys.argv[1:]]),
                           [table(found)])
    for each in faults:
        print(each, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

"""What a configuration file of 200 relays adds to one delivery, in instructions.

Usage: test chain/config_cost [--binary PATH] [--relays N] [--limit INSTRUCTIONS]

callgrind counts the instructions of two deliveries of the same message to the same relay: by a list without a file, and
by a chain of the file, whose first tier is that relay. The difference is reading, judging and planning. The aim is 2 ms
of CPU; 16.6 million instructions were 2.1 ms where both were measured, most of them toml++'s. More than the limit ends
with exit status 1, so that it cannot creep up; with libcurl built in it comes out 0.2 million higher. Needs valgrind.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from support import callgrind
from support.installed import REPOSITORY
from support.machine import SyslogSocket
from support.smtp_sink import SmtpSink

MESSAGE = b"From: sender@sender.example\nTo: user@example.com\nSubject: cost of a file\n\nHello.\n"
LIMIT = 18_200_000
PER_CHAIN = 20


def relay_section(number: int, destination: str) -> str:
    return (f'[relay.relay{number}]\ndestination = "{destination}"\ntls = "may"\nweight = {number % 5 + 1}\n'
            f'max_size = "25M"\nsenders = ["@sender.example", "@customer{number}.example", "<>"]\n'
            f'connect_timeout = "10s"\n\n')


def configuration(count: int, first: str) -> str:
    """The relays, and a chain for every twenty of them, two to a tier; the first relay is alone in its tier."""
    text = '[defaults]\nhostname = "client.example"\n\n'
    text += "".join(relay_section(n, first if n == 0 else f"[relay{n}.example.net]:587") for n in range(count))
    for begin in range(0, count, PER_CHAIN):
        names = [f"relay{n}" for n in range(begin, min(begin + PER_CHAIN, count))]
        tiers = [names[:1]] + [names[i:i + 2] for i in range(1, len(names), 2)]
        text += f"[chain.chain{begin // PER_CHAIN}]\ntiers = {tiers}\n\n".replace("'", '"')
    return text


def instructions(binary: Path, arguments: list[str], syslog: Path) -> int:
    command = [*callgrind.COMMAND, str(binary), *arguments, "-o", f"syslog_socket={syslog}", "-o", "patience=60s",
               "-f", "sender@sender.example", "--", "user@example.com"]
    # As pipe(8) runs it: root would read the file twice, first to find out whom to become.
    user = {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.getuid() == 0 else {}
    done = subprocess.run(command, input=MESSAGE, capture_output=True, **user)
    found = callgrind.instructions(done.stderr)
    if done.returncode != 0 or found is None or b": 250 " not in done.stdout:
        said = (done.stdout + done.stderr[-500:]).decode(errors="replace")
        raise SystemExit(f"no delivery, status {done.returncode}: {said}")
    return found


def measure(binary: Path, relays: int) -> tuple[int, int]:
    """With the list, and with the file."""
    with tempfile.TemporaryDirectory(prefix="relaypipe-cost-") as directory:
        Path(directory).chmod(0o755)
        relay = SmtpSink(keep=False)
        syslog = SyslogSocket(Path(directory) / "syslog", Path("/dev/null"))
        try:
            nexthop = f"[127.0.0.1]:{relay.port}"
            file = Path(directory) / "relaypipe.toml"
            file.write_text(configuration(relays, nexthop))
            file.chmod(0o644)
            socket = Path(directory) / "syslog"
            socket.chmod(0o666)
            without = instructions(binary, ["--nexthop", nexthop, "-o", "hostname=client.example"], socket)
            return without, instructions(binary, ["--config", str(file), "--nexthop", "chain0"], socket)
        finally:
            syslog.close()
            relay.stop()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", type=Path, default=REPOSITORY / "build" / "relaypipe")
    parser.add_argument("--relays", type=int, default=200)
    parser.add_argument("--limit", type=int, default=LIMIT)
    arguments = parser.parse_args()
    if not shutil.which("valgrind"):
        parser.error("valgrind is not installed")
    without, with_file = measure(arguments.binary.absolute(), arguments.relays)
    added = with_file - without
    print(f"instructions of one delivery (callgrind)\n"
          f"{'by a list, no file':32}{without:>14,}\n"
          f"{f'by a file of {arguments.relays} relays':32}{with_file:>14,}\n"
          f"{'the file':32}{added:>14,}   (limit {arguments.limit:,})")
    return 1 if added > arguments.limit else 0


if __name__ == "__main__":
    sys.exit(main())

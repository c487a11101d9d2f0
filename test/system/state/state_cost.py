"""What remembering adds to one delivery: in instructions, in CPU time, and in system calls.

Usage: test state/state_cost [--binary PATH] [--relays N] [--limit INSTRUCTIONS] [--count N]

The state file has a record of each of 50 relays. One delivery reads what is known of its relay and of its message, and
records that the relay was ready and took the message. The same is done with state = no, and the difference is shown:
callgrind's instructions, of which more than the limit ends with exit status 1, and with --count N the medians of CPU
time (user and system, wait4) of N deliveries each, which take turns. strace lists the system calls on files of the
state directory; one that waits for a disk ends with exit status 1. Needs valgrind and strace. The aim is 0.3 ms of CPU,
kernel included.
"""

from __future__ import annotations

import argparse
import collections
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Counter

from support import callgrind
from support.installed import REPOSITORY
from support.machine import SyslogSocket
from support.smtp_sink import SmtpSink

MESSAGE = b"From: sender@sender.example\nTo: user@example.com\nSubject: cost of memory\n\nHello.\n"
LIMIT = 510_000    # SQLite's own: 480,000 when this was written, two thirds of it to open two files and read their schemas
FLUSHES = ("fsync", "fdatasync", "msync", "sync", "syncfs", "sync_file_range")


class Bench:
    def __init__(self, binary: Path, directory: Path, relay: SmtpSink) -> None:
        self.binary, self.directory, self.relay = binary, directory, relay
        self.state = directory / "state"
        self.state.mkdir()
        self._number = 0
        # As pipe(8) runs it: root would hand every file to the owner of the directory.
        self.user: dict[str, object] = {}
        if os.getuid() == 0:
            self.user = {"user": "nobody", "group": "nogroup", "extra_groups": []}
            directory.chmod(0o777)
            shutil.chown(self.state, "nobody", "nogroup")

    def arguments(self, memory: str, nexthop: str = "") -> list[str]:
        self._number += 1
        return [str(self.binary), "--nexthop", nexthop or f"[127.0.0.1]:{self.relay.port}", "-o", f"state={memory}",
                "-o", f"state_directory={self.state}", "-o", f"syslog_socket={self.directory}/syslog",
                "-o", "hostname=client.example", "-o", "patience=60s", "--queue-id", f"QUEUE{self._number}",
                "-f", "sender@sender.example", "--", "user@example.com"]

    def run(self, command: list[str]) -> bytes:
        done = subprocess.run(command, input=MESSAGE, capture_output=True, **self.user)
        if done.returncode != 0 or b": 250 " not in done.stdout:
            said = (done.stdout + done.stderr[-500:]).decode(errors="replace")
            raise SystemExit(f"no delivery, status {done.returncode}: {said}")
        return done.stderr

    def fill(self, relays: int) -> None:
        """One delivery past that many relays that refuse connections, then some to the one that is measured."""
        dead = [f"[127.0.0.1]:{port}" for port in range(101, 100 + relays)]    # nobody listens there
        self.run(self.arguments("yes", ",".join([*dead, f"[127.0.0.1]:{self.relay.port}"])))
        for _ in range(5):
            self.run(self.arguments("yes"))

    def instructions(self, memory: str) -> int:
        said = self.run([*callgrind.COMMAND, *self.arguments(memory)])
        found = callgrind.instructions(said)
        if found is None:
            raise SystemExit(said.decode(errors="replace"))
        return found

    def cpu(self, memory: str) -> float:
        """Milliseconds of the process, as the kernel counts them."""
        arguments = self.arguments(memory)
        with tempfile.TemporaryFile() as message, open(os.devnull, "wb") as nothing:
            message.write(MESSAGE)
            message.seek(0)
            actions = [(os.POSIX_SPAWN_DUP2, message.fileno(), 0), (os.POSIX_SPAWN_DUP2, nothing.fileno(), 1)]
            pid = os.posix_spawn(arguments[0], arguments, os.environ, file_actions=actions)
            usage = os.wait4(pid, 0)[2]
        return 1000 * (usage.ru_utime + usage.ru_stime)

    def system_calls(self, memory: str) -> Counter[str]:
        trace = self.directory / "trace"
        self.run(["strace", "-f", "-o", str(trace), *self.arguments(memory)])
        return collections.Counter(re.findall(r"^\d+ +(\w+)\(", trace.read_text(), re.MULTILINE))


def measure(bench: Bench, arguments: argparse.Namespace) -> int:
    bench.fill(arguments.relays)
    # The least of three: on a loaded machine replies come in pieces, and every piece is a turn of the loop.
    without, with_memory = (min(bench.instructions(memory) for _ in range(3)) for memory in ("no", "yes"))
    added = with_memory - without
    print(f"instructions: {without:,} without memory, {with_memory:,} with; "
          f"it adds {added:,} (limit {arguments.limit:,})")
    calls, plain = bench.system_calls("yes"), bench.system_calls("no")
    more = {name: calls[name] - plain[name] for name in calls if calls[name] > plain[name]}
    print(f"system calls it adds: {sum(more.values())}, " + ", ".join(f"{n} {c}" for n, c in sorted(more.items())))
    if arguments.count:
        times: dict[str, list[float]] = {"no": [], "yes": []}
        for _ in range(arguments.count):
            for memory, found in times.items():
                found.append(bench.cpu(memory))
        no, yes = (statistics.median(times[memory]) for memory in ("no", "yes"))
        print(f"CPU: {no:.2f} ms without memory, {yes:.2f} ms with; it adds {yes - no:.2f} ms (aim 0.3 ms)")
    flushed = [name for name in FLUSHES if calls[name]]
    print(f"waits for a disk: {', '.join(flushed) or 'none'}")
    return 1 if added > arguments.limit or flushed else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", type=Path, default=REPOSITORY / "build" / "relaypipe")
    parser.add_argument("--relays", type=int, default=50)
    parser.add_argument("--limit", type=int, default=LIMIT)
    parser.add_argument("--count", type=int, default=0)
    arguments = parser.parse_args()
    arguments.binary = arguments.binary.absolute()
    for tool in ("valgrind", "strace"):
        if not shutil.which(tool):
            parser.error(f"{tool} is not installed")
    with tempfile.TemporaryDirectory(prefix="relaypipe-cost-") as directory:
        relay = SmtpSink(keep=False)
        syslog = SyslogSocket(Path(directory) / "syslog", Path("/dev/null"))
        try:
            return measure(Bench(arguments.binary, Path(directory), relay), arguments)
        finally:
            syslog.close()
            relay.stop()


if __name__ == "__main__":
    sys.exit(main())

"""A real Postfix of its own in a temporary directory, for tests and for looking at.

Several labs can run side by side, and beside the machine's own Postfix: each has its own configuration, queue, data
directory, log file and loopback port. The master.cf entry and the main.cf lines of relaypipe are taken from
master.cf.example, so what the tests prove is what an administrator copies.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import smtplib
import subprocess
import tempfile
from pathlib import Path
from typing import Iterator, Mapping

from support.installed import REPOSITORY, copy_relaypipe
from support.machine import PATIENCE, SyslogSocket, free_port, process_state, processes, wait_until
from support.mail_log import Delivery, deliveries

EXAMPLE_ENTRY = REPOSITORY / "master.cf.example"
EXAMPLE_TRANSPORT = REPOSITORY / "transport.example"
EXAMPLE_PROGRAM = "argv=/usr/bin/relaypipe"
EXAMPLE_USER = "user=relaypipe"
UNPRIVILEGED_USER = "user=nobody:nogroup"

BASE_SERVICES = """\
127.0.0.1:{port} inet n - n - - smtpd
pickup    unix  n - n 60  1 pickup
cleanup   unix  n - n -   0 cleanup
qmgr      unix  n - n 300 1 qmgr
rewrite   unix  - - n -   - trivial-rewrite
bounce    unix  - - n -   0 bounce
defer     unix  - - n -   0 bounce
trace     unix  - - n -   0 bounce
proxymap  unix  - - n -   - proxymap
smtp      unix  - - n -   - smtp
relay     unix  - - n -   - smtp
showq     unix  n - n -   - showq
anvil     unix  - - n -   1 anvil
error     unix  - - n -   - error
retry     unix  - - n -   - error
discard   unix  - - n -   - discard
postlog   unix-dgram n - n - 1 postlogd
"""

# What lmtp(8) needs besides.
LMTP_SERVICES = """\
lmtp      unix  - - n -   - lmtp
scache    unix  - - n -   1 scache
verify    unix  - - n -   1 verify
"""

_queue_template: list[Path] = []


def replaced(text: str, edits: Mapping[str, str]) -> str:
    """The text with every edit made; an edit that finds nothing is a fault of the test or of the example."""
    for old, new in edits.items():
        if old not in text:
            raise ValueError(f"not found: {old!r}")
        text = text.replace(old, new)
    return text


def example_entry() -> str:
    """The entry of master.cf.example without the comments."""
    lines = EXAMPLE_ENTRY.read_text().splitlines(keepends=True)
    return "".join(line for line in lines if line.strip() and not line.startswith("#"))


def example_lmtp_entry() -> str:
    """The entry of master.cf.example for LMTP, which stands there behind "#"."""
    found = re.search(r"^#(relaypipe-lmtp unix .*\n)#(  user=.*\n)", EXAMPLE_ENTRY.read_text(), re.MULTILINE)
    if found is None:
        raise AssertionError("master.cf.example has no entry for LMTP")
    return found[1] + found[2]


def example_lmtp_parameters() -> dict[str, str]:
    """The main.cf lines that belong to it."""
    return dict(re.findall(r"^#\s+(lmtp_\w+) = (\S+)$", EXAMPLE_ENTRY.read_text(), re.MULTILINE))


def example_parameters() -> dict[str, str]:
    """The main.cf lines of relaypipe's own which master.cf.example shows in its comments."""
    found = re.findall(r"^#\s+(relaypipe_\w+) = (\S+)$", EXAMPLE_ENTRY.read_text(), re.MULTILINE)
    return dict(found)


def example_transport(edits: Mapping[str, str]) -> str:
    """The table of transport.example, with relays replaced."""
    return replaced(EXAMPLE_TRANSPORT.read_text(), edits)


class PostfixLab:
    """Use as a context manager: entering starts Postfix, leaving stops it and removes every trace.

    `lmtp` adds services for lmtp(8), by name the nexthop of each; `lmtp:unix:private/NAME` leads there.
    """

    def __init__(
        self,
        program: Path,
        transport: str,
        *,
        parameters: Mapping[str, str] | None = None,
        entry_edits: Mapping[str, str] | None = None,
        arguments: str = "",
        lmtp: Mapping[str, str] | None = None,
    ) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="relaypipe-postfix-"))
        self.config = self.directory / "etc"
        self.queue = self.directory / "queue"
        self.program = self.directory / "bin" / "relaypipe"
        self.log_file = self.directory / "log" / "mail.log"
        self.syslog_socket = self.directory / "log" / "syslog"
        self.state = self.directory / "state"
        self.port = 0
        self._original_program = program
        self._transport = transport
        self._parameters = dict(parameters or {})
        self._edits = dict(entry_edits or {})
        self._arguments = arguments
        self._lmtp = dict(lmtp or {})
        self._syslog: SyslogSocket | None = None

    def __enter__(self) -> PostfixLab:
        try:
            self._prepare()
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _prepare(self) -> None:
        self.directory.chmod(0o755)  # postfix and nobody must be able to pass through
        for path in (self.config, self.program.parent, self.directory / "data", self.log_file.parent, self.state):
            path.mkdir(mode=0o755)
        shutil.chown(self.state, *UNPRIVILEGED_USER.removeprefix("user=").split(":"))
        # A copy, because a checkout often lies below a home directory that the unprivileged user may not enter.
        copy_relaypipe(self._original_program, self.program)
        for path in (self.directory / "data", self.log_file.parent):
            shutil.chown(path, "postfix")
        self.log_file.touch()
        self._syslog = SyslogSocket(self.syslog_socket, self.log_file)
        self.port = free_port()
        main_cf = {**self._base_parameters(), **example_parameters(), **self._lmtp_parameters(), **self._parameters}
        self.write_config("main.cf", "".join(f"{name} = {value}\n" for name, value in main_cf.items()))
        self.write_config("master.cf", BASE_SERVICES.format(port=self.port) + self.entry() +
                          (LMTP_SERVICES + self.lmtp_entries() if self._lmtp else ""))
        self.write_config("transport", self._transport)
        self._make_queue()

    def write_config(self, name: str, text: str) -> None:
        """Writes a file of this instance's configuration directory.

        Every Postfix program reads a file again and again until it is two seconds old, so it is made to look older.
        """
        path = self.config / name
        path.write_text(text)
        os.utime(path, (0, 0))

    def entry(self) -> str:
        """The master.cf entry in use: the example with the program's path, the user and the test's edits.

        The log socket is an addition, so that a machine without syslog can run the tests; the state directory keeps
        them from knowing what others, and the machine's own relaypipe, have seen of relays.
        """
        edits = {EXAMPLE_PROGRAM: f"argv={self.program}", EXAMPLE_USER: UNPRIVILEGED_USER, **self._edits}
        return replaced(example_entry(), {**edits, "-f ${sender}": f"{self._added()}\n    -f ${{sender}}"})

    def _added(self) -> str:
        return " ".join(["-o", f"syslog_socket={self.syslog_socket}", "-o", f"state_directory={self.state}",
                         *self._arguments.split()])

    def lmtp_entries(self) -> str:
        """The entries that lmtp(8) delivers to, made of the example in the same way."""
        entry = replaced(example_lmtp_entry(), {
            EXAMPLE_USER: UNPRIVILEGED_USER, f"{EXAMPLE_PROGRAM} lmtp --nexthop":
            f"argv={self.program} lmtp\n    {self._added()}\n    --nexthop"})
        return "".join(replaced(entry, {"relaypipe-lmtp unix": f"{name} unix", "outbound\n": f"{nexthop}\n"})
                       for name, nexthop in self._lmtp.items())

    def _lmtp_parameters(self) -> dict[str, str]:
        if not self._lmtp:
            return {}
        kept = ",".join(f"private/{name}" for name in self._lmtp)
        return {**example_lmtp_parameters(), "lmtp_connection_cache_destinations": kept}

    def _base_parameters(self) -> dict[str, str]:
        return {
            "compatibility_level": "3.6",
            "myhostname": "lab.example",
            "mydestination": "",
            "mynetworks": "127.0.0.0/8",
            "inet_interfaces": "127.0.0.1",
            "inet_protocols": "ipv4",
            "smtpd_peername_lookup": "no",
            "smtpd_relay_restrictions": "permit_mynetworks, reject_unauth_destination",
            "queue_directory": str(self.queue),
            "data_directory": str(self.directory / "data"),
            "maillog_file": str(self.log_file),
            "maillog_file_prefixes": str(self.directory),
            "alias_maps": "",
            "local_recipient_maps": "",
            "transport_maps": f"texthash:{self.config}/transport",
            "default_transport": "discard:",  # bounces: the log tells enough of them
            "import_environment": "MAIL_CONFIG TZ LANG",
        }

    def _make_queue(self) -> None:
        """Postfix makes its queue directories itself, but takes 2 s to do so; inside queue_template() they are copied."""
        if _queue_template:
            self._run("cp", "-a", str(_queue_template[0]), str(self.queue))
            (self.queue / "quick-start").touch()  # tells "postfix start" that the directories were checked
            return
        self.queue.mkdir(mode=0o755)
        self._run("postfix", "-c", str(self.config), "check")

    def _run(self, *command: str, content: bytes = b"") -> str:
        environment = {"PATH": os.environ.get("PATH", "") + ":/usr/sbin:/sbin", "MAIL_CONFIG": str(self.config),
                       "TZ": "UTC"}
        done = subprocess.run(command, input=content, capture_output=True, env=environment)
        if done.returncode != 0:
            raise RuntimeError(f"{command} ended with {done.returncode}: {(done.stdout + done.stderr).decode()}")
        return done.stdout.decode(errors="replace")

    def command(self, name: str, *arguments: str) -> str:
        """Runs one of Postfix's own commands on this instance and returns what it printed."""
        return self._run(name, "-c", str(self.config), *arguments)

    def start(self) -> None:
        self.command("postfix", "start")

    def stop(self) -> None:
        self.command("postfix", "stop")

    def flush(self) -> None:
        """Asks for a delivery attempt of everything deferred, now."""
        self.command("postqueue", "-f")

    def close(self) -> None:
        if self.master_pid():
            try:
                self.stop()
            except RuntimeError:
                self._kill_master()
        if self._syslog:
            self._syslog.close()
            self._syslog = None
        shutil.rmtree(self.directory, ignore_errors=True)

    def master_pid(self) -> int:
        """The running master's pid, or 0. The pid file stays behind, so the process is looked at."""
        try:
            pid = int((self.queue / "pid" / "master.pid").read_text().split()[0])
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (OSError, IndexError, ValueError):
            return 0
        return pid if b"master" in command else 0

    def _kill_master(self) -> None:
        if pid := self.master_pid():
            os.killpg(pid, signal.SIGKILL)

    def daemons(self, name: str) -> list[int]:
        """Pids of this master's daemons of that name, such as "pipe"."""
        master = self.master_pid()
        return [pid for pid, parent, command in processes() if parent == master and command == name]

    def process_tree(self) -> str:
        """What runs below master(8), for the report of a failed test."""
        rows, tree = processes(), {self.master_pid()}
        for _ in range(3):
            tree |= {pid for pid, parent, _ in rows if parent in tree}
        return "".join(f"{pid} {process_state(pid)} {name}\n" for pid, _, name in rows if pid in tree)

    def submit(self, content: bytes, *recipients: str, sender: str = "sender@sender.example") -> str:
        """Hands a message to sendmail and returns its queue id."""
        seen = len(self.log())
        self.sendmail(content, *recipients, sender=sender)
        return self.queue_id_since(seen, "pickup")

    def sendmail(self, content: bytes, *recipients: str, sender: str) -> None:
        """The same, without a look at what comes of it; an empty sender is the null sender."""
        self._run("sendmail", "-i", "-f", sender, "--", *recipients, content=content)

    def submit_smtp(
        self, content: bytes, *recipients: str, sender: str = "sender@sender.example", helo: str = "client.example"
    ) -> str:
        """The same by SMTP; the content is given with LF line ends."""
        seen = len(self.log())
        with smtplib.SMTP("127.0.0.1", self.port, local_hostname=helo, timeout=PATIENCE) as client:
            client.sendmail(sender, list(recipients), content.replace(b"\n", b"\r\n"), mail_options=["BODY=8BITMIME"])
        return self.queue_id_since(seen)

    def queue_id_since(self, seen: int, daemon: str = "smtpd") -> str:
        """The first message that entered after the log had this length."""
        pattern = re.compile(rf"postfix/{daemon}\[\d+\]: ([0-9A-Za-z]+): (?:uid|client)=")
        found = wait_until(lambda: pattern.search(self.log()[seen:]), f"a queue id from {daemon}")
        return found.group(1)

    def log(self) -> str:
        return self.log_file.read_text(errors="replace")

    def log_of(self, queue_id: str) -> str:
        return "\n".join(line for line in self.log().splitlines() if f" {queue_id}: " in line)

    def wait_for_log(self, pattern: str) -> re.Match[str]:
        return wait_until(lambda: re.search(pattern, self.log()), f"{pattern!r} in the log")

    def deliveries(self, queue_id: str) -> list[Delivery]:
        """Postfix's own delivery lines (not relaypipe's) for the message, in order."""
        return [each for each in deliveries(self.log()) if each.queue_id == queue_id]

    def wait_for_delivery(self, queue_id: str, count: int = 1) -> Delivery:
        """Waits for the message's delivery line number `count` and returns it."""
        wait_until(lambda: len(self.deliveries(queue_id)) >= count, f"delivery {count} of {queue_id}")
        return self.deliveries(queue_id)[count - 1]

    def queued(self, queue_id: str) -> str:
        """The queue that holds the message: active, deferred, incoming, hold, corrupt, or nothing."""
        for name in ("active", "deferred", "incoming", "hold", "corrupt"):
            if any(path.name == queue_id for path in (self.queue / name).rglob("*")):
                return name
        return ""

    def wait_for_queue(self, queue_id: str, name: str) -> None:
        """Waits until the message is in that queue."""
        wait_until(lambda: self.queued(queue_id) == name, f"{queue_id} in queue {name!r}")

    def wait_for_removal(self, queue_id: str) -> None:
        """Waits until Postfix is done with the message. The queues cannot tell: they are not looked at all at once."""
        self.wait_for_log(f"{queue_id}: removed")


@contextlib.contextmanager
def queue_template() -> Iterator[None]:
    """Queue directories for all labs started inside, also by processes forked there."""
    with tempfile.TemporaryDirectory(prefix="relaypipe-queue-") as directory:
        lab = PostfixLab(Path("/bin/true"), "")
        try:
            lab._prepare()
            lab._run("cp", "-a", str(lab.queue), f"{directory}/queue")
        finally:
            lab.close()
        _queue_template.append(Path(directory) / "queue")
        try:
            yield
        finally:
            _queue_template.clear()

"""The world of a chaos run: Postfix with relaypipe, three bad relays and a bad HTTPS interface, a DNS server that can die; all
in namespaces."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, Iterator, Optional

from support import networks
from support.certificates import Authority
from support.dns import Dnsmasq
from support.https_requests import KEY_ID, REGION, SECRET_KEY
from support.machine import free_port
from support.postfix import PostfixLab

HERE = Path(__file__).resolve().parent
TESTS = HERE.parents[1]
NAMES = ("one", "two", "three")
API, API_HOST = "https", "api.test"
# Postfix tries again after seconds instead of minutes; rests after the death of pipe(8) likewise. What was submitted
# must reach the relays as it is, so no header is completed or rewritten. Queue ids are never used twice.
PARAMETERS = {
    "queue_run_delay": "2s", "minimal_backoff_time": "2s", "maximal_backoff_time": "4s", "service_throttle_time": "1s",
    "transport_retry_time": "1s", "in_flow_delay": "0", "enable_long_queue_ids": "yes",
    "local_header_rewrite_clients": "", "notify_classes": "", "message_size_limit": "20000000",
}
# A connection that is lost, as every kill and stop loses some, must not keep all messages from their one destination.
LMTP_PARAMETERS = {
    "lmtp_destination_concurrency_failed_cohort_limit": "0", "lmtp_initial_destination_concurrency": "20",
}
# Stalls cost little: everything is shorter than in real life, in the same order of lengths.
CONFIGURATION = """\
deadline = "25s"
patience = "300ms"
address_patience = "100ms"
dns_servers = ["{dns}"]
dns_timeout = "500ms"
spool_memory = "100k"
{global_keys}
[defaults]
resolve_limit = "1s"
stall_limit = "1s"
connect_timeout = "1s"
greeting_timeout = "2s"
helo_timeout = "2s"
mail_timeout = "2s"
rcpt_timeout = "2s"
data_init_timeout = "2s"
data_xfer_timeout = "3s"
data_done_timeout = "3s"
reply = [{{ code = "53x", means = "auth", until = "2s" }}, {{ code = "403", match = "invalid", means = "auth", until = "2s" }}]
{relay_keys}
[relay.one]
destination = "[127.0.0.1]:{one}"
weight = 3
[relay.two]
destination = "two.test:{two}"
[relay.three]
destination = "[three.test]:{three}"
[relay.https]
destination = "https:api.test:{https}"
provider = "ses"
region = "{region}"
password_file = "{secret}"
tls_ca_file = "{authority}"
weight = 3
[chain.chaos]
tiers = [["one", "two", "https"], ["three"]]
"""
# Settings of the shared memory, for the versions that have them.
GLOBAL_KEYS = {"duplicate_wait": "3s", "unconfirmed_hold": "10s", "max_wait": "1s"}
RELAY_KEYS = {"cool_down": "1s", "cool_down_max": "4s"}
# By LMTP a session has several messages, and few enough for many sessions: what is wrong, is wrong once in each.
SESSION_MESSAGES = "session_messages = 4\n"
ZONE = """
    mx-host=two.test,mx.two.test,10
    host-record=mx.two.test,127.0.0.1
    host-record=three.test,127.0.0.1
    host-record=api.test,127.0.0.1
"""
TRANSPORT = """\
chain.example relaypipe:chaos
list.example relaypipe:[three.test]:{three}, two.test:{two}, [127.0.0.1]:{one}
"""
LMTP_TRANSPORT = """\
chain.example lmtp:unix:private/relaypipe-lmtp
list.example lmtp:unix:private/list-lmtp
"""
LMTP_SERVICES = {"relaypipe-lmtp": "chaos", "list-lmtp": "[three.test]:{three},two.test:{two},[127.0.0.1]:{one}"}


class Dns:
    """dnsmasq on a port of its own, which can die, hang and return."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._server: Optional[Dnsmasq] = Dnsmasq(directory, ZONE)
        self.port, self.address = self._server.port, self._server.address

    def die(self) -> None:
        if self._server:
            self.restore()
            self._server.stop()
            self._server = None

    def hang(self) -> None:
        if self._server:
            self._signal(signal.SIGSTOP)

    def restore(self) -> None:
        if self._server:
            self._signal(signal.SIGCONT)
        else:
            self._server = Dnsmasq(self._directory, ZONE, port=self.port)

    stop = die

    def _signal(self, number: int) -> None:
        assert self._server and self._server._process
        self._server._process.send_signal(number)


class BadRelay:
    """bad_relay.py in a process of its own; with a certificate it is the HTTPS interface."""

    def __init__(self, name: str, directory: Path, seed: str, badness: float, pem: Optional[Path] = None) -> None:
        self.port = free_port()
        self.journal = directory / f"journal-{name}"
        command = [sys.executable, "-B", str(HERE / "bad_relay.py"), "--name", name, "--port", str(self.port), "--seed",
                   seed, "--badness", str(badness), "--journal", str(self.journal)]
        if pem:
            command += ["--pem", str(pem), "--host", API_HOST]
        self._errors = (directory / f"errors-{name}").open("w+")
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self._errors, text=True,
                                         env={**os.environ, "PYTHONPATH": str(TESTS)})
        assert self._process.stdout
        if self._process.stdout.readline() != "ready\n":
            raise RuntimeError(f"relay {name} did not start: {self.errors()}")

    def errors(self) -> str:
        self._errors.seek(0)
        return self._errors.read()

    def be_good(self) -> None:
        self._process.send_signal(signal.SIGUSR1)

    def stop(self) -> None:
        if self._process.poll() is None:
            self._process.terminate()
            self._process.wait()

    def sessions(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.journal.read_text().splitlines()]


class World:
    def __init__(self, binary: Path, directory: Path, seed: str, badness: float, by_lmtp: bool) -> None:
        self._stack = contextlib.ExitStack()
        try:
            self.dns = Dns(directory)
            self._stack.callback(self.dns.stop)
            self.relays = {}
            authority = Authority(directory / "authority")
            pem = authority.certificate(API_HOST)
            for name in (*NAMES, API):
                self.relays[name] = BadRelay(name, directory, seed, badness, pem if name == API else None)
                self._stack.callback(self.relays[name].stop)
            ports = {name: relay.port for name, relay in self.relays.items()}
            self.configuration = directory / "relaypipe.toml"
            keys = SESSION_MESSAGES if by_lmtp else ""
            self.configuration.write_text(configuration(binary, self.dns.address, ports, keys, authority=authority.file,
                                                        secret=secret_file(directory), region=REGION))
            self.configuration.chmod(0o644)
            services = {name: nexthop.format(**ports) for name, nexthop in LMTP_SERVICES.items()}
            self.lab = self._stack.enter_context(PostfixLab(
                binary, LMTP_TRANSPORT if by_lmtp else TRANSPORT.format(**ports),
                parameters={**PARAMETERS, **LMTP_PARAMETERS} if by_lmtp else PARAMETERS,
                arguments=f"--config {self.configuration}", lmtp=services if by_lmtp else None))
        except BaseException:
            self._stack.close()
            raise

    def close(self) -> None:
        self._stack.close()


def has_setting(binary: Path, key: str) -> bool:
    known = subprocess.run([binary, "--help"], capture_output=True, text=True, check=True).stdout
    return f"\n  {key} " in known


def secret_file(directory: Path) -> Path:
    """As the manual says: root's, for the group of the user of master.cf."""
    file = directory / "secret"
    file.write_text(f"AWS_ACCESS_KEY_ID={KEY_ID}\nAWS_SECRET_ACCESS_KEY={SECRET_KEY}\n")
    shutil.chown(file, "root", "nogroup")
    file.chmod(0o640)
    return file


def configuration(binary: Path, dns: str, ports: dict[str, int], relay_keys: str, **more: object) -> str:
    def lines(keys: dict[str, str]) -> str:
        return "".join(f'{key} = "{value}"\n' for key, value in keys.items() if has_setting(binary, key))

    return CONFIGURATION.format(dns=dns, global_keys=lines(GLOBAL_KEYS), relay_keys=lines(RELAY_KEYS) + relay_keys,
                                **ports, **more)


@contextlib.contextmanager
def world(binary: Path, directory: Path, seed: str, badness: float, by_lmtp: bool) -> Iterator[World]:
    """Leaves the machine's network and mounts for good, in this thread and all it starts."""
    networks.leave_machine()
    os.chmod(directory, 0o755)    # relaypipe's user has to read the configuration
    made = World(binary, directory, seed, badness, by_lmtp)
    try:
        yield made
    finally:
        made.close()

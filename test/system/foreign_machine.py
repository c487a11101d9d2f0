"""Runs the units, the demonstration of test/try and a sample of every suite on a machine that is set up for other things.

Usage: test foreign_machine [BUILD] [SUITE]...     BUILD is the folder of a finished build; default: build/ of this repository

There is a relaypipe on it, whose configuration insists on verified certificates and whose state directory is full of
something else; names are completed from a search list, LOCALDOMAIN and the domain of the host name; the environment
names other certificates, proxies, a Postfix and a locale that does not exist; the clock shows the time of Kathmandu.
Needs root. All of it is in namespaces, and the machine's own files stay as they are.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from support import private_machine
from support.installed import REPOSITORY
from support.suite import TESTS, folders

CONFIGURATION = """\
state_directory = "/var/lib/relaypipe"
dns_servers = ["192.0.2.53"]
hostname = "foreign.example.com"
[defaults]
tls = "verify"
patience = "1ms"
[relay.foreign]
destination = "[foreign.example.com]:25"
[chain.outbound]
tiers = [["foreign"]]
"""
FILES = {
    "/etc/relaypipe/relaypipe.toml": CONFIGURATION,
    "/etc/resolv.conf": "nameserver 192.0.2.53\nsearch default.svc.example.com example.com\noptions ndots:5 timeout:30\n",
    "/etc/hosts": "127.0.0.1 localhost foreign.example.com\n192.0.2.1 example.com example.org example.net\n",
}
ENVIRONMENT = {
    "LOCALDOMAIN": "example.com", "RES_OPTIONS": "ndots:9", "HOSTALIASES": "/etc/hosts", "TZ": "Asia/Kathmandu",
    "LC_ALL": "de_DE.UTF-8", "LANG": "de_DE.UTF-8", "LANGUAGE": "de", "MAIL_CONFIG": "/nonexistent", "HTTPS_PROXY":
    "http://192.0.2.1:3128", "ALL_PROXY": "http://192.0.2.1:3128", "SSL_CERT_FILE": "/nonexistent", "SSL_CERT_DIR":
    "/nonexistent", "CURL_CA_BUNDLE": "/nonexistent", "OPENSSL_CONF": "/nonexistent", "COLUMNS": "20",
}
# Some tests of each suite, such as are quick and would meet what is foreign here.
SAMPLE = {
    "bench": ["test_parts"],
    "chain": ["test_settings"],
    "chaos": ["test_judge"],
    "doctor": ["test_delivery"],
    "e2e": ["test_command_line", "test_log"],
    "fleet": ["test_facts", "test_servers*Tls*"],
    "https": ["test_ses.", "test_providers"],
    "lmtp": ["test_recipients", "test_probes", "test_dsn"],
    "matrix": ["test_contract"],
    "state": ["test_status"],
    "oauth": ["test_lookups*__search", "test_lookups*server*"],
    "postfix": ["test_verdicts"],
    "reach": ["test_absolute_names*__search", "test_dns_answers*RealServer*"],
    "tls": ["test_levels"],
}


def lay_over(directory: str) -> None:
    """What is written there from here on is in memory, and nobody else's."""
    upper = tempfile.mkdtemp(prefix="foreign-")
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", upper], check=True)
    for name in ("upper", "work"):
        Path(upper, name).mkdir(mode=0o755)
    options = f"lowerdir={directory},upperdir={upper}/upper,workdir={upper}/work"
    subprocess.run(["mount", "-t", "overlay", "overlay", "-o", options, directory], check=True)


def become_foreign() -> None:
    private_machine.leave_machine()
    lay_over("/etc")
    lay_over("/var/lib")
    for path, text in FILES.items():
        Path(path).parent.mkdir(exist_ok=True)
        Path(path).unlink(missing_ok=True)
        Path(path).write_text(text)
    state = Path("/var/lib/relaypipe")
    state.mkdir(exist_ok=True)
    (state / "state").mkdir(exist_ok=True)
    socket.sethostname("foreign.example.com")
    os.umask(0o077)
    os.environ.pop(private_machine.ENTERED, None)
    os.environ.update(ENVIRONMENT)


def commands(build: Path, suites: list[str]) -> dict[str, list[str]]:
    run, binary = [sys.executable, "-B", str(TESTS)], ["--binary", str(build / "relaypipe")]
    unit = [sys.executable, "-B", str(TESTS / "support/private_machine.py"), str(build / "relaypipe_unit")]
    found = {"unit": unit, "try": [*run, "postfix/show_delivery", *binary]}
    for suite, patterns in SAMPLE.items():
        chosen = [word for pattern in patterns for word in ("-k", pattern)]
        found[suite] = [*run, suite, *binary, *chosen]
    missing = set(folders()) - set(SAMPLE)
    if missing:
        sys.exit(f"no sample of {', '.join(sorted(missing))}: add one to SAMPLE")
    return {name: command for name, command in found.items() if not suites or name in suites}


def main() -> int:
    words = sys.argv[1:]
    if words[:1] in (["-h"], ["--help"]):
        print(__doc__)
        return 0
    if os.geteuid() != 0:
        sys.exit("only root can make another machine of this one")
    build = Path(words.pop(0) if words and "/" in words[0] else REPOSITORY / "build").resolve()
    become_foreign()
    failed = []
    for name, command in commands(build, words).items():
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, encoding="utf-8")
        print(f"{name}: {'passed' if done.returncode == 0 else 'FAILED'}", flush=True)
        if done.returncode != 0:
            print(done.stdout[-6000:] + done.stderr[-3000:], flush=True)
            failed.append(name)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

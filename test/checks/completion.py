"""Checks that bash completion offers what the program knows: its commands and options, every key of the table of keys, and the
names of a configuration.

Usage: test checks/completion [--binary PATH] [ROOT]     PATH is relaypipe (build/relaypipe), ROOT the directory of the repository
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from support.checks import read_arguments

LIMIT = 60.0    # seconds for one command; reached only when something hangs
# A key that one relay alone can have is none for -o.
KEY = re.compile(r'^\s*\{"(\w+)", (k(?:Global|Relay|Everywhere|OwnRelay)),', re.MULTILINE)
COMMAND = re.compile(r"^  relaypipe (\w+)", re.MULTILINE)
OPTION = re.compile(r"^  (-\S+)", re.MULTILINE)
CONFIGURATION = """\
[relay.ses]
destination = "https:"
provider = "ses"
region = "eu-west-1"
username = "AKIAEXAMPLE"
password_command = ["/bin/false"]
[relay.gateway]
destination = "[gateway.example.net]:587"
[chain.outbound]
tiers = [["ses"], ["gateway"]]
"""
COMPLETE = """\
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
_relaypipe
printf '%s\\n' "${COMPREPLY[@]}"
"""

binary: Path    # the program
root: Path      # the directory of the repository


def run(*words: object) -> str:
    return subprocess.run([binary, *map(str, words)], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT).stdout


class Completion(unittest.TestCase):
    def offered(self, *words: object) -> set[str]:
        """What stands behind these words when the last of them has been begun."""
        done = subprocess.run(["bash", "--norc", "--noprofile", "-c", COMPLETE, "bash", root / "src/install/relaypipe.bash", binary,
                               *map(str, words)], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return set(done.stdout.split())

    def commands(self) -> set[str]:
        found = set(COMMAND.findall(run("--help")))
        self.assertGreater(len(found), 10)
        return found

    def test_every_key_of_the_table(self) -> None:
        keys = KEY.findall((root / "src/config/setting_keys.cc").read_text())
        self.assertGreater(len(keys), 50)
        wanted = {f"{name}=" for name, scope in keys if scope != "kOwnRelay"}
        self.assertEqual(self.offered("-o", ""), wanted)
        self.assertEqual(self.offered("plan", "-o", "tls_m"), {name for name in wanted if name.startswith("tls_m")})

    def test_commands(self) -> None:
        self.assertEqual(self.offered(""), self.commands())
        self.assertEqual(self.offered("help", ""), self.commands())

    def test_options_of_every_command(self) -> None:
        for command in sorted(self.commands() - {"help"}):
            with self.subTest(command):
                options = run(command, "--help").partition("\nOptions:\n")[2].partition("\n\n")[0]
                wanted = {word for line in OPTION.findall(options) for word in line.split(",")}
                self.assertLessEqual(wanted, self.offered(command, "-"))

    def test_providers(self) -> None:
        wanted = {line.split()[0] for line in run("providers").splitlines()}
        self.assertIn("graph", wanted)
        self.assertEqual(self.offered("providers", ""), wanted)
        self.assertEqual(self.offered("classify", "--provider", ""), wanted)

    def test_stages(self) -> None:
        for stage in self.offered("classify", "--stage", ""):
            self.assertIn(stage, run("classify", "--stage", stage, "550 5.1.1 no"))

    def test_statuses_of_http(self) -> None:
        for status in self.offered("classify", "--http", ""):
            self.assertIn(status, run("classify", "--provider", "ses", "--http", status, "words"))

    def test_names_of_a_configuration(self) -> None:
        file = Path(self.enterContext(tempfile.TemporaryDirectory(prefix="relaypipe-completion-"))) / "relaypipe.toml"
        file.write_text(CONFIGURATION)
        relays, chains = {"ses", "gateway"}, {"outbound"}
        self.assertEqual(self.offered("status", "--config", file, ""), relays)
        self.assertEqual(self.offered("plan", "--config", file, "--nexthop", ""), chains)
        self.assertEqual(self.offered("classify", "--config", file, "--relay", ""), relays)
        self.assertEqual(self.offered("probe", "--config", file, ""), relays | chains)


def main() -> None:
    global binary, root
    binary, root = read_arguments(__doc__)
    unittest.main(argv=sys.argv[:1])


if __name__ == "__main__":
    main()

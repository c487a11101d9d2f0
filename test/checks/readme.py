"""Checks what README shows: its length, its TOML, its commands; the links of all Markdown files; and the synopses of the manual.

Usage: test checks/readme [--binary PATH] [ROOT]     PATH is relaypipe (build/relaypipe), ROOT the directory of the repository

Every `relaypipe ...` of README is run with the configuration that README shows, in a directory of its own; what would ask the
network or Postfix (probe, doctor, a delivery) is only read by the parser of the command line.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from support import figures
from support.checks import read_arguments

LINES = 200
KEY_PAIR = "AWS_ACCESS_KEY_ID=AKIAEXAMPLE\nAWS_SECRET_ACCESS_KEY=secret\n"
LIMIT = 60.0    # seconds for one command; reached only when something hangs
ETC = "/etc/relaypipe/"
USER = 65534    # the user that delivers, where root runs this
# What a command may end with that was understood: relaypipe(8), EXIT STATUS.
UNDERSTOOD = (0, 1)
ASKS_OTHERS = ("probe", "doctor")
# Named alone they want something to be about, or a relay that README's configuration has not: they are looked up only.
WANT_MORE = ("plan", "classify", "token", "help", "lmtp")
NO_CONFIGURATION = ("providers", "help")

FENCED = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"(?<!`)`(relaypipe(?: [^`]+)?)`(?!`)")
SCREEN = re.compile(r"^    # (relaypipe .*)$", re.MULTILINE)
LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)

binary: Path    # the program
root: Path      # the directory of the repository


def blocks(text: str, language: str) -> list[str]:
    return [content for word, content in FENCED.findall(text) if word == language]


def commands(text: str) -> list[list[str]]:
    """The words after `relaypipe`, of every command line that is shown."""
    shell = "\n".join(blocks(text, "sh")).replace("\\\n", " ")
    lines = [line for line in shell.splitlines() if line.startswith("relaypipe ")]
    lines += SCREEN.findall(text) + INLINE.findall(FENCED.sub("", text))
    found = [shlex.split(line.partition(" < ")[0], comments=True)[1:] for line in lines]
    return [words for n, words in enumerate(found) if words and words not in found[:n]]


def slug(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def broken_links(path: Path) -> list[str]:
    """A text between backquotes or in a fence is no link."""
    found = []
    text = re.sub(r"`[^`\n]*`", "", FENCED.sub("", path.read_text()))
    for target in LINK.findall(text):
        if re.match(r"\w+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = path.parent / name if name else path
        if not file.exists():
            found.append(f"{path.relative_to(root)}: {target}: no such file")
        elif anchor and anchor not in map(slug, HEADING.findall(file.read_text())):
            found.append(f"{path.relative_to(root)}: {target}: no such heading")
    return found


def markdown_files() -> list[Path]:
    return sorted(path for path in root.rglob("*.md")
                  if not path.relative_to(root).parts[0].startswith((".", "build")))


class Readme(unittest.TestCase):
    def setUp(self) -> None:
        self.text = (root / "README.md").read_text()
        self.toml = blocks(self.text, "toml")
        self.directory = Path(self.enterContext(tempfile.TemporaryDirectory(prefix="relaypipe-readme-")))
        self.state = self.directory / "state"
        self.state.mkdir()

    def configuration(self, *parts: str) -> Path:
        """The blocks as a file; the secrets they name are there, as for a person who has followed README."""
        text = "\n".join(parts)
        for name in re.findall(rf'"{ETC}([\w.-]+)"', text):
            (self.directory / name).write_text(KEY_PAIR if "ses" in name else "secret\n")
            (self.directory / name).chmod(0o600)
        file = self.directory / "relaypipe.toml"
        file.write_text(text.replace(ETC, f"{self.directory}/"))
        file.chmod(0o644)
        self.directory.chmod(0o755)
        if os.geteuid() == 0:
            for path in (self.directory, *self.directory.iterdir()):
                shutil.chown(path, USER, USER)
        return file

    def relaypipe(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([binary, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT)

    def assert_valid(self, *parts: str) -> None:
        done = self.relaypipe("check", "--config", str(self.configuration(*parts)), "-o", f"state_directory={self.state}",
                              "-o", "hostname=machine.example")
        self.assertIn(done.returncode, UNDERSTOOD, done.stdout)
        self.assertIn(" 0 errors", done.stdout)

    def test_length(self) -> None:
        self.assertLessEqual(len(self.text.splitlines()), LINES)

    def test_every_configuration_is_valid(self) -> None:
        self.assertTrue(self.toml)
        for block in self.toml:
            with self.subTest(block.splitlines()[0]):
                self.assert_valid(block)

    def test_entries_of_relays_that_speak_https(self) -> None:
        """One of SES and one of Graph: a person can copy each, and it is a relay of that interface."""
        text = "".join(self.toml)
        for provider in ("ses", "graph"):
            with self.subTest(provider):
                entry = re.search(rf"^\[relay\.{provider}\]\n(?:(?!\[).*\n)+", text, re.MULTILINE)
                self.assertIsNotNone(entry)
                alone = f"{entry[0]}[chain.alone]\ntiers = [[\"{provider}\"]]\n"    # type: ignore[index]
                self.assert_valid(alone)
                told = self.relaypipe("plan", "--config", str(self.configuration(alone)), "-o", f"state_directory={self.state}",
                                      "--nexthop", "alone", "--from", "a@example.com", "--to", "b@example.net", "--json")
                leg, = json.loads(told.stdout)["legs"]
                self.assertEqual((leg["protocol"], leg["provider"]), ("https", provider))

    def test_all_configuration_together_is_valid(self) -> None:
        self.assert_valid(*self.toml)

    def test_every_command_is_understood(self) -> None:
        shown = commands(self.text)
        self.assertGreater(len(shown), 10)
        file = self.configuration(*self.toml)
        for words in shown:
            with self.subTest(" ".join(words)):
                self.understand(words, file)

    def understand(self, words: list[str], file: Path) -> None:
        name, rest = words[0], words[1:]
        if not rest and not name.startswith("-"):
            self.assertRegex(self.relaypipe("--help").stdout, rf"(?m)^  relaypipe {re.escape(name)}\s")
        if name.startswith("-") or name in ASKS_OTHERS:
            self.read_only(words)
        elif rest or name not in WANT_MORE:
            common = [] if name in NO_CONFIGURATION else ["--config", str(file), "-o", f"state_directory={self.state}"]
            done = self.relaypipe(name, *common, *rest)
            self.assertIn(done.returncode, UNDERSTOOD, done.stdout + done.stderr)

    def read_only(self, words: list[str]) -> None:
        """Understood, and then stopped by a configuration that is not there."""
        missing = ["--config", str(self.directory / "missing.toml")]
        if words[0] == "doctor":
            missing += ["--config-directory", str(self.directory / "missing")]
        done = self.relaypipe(*missing, *words) if words[0].startswith("-") else self.relaypipe(words[0], *missing, *words[1:])
        self.assertRegex(done.stdout + done.stderr, r"missing(\.toml)?\b")
        self.assertNotRegex(done.stdout + done.stderr, r"(?i)usage|--help")


class Manual(unittest.TestCase):
    # In the synopsis of no command: relaypipe(8) has them once, for every command.
    EVERY_COMMAND = {"-h", "--help", "--deadline"}

    def synopses(self) -> dict[str, set[str]]:
        """Options by command; a delivery is the command without a name."""
        found: dict[str, set[str]] = {}
        for page in sorted(root.glob("src/relaypipe*.8")):
            section = page.read_text().partition(".Sh SYNOPSIS\n")[2].partition("\n.Sh ")[0]
            for synopsis in section.split(".Nm relaypipe\n")[1:]:
                command = re.match(r"\.Cm (\w+)", synopsis)
                options = re.findall(r"\bFl (-?[\w-]*\w)", synopsis)
                words = {f"-{word}" for word in options if word.startswith("-") or len(word) == 1}
                words |= {f"-{letter}" for word in options if not word.startswith("-") for letter in word}
                found.setdefault(command[1] if command else "", set()).update(words)
        return found

    def helped(self, *command: str) -> set[str]:
        done = subprocess.run([binary, *command, "--help"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        options = done.stdout.partition("\nOptions:\n")[2].partition("\n\n")[0]
        return {word for line in re.findall(r"^  (-\S+)", options, re.MULTILINE) for word in line.split(",")}

    def test_synopses_have_the_options_of_the_help(self) -> None:
        told = subprocess.run([binary, "--help"], capture_output=True, text=True, timeout=LIMIT).stdout
        commands = set(re.findall(r"^  relaypipe (\w+)", told, re.MULTILINE))
        found = self.synopses()
        self.assertEqual(set(found), commands | {""})
        self.assertEqual(found.pop("") - {"--version", "--help"}, self.helped())
        self.assertEqual(found.pop("help"), set())
        for command, options in sorted(found.items()):
            with self.subTest(command):
                self.assertEqual(options, self.helped(command) - self.EVERY_COMMAND)


class Markdown(unittest.TestCase):
    def test_links(self) -> None:
        files = markdown_files()
        self.assertIn(root / "README.md", files)
        self.assertEqual([broken for file in files for broken in broken_links(file)], [])

    def test_places_for_figures(self) -> None:
        """The programs that measure find the place of what they write."""
        places = {"bench": ("delivery", "instructions", "queue", "dead", "large", "distance"), "system/reach": ("bad worlds",),
                  "system/chaos": ("chaos",)}
        for suite, names in places.items():
            text = (root / "test" / suite / "README.md").read_text()
            for name in names:
                written = figures.replace(text, name, figures.block("bench", ["1", "2"], "2026-11-29"))
                self.assertIn("`bench`, 2026-11-29:\n\n```text\n1\n2\n```\n<!-- end of figures", written)
                begin, end = figures.marks(name)
                self.assertEqual(written.partition(begin)[0] + written.partition(end)[2],
                                 text.partition(begin)[0] + text.partition(end)[2])

    def test_figures_without_a_place_are_written_nowhere(self) -> None:
        begin, end = figures.marks("a")
        for text in ("", begin, end + begin, begin + end + begin + end):
            self.assertRaises(ValueError, figures.replace, text, "a", "1\n")


def main() -> None:
    global binary, root
    binary, root = read_arguments(__doc__)
    unittest.main(argv=sys.argv[:1])


if __name__ == "__main__":
    main()

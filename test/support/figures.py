"""Figures in the README.md of a suite: the program that measures writes them between two marks, with date and command.

    <!-- figures: NAME -->
    ...
    <!-- end of figures: NAME -->

What stands between the marks belongs to the program; all else in the file belongs to people.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Iterable


def marks(name: str) -> tuple[str, str]:
    return f"<!-- figures: {name} -->\n", f"<!-- end of figures: {name} -->\n"


def block(command: str, lines: Iterable[str], day: str | None = None) -> str:
    """What is written between the marks. `day`: today where none is given."""
    told = "\n".join(lines).rstrip("\n")
    return f"`{command}`, {day or time.strftime('%Y-%m-%d')}:\n\n```text\n{told}\n```\n"


def replace(text: str, name: str, content: str) -> str:
    """The text with other figures. A text without exactly one place for them is an error: nothing is written elsewhere."""
    begin, end = marks(name)
    if text.count(begin) != 1 or text.count(end) != 1 or text.index(begin) > text.index(end):
        raise ValueError(f"there is no place for the figures {name!r}, or more than one")
    head, _, rest = text.partition(begin)
    return head + begin + content + end + rest.partition(end)[2]


def write(readme: Path, name: str, command: str, lines: Iterable[str]) -> None:
    readme.write_text(replace(readme.read_text(), name, block(command, lines)))

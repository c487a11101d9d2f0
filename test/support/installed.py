"""relaypipe as two files: the launcher that master.cf names, and the program it starts."""

from __future__ import annotations

import shutil
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
PROGRAM = Path("libexec") / "relaypipe" / "relaypipe"


def program_of(launcher: Path) -> Path:
    """What a launcher starts: looked for where it looks itself. A stand-in for relaypipe, such as a script, is its own."""
    places = [launcher.parent.parent / PROGRAM, launcher.parent / PROGRAM]
    return next((place for place in places if place.exists()), launcher)


def copy_relaypipe(launcher: Path, target: Path) -> Path:
    """Copies both files, so that `target` can be run by a user who may not enter the build folder; returns `target`."""
    shutil.copy(launcher, target)
    target.chmod(0o755)
    program = program_of(launcher)
    if program != launcher:
        copy = target.parent / PROGRAM
        copy.parent.mkdir(parents=True)
        shutil.copy(program, copy)
        for path in (copy, copy.parent, copy.parent.parent):
            path.chmod(0o755)
    return target

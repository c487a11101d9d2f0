"""What the checks of the source that run the program are told."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Optional

from support.installed import REPOSITORY


def read_arguments(usage: Optional[str]) -> tuple[Path, Path]:
    """The program, `--binary`, and the directory of the repository: those of this one where the command line names none."""
    parser = argparse.ArgumentParser(description=usage, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", type=Path, default=REPOSITORY / "build/relaypipe")
    parser.add_argument("root", nargs="?", type=Path, default=REPOSITORY)
    arguments = parser.parse_args()
    return arguments.binary.absolute(), arguments.root.resolve()

"""Instructions of a program as callgrind counts them: how it is called, and where it says the count."""

from __future__ import annotations

import re
from typing import Optional

# The launcher becomes another program, which is what is counted. The count is printed only when callgrind also writes
# its profile, so that goes to where nothing is kept.
COMMAND = ["valgrind", "--tool=callgrind", "--trace-children=yes", "--callgrind-out-file=/dev/null"]


def instructions(said: bytes) -> Optional[int]:
    """Of all processes that ended under it, from what it wrote on standard error; nothing if it counted none."""
    found = re.findall(rb"Collected : (\d+)", said)
    return sum(int(count) for count in found) if found else None

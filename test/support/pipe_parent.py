"""Stands in for pipe(8) where a test kills the parent: starts argv, tells its pid on a descriptor, and stays.

Usage: pipe_parent.py DESCRIPTOR ARGV...
"""

import os
import signal
import subprocess
import sys


def main() -> None:
    child = subprocess.Popen(sys.argv[2:], start_new_session=True, restore_signals=False)
    with os.fdopen(int(sys.argv[1]), "w") as answer:
        answer.write(f"{child.pid}\n")
    # The test holds the far ends of the pipes: this process must not keep its own copies alive.
    for descriptor in (0, 1, 2):
        os.close(descriptor)
    while True:
        signal.pause()


main()

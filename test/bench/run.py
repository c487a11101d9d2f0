#!/usr/bin/env python3
"""Runs the tests of what a delivery costs, in instructions, which no other load of the machine changes.

{usage}

The measurement itself is `test/bench/bench`. Needs root, for a network of its own.
"""

import sys

import paths  # noqa: F401  (before what lies in other folders)

from suite import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main(__file__, __doc__, needs_root=True))

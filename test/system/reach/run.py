#!/usr/bin/env python3
"""Runs the tests of how relays are found and reached: DNS, MX, SRV, loops, the race, the bad worlds.

{usage}

Most tests enter a network namespace of their own. That needs root, and without root they count as skipped.
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / "support"))

from suite import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main(__file__, __doc__, alone="test_bad_worlds"))    # they compare times

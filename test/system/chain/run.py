#!/usr/bin/env python3
"""Runs the tests of the configuration file: chains, eligibility, settings, policy servers, plan and check, the cost.

{usage}

As root every test has a network namespace of its own; without root those that need one count as skipped.
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / "support"))

from suite import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main(__file__, __doc__, alone="test_cost"))    # valgrind fills a core: nothing waits beside it

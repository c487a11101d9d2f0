#!/usr/bin/env python3
"""Runs the tests of `relaypipe doctor`: good and broken configuration directories of Postfix, read by the real postconf.

{usage}

Needs root: what the user of master.cf may read is found out by becoming that user.
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / "support"))

from suite import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main(__file__, __doc__, needs_root=True))

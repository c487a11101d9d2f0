#!/usr/bin/env python3
"""Runs the tests of relaypipe under a real Postfix.

{usage}

Needs root, because Postfix does.
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / "support"))
sys.path.append(str(Path(__file__).resolve().parent))

from postfix_lab import queue_template  # noqa: E402
from suite import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main(__file__, __doc__, jobs=1, needs_root=True, world=queue_template))

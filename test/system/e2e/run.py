#!/usr/bin/env python3
"""Runs the end-to-end tests: the real binary against scripted relays on ephemeral ports.

{usage}
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / "support"))

from suite import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main(__file__, __doc__))

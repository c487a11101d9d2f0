#!/usr/bin/env python3
"""The short form of the chaos run, and proof that its judge and its relays see what they have to see.

{usage}

test/system/chaos/chaos is the long form. Needs root, because Postfix does.
"""

import sys
from pathlib import Path

TEST = Path(__file__).resolve().parents[2]
sys.path += [str(TEST / name) for name in ("support", "system/postfix", "system/reach", "system/e2e")]

from suite import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main(__file__, __doc__, alone="Short", jobs=2, needs_root=True))

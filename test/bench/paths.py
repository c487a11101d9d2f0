"""Where things are: imported first by everything here, it lets the other folders of test/ be imported too."""

from __future__ import annotations

import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
REPOSITORY = TESTS.parent
for _folder in ("support", "system/postfix", "system/reach", "system/tls"):
    if str(TESTS / _folder) not in sys.path:
        sys.path.append(str(TESTS / _folder))

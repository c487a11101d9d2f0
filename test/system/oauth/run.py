#!/usr/bin/env python3
"""Runs the tests of OAuth2: a real token endpoint (Authlib), a relay that checks the bearer (aiosmtpd).

{usage}
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / "support"))

from suite import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main(__file__, __doc__))

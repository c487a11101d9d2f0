#!/usr/bin/env python3
"""Runs the tests of TLS, AUTH and secrets, against a real Postfix with Dovecot's SASL, a real Exim and scripted relays.

{usage}

Needs root: the servers are started here, on a network of their own, and ended with the run.
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / "support"))
sys.path.append(str(Path(__file__).resolve().parent))

from suite import main  # noqa: E402
from world import world  # noqa: E402

if __name__ == "__main__":
    sys.exit(main(__file__, __doc__, alone="test_round_trips", needs_root=True, world=world))

"""Marks for tests. Only test files import this: by then the runner has read its arguments."""

from __future__ import annotations

import os
import unittest

# For tests of memory, time or instructions: all of these are others under the sanitizers.
measures = unittest.skipIf(os.environ.get("RELAYPIPE_SANITIZED"), "measures what the sanitizers change")

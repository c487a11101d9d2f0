#!/usr/bin/env python3
"""Runs the tests of the configuration file: chains, eligibility, settings, policy servers, plan and check, the cost.

Usage: run.py [--binary PATH] [-k PATTERN]... [-j N] [-v] [--list] [test_file.py]...

The machinery is that of test/reach: a process for every test, and as root a network namespace too. Without root the
tests that need it count as skipped. The last line is `N passed, N failed`; the exit status is 0 only when nothing
failed.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

HERE = Path(__file__).resolve().parent


def machinery() -> ModuleType:
    """The other run.py under a name of its own, at work in this folder."""
    specification = importlib.util.spec_from_file_location("reach_run", HERE.parent / "reach" / "run.py")
    assert specification and specification.loader
    module = importlib.util.module_from_spec(specification)
    sys.modules["reach_run"] = module    # its dataclasses look themselves up there
    specification.loader.exec_module(module)
    module.__doc__ = __doc__
    module.HERE = HERE    # type: ignore[attr-defined]
    module.ALONE = "test_cost"    # type: ignore[attr-defined]    # valgrind fills a core: nothing waits beside it
    return module


if __name__ == "__main__":
    sys.exit(machinery().main())

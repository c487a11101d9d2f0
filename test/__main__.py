"""Runs the suites of the real program, and the programs that measure:

    python3 -B test SUITE [TEST]...             all of a suite, or some: test_race, test_race.RaceTest, test_race.RaceTest.test_...
    python3 -B test SUITE/TEST...               the same
    python3 -B test --list [SUITE]              the suites, or the tests of one
    python3 -B test SUITE/PROGRAM [WORD]...     a program of a suite: bench/bench, chaos/chaos, reach/bad_worlds, ...

`python3 -B test --help` names the options. Python looks for modules in this folder because it was told to run it, and in that
of the suite because support/suite.py says so: nothing else here sets a path.
"""

import sys

from support.suite import main

if __name__ == "__main__":
    sys.exit(main(__doc__ or "", sys.argv[1:]))

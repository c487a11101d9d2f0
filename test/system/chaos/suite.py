"""The short form of the chaos run, and proof that its judge and its relays see what they have to see.

chaos.py is the long form. Needs root, because Postfix does.
"""

from support.suite import Suite

SUITE = Suite(alone="Short", jobs=2, needs_root=True)

"""Prints what each combination of stage and fault means, and why some are left out: python3 -B test matrix/table"""

from __future__ import annotations

import contract
import faults as f


def print_table() -> None:
    for stage in f.STAGES:
        for fault in f.FAULTS:
            why = f.left_out(stage, fault)
            meaning = None if why else contract.meaning(stage, fault)
            print(f"{stage:14}{fault:9}" + (f"left out: {why}" if why else f"{meaning.kind.value}; {meaning.dsn}"))


if __name__ == "__main__":
    print_table()

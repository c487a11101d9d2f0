"""What is printed: the machine, tables, and aims that were met or missed."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Optional, Sequence, Union

Cell = Union[str, float, None]


@dataclass(frozen=True)
class Column:
    name: str
    digits: int = 2    # behind the point


@dataclass
class Table:
    title: str
    columns: Sequence[Column]
    rows: list[tuple[str, list[Cell]]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, name: str, *cells: Cell) -> None:
        self.rows.append((name, list(cells)))

    def __str__(self) -> str:
        texts = [[text_of(cell, column) for cell, column in zip(cells, self.columns)] for _, cells in self.rows]
        widths = [max(len(column.name), *(len(row[n]) for row in texts)) + 2 for n, column in enumerate(self.columns)]
        first = max([len(name) for name, _ in self.rows] + [12])
        lines = [self.title, "", " " * first + "".join(f"{c.name:>{w}}" for c, w in zip(self.columns, widths))]
        lines += [f"{name:{first}}" + "".join(f"{text:>{w}}" for text, w in zip(row, widths))
                  for (name, _), row in zip(self.rows, texts)]
        return "\n".join([*(line.rstrip() for line in lines), *([""] + self.notes if self.notes else [])]) + "\n"


def text_of(cell: Cell, column: Column) -> str:
    if cell is None:
        return "-"
    return cell if isinstance(cell, str) else f"{cell:,.{column.digits}f}"


@dataclass(frozen=True)
class Aim:
    """`value` may be no more than `limit`, or no less where the limit is the `least`."""

    what: str
    value: float
    limit: float
    least: bool = False

    @property
    def met(self) -> bool:
        return self.value >= self.limit if self.least else self.value <= self.limit

    def __str__(self) -> str:
        side = "least" if self.least else "most"
        return f"{'met   ' if self.met else 'MISSED'} {self.value:6.2f}  (at {side} {self.limit:.2f})  {self.what}"


@dataclass
class Findings:
    tables: list[Table] = field(default_factory=list)
    aims: list[Aim] = field(default_factory=list)

    def add(self, more: Findings) -> None:
        self.tables += more.tables
        self.aims += more.aims

    def as_data(self) -> dict[str, Any]:
        return {"machine": machine(), "tables": [asdict(table) for table in self.tables],
                "aims": [{**asdict(aim), "met": aim.met} for aim in self.aims]}


def ratio(value: Optional[float], base: Optional[float]) -> Optional[float]:
    return value / base if value is not None and base else None


def first_line(*command: str) -> str:
    try:
        text = subprocess.run(command, capture_output=True, text=True).stdout
    except OSError:
        return "none"
    return text.splitlines()[0].strip() if text else "unknown"


def machine() -> list[str]:
    """The machine and the versions of what is compared."""
    models = re.findall(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    postfix = first_line("postconf", "-d", "-h", "mail_version")
    curl = first_line("curl", "--version").split()
    return [f"{os.cpu_count()} cores, {models[0] if models else os.uname().machine}, Linux {os.uname().release}, "
            f"load {os.getloadavg()[0]:.1f}",
            f"Postfix {postfix}, {first_line('msmtp', '--version')}, curl {curl[1] if len(curl) > 1 else '?'}, "
            f"{' '.join(word for word in curl if word.startswith(('libcurl/', 'OpenSSL/')))}; "
            f"{first_line('c++', '--version')}"]

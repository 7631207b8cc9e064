"""Figures as a table for people: what is one number first, and below it a row for each thing measured."""

from __future__ import annotations

from typing import Any


def show(title: str, figures: dict[str, Any]) -> None:
    """Print one table: the ratios, then the rows; whatever is nested becomes a column of its own."""
    print(f"\n{title}")
    for name, value in figures.items():
        if not isinstance(value, dict):
            print(f"  {name}: {value}")
    rows = {name: flat(value) for name, value in figures.items() if isinstance(value, dict)}
    columns = list(dict.fromkeys(column for row in rows.values() for column in row))
    if columns:
        table = [["", *columns]] + [
            [name, *(str(row.get(column, "")) for column in columns)] for name, row in rows.items()
        ]
        widths = [max(map(len, cells)) for cells in zip(*table, strict=True)]
        for cells in table:
            first, *others = (
                cell.ljust(width) if at == 0 else cell.rjust(width)
                for at, (cell, width) in enumerate(zip(cells, widths, strict=True))
            )
            print(f"  {'  '.join([first, *others])}".rstrip())
    print(end="", flush=True)


def flat(figures: dict[str, Any], before: str = "") -> dict[str, Any]:
    """Return nested figures under joined names: {"1 client": {"median_ms": 2}} as {"1 client median_ms": 2}."""
    result: dict[str, Any] = {}
    for name, value in figures.items():
        joined = f"{before} {name}".strip()
        result |= flat(value, joined) if isinstance(value, dict) else {joined: value}
    return result

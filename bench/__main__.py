"""Runs every benchmark and prints one table: figure, yardstick, ratio, target. Status 1 if a target is missed."""

import sys

from rich.console import Console
from rich.table import Table

from bench import adf, estimates, inference, memory, webhooks
from bench.timing import Row


def main() -> int:
    """Print the table."""
    rows: list[Row] = [*adf.rows(), *webhooks.rows(), *inference.rows(), *memory.rows(), *estimates.rows()]
    table = Table("figure", "here", "yardstick", "there", "ratio", "target")
    for row in rows:
        table.add_row(
            row.figure,
            f"{row.here:.4g} {row.unit}",
            row.yardstick,
            f"{row.there:.4g} {row.unit}",
            f"{row.ratio:.3g}",
            f"{'ok' if row.reached else 'MISSED'}: {row.target}",
        )
    Console().print(table)
    return int(not all(row.reached for row in rows))


if __name__ == "__main__":
    sys.exit(main())

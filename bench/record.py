"""A run as JSON: when, of which commit, on which machine, and every row with its spread."""

import math
import os
import platform
import re
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.options import Options
from bench.running import Outcome
from bench.timing import Row

__all__ = ["SCHEMA", "machine", "merged", "record"]

SCHEMA = 1
"""Changes when a reader of older records would misread newer ones."""


def record(outcomes: Sequence[Outcome], options: Options, now: datetime | None = None) -> dict[str, Any]:
    """The whole run."""
    return {
        "schema": SCHEMA,
        "date": (now or datetime.now(UTC)).isoformat(timespec="seconds"),
        "commit": _commit(),
        "quick": options.quick,
        "machine": machine(),
        "reached": all(outcome.reached for outcome in outcomes),
        "sections": [_section(outcome) for outcome in outcomes],
    }


def merged(records: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Several runs as one: a later one replaces sections of the same name. Raises ValueError where they are not alike.

    It is as old as its oldest part, and a quick run if any part is one; its commits are all of theirs.
    """
    if {found["schema"] for found in records} != {SCHEMA}:
        raise ValueError(f"records of schema {SCHEMA} are read here")
    if len({(found["machine"]["cpu"], found["machine"]["cores"]) for found in records}) > 1:
        raise ValueError("these runs are of different machines")
    sections = {section["name"]: section for found in records for section in found["sections"]}
    return {
        **records[-1],
        "date": min(found["date"] for found in records),
        "commit": ", ".join(dict.fromkeys(found["commit"] for found in records)),
        "quick": any(found["quick"] for found in records),
        "reached": not any(_missed(section) for section in sections.values()),
        "sections": list(sections.values()),
    }


def _missed(section: dict[str, Any]) -> bool:
    return bool(section["failed"]) or not all(row["reached"] for row in section["rows"])


def _section(outcome: Outcome) -> dict[str, Any]:
    return {
        "name": outcome.section,
        "seconds": round(outcome.seconds, 1),
        "skipped": outcome.skipped,
        "failed": outcome.failed,
        "rows": [_row(row) for row in outcome.rows],
    }


def _row(row: Row) -> dict[str, Any]:
    return {
        "figure": row.figure,
        "ratio": _finite(row.ratio),
        "target": row.target,
        "reached": row.reached,
        "here": _finite(row.here),
        "yardstick": row.yardstick,
        "there": _finite(row.there),
        "unit": row.unit,
        "repetitions": row.repetitions,
        "spread": [_finite(value) for value in row.spread],
        "limit": row.limit,
        "details": dict(row.details),
    }


def _finite(value: float) -> float | None:
    """JSON knows no NaN."""
    return value if math.isfinite(value) else None


def machine() -> dict[str, Any]:
    """What the figures depend on."""
    text = Path("/proc/cpuinfo").read_text(encoding="utf-8") if Path("/proc/cpuinfo").exists() else ""
    model = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return {
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "cpu": model[1] if model else platform.processor() or "unknown",
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()}",
        "load_1min": round(os.getloadavg()[0], 2),
    }


def _commit() -> str:
    """The commit, with `+` where files differ from it; empty outside a repository."""
    try:
        head = subprocess.run(["git", "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, check=True)
        changed = subprocess.run(["git", "status", "--porcelain"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return head.stdout.strip() + ("+" if changed.stdout.strip() else "")

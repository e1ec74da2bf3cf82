"""What the readers of text files share: lines with their numbers, and times without a zone."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from models.data.errors import DataError

__all__ = ["MOST_BYTES", "numbered", "seconds"]

MOST_BYTES: Final = 2**30


def numbered(path: Path) -> Iterator[tuple[int, str]]:
    """Yield (number, line without its end) of a text file, blank lines left out; raises DataError."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise DataError(f"{path}: larger than 1 GiB; cut it first")
        with path.open(encoding="utf-8-sig") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield number, line.strip()
    except FileNotFoundError as e:
        raise DataError(f"{path}: no such file") from e
    except (OSError, UnicodeDecodeError) as e:
        raise DataError(f"{path}: cannot be read as text ({e})") from e


def seconds(text: str) -> float:
    """Return seconds since the epoch of such a number or an ISO 8601 time, UTC where no zone is given.

    Logs hold local time without one; only differences matter. Raises ValueError.
    """
    try:
        found = float(text)
    except ValueError:
        moment = datetime.fromisoformat(text)
        found = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    if not -1e12 < found < 1e12:
        raise ValueError(f"{text!r} is no time")
    return found

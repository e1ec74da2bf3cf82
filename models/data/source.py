"""Where training and evaluation data come from, by name: a file or a folder of the old plugin, or made-up series."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from models.data.errors import DataError
from models.data.fping import is_fping_log, read_fping_log
from models.data.grid import DEFAULT_INTERVAL_S
from models.data.latency_csv import is_latency_csv, read_latency_csv
from models.data.series import Series

__all__ = ["Source", "read_path"]


@dataclass(frozen=True)
class Source:
    """Paths of one origin."""

    series: Series
    fresh: Series | None = None
    """The same without readings that only repeat an older one, where the origin does that."""

    @property
    def name(self) -> str:
        """The series'."""
        return self.series.name

    def before(self, slot: int) -> Self:
        """Return only what lies before this slot; raises DataError where nothing does."""
        return type(self)(self.series.before(slot), None if self.fresh is None else self.fresh.before(slot))


def read_path(path: Path, interval_s: float | None = None, unit: str | None = None) -> list[Source]:
    """Read a `time,latency` CSV, an `fping -e` log, or all of these in a folder, one source a file.

    Raises DataError that names the file and line, and says what was expected.
    """
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if file.suffix in (".csv", ".txt") and file.is_file())
        if not files:
            raise DataError(
                f"{path}: nothing to learn from in this folder; "
                "expected recordings, CSVs time,latency or fping logs A2B.txt"
            )
        return [source for file in files for source in read_path(file, interval_s, unit)]
    step_s = DEFAULT_INTERVAL_S if interval_s is None else interval_s
    if is_latency_csv(path):
        return [Source(read_latency_csv(path, step_s, unit))]
    if path.suffix == ".txt" or is_fping_log(path):
        return [Source(read_fping_log(path, step_s, unit))]
    raise DataError(f"{path}: neither a CSV that begins with time,latency nor a log of fping -e")

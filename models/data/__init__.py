"""What networks learn from: series of round trips on a regular grid, read from the files of older tools."""

from models.data.errors import DataError
from models.data.latency_csv import is_latency_csv
from models.data.series import Series, digest, of_matrix
from models.data.source import Source, read_path

__all__ = ["DataError", "Series", "Source", "digest", "is_latency_csv", "of_matrix", "read_path"]

"""Files that are there as a whole or not at all: written aside, then renamed."""

import os
import tempfile
from pathlib import Path

from models.errors import ArtefactError

__all__ = ["check_writable", "read_at_most", "write_aside"]


def write_aside(path: Path, content: bytes) -> None:
    """Replace `path` at once: a reader, or a crash, meets the old content or the new one.

    The directory is made where it is missing. Raises ArtefactError that names the file.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace(path, content)
    except OSError as e:
        raise ArtefactError(f"{path}: cannot be written: {e.strerror or e}; is {path.parent} writable?") from e


def check_writable(directory: Path) -> None:
    """Raise ArtefactError that names the directory where `write_aside` could not write; makes what is missing."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory, prefix="."):
            pass
    except OSError as e:
        raise ArtefactError(f"{directory}: cannot be written to: {e.strerror or e}; choose another directory") from e


def _replace(path: Path, content: bytes) -> None:
    handle, aside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), 0o644)  # mkstemp's 0600 would hide it from a service that runs as another user
            os.fsync(file.fileno())
        os.replace(aside, path)
    except BaseException:
        os.unlink(aside)
        raise
    _sync_directory(path.parent)


def _sync_directory(directory: Path) -> None:
    """Without this the rename itself may be lost with the power."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_at_most(path: Path, limit_bytes: int) -> bytes:
    """Read a file of at most this size; raises ArtefactError for a larger one, OSError as `open` does."""
    with path.open("rb") as file:
        content = file.read(limit_bytes + 1)
    if len(content) > limit_bytes:
        raise ArtefactError(f"{path}: larger than {limit_bytes / 2**20:g} MiB, so it is not what it should be")
    return content

"""A file of the old plugin in memory, and a guess at what a file is that is not what it should be."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from models.errors import LegacyError

__all__ = ["guess", "read_source"]

_TORCH_BEFORE_1_6: Final = bytes.fromhex("80028a0a6cfc9c46f9206aa850192e")
"""A pickle of torch's old magic number, with which a file of torch.save began before its zip format."""

_GUESSES: Final[tuple[tuple[str, Callable[[bytes], bool]], ...]] = (
    ("the file is empty", lambda b: not b.strip()),
    ("it is a web page; the download went wrong", lambda b: b.lstrip()[:1] == b"<"),
    ("it is a Git LFS pointer; run `git lfs pull`", lambda b: b.startswith(b"version https://git-lfs")),
    (
        "it is in torch's format from before 1.6; where torch is installed, run "
        "torch.save(torch.load(FILE, map_location='cpu'), FILE)",
        lambda b: b.startswith(_TORCH_BEFORE_1_6),
    ),
    ("it is a zip, as torch.save writes; are the two files swapped?", lambda b: b.startswith(b"PK")),
    ("it is a pickle, as joblib.dump writes; are the two files swapped?", lambda b: b[:1] == b"\x80"),
)


def read_source(path: Path, limit_bytes: int) -> bytes:
    """Read a file of at most this size; raises LegacyError that names it."""
    try:
        with path.open("rb") as file:
            content = file.read(limit_bytes + 1)
    except OSError as e:
        raise LegacyError(f"{path}: cannot be read: {e.strerror or e}") from e
    if len(content) > limit_bytes:
        raise LegacyError(f"{path}: larger than {limit_bytes / 2**20:g} MiB; the old plugin's files are far smaller")
    return content


def guess(content: bytes) -> str:
    """Say what the content looks like, as the end of a message; empty if nothing is known."""
    return next((f": {what}" for what, fits in _GUESSES if fits(content[:512])), "")

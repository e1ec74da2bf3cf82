"""State dicts of torch.save's zip format (torch >= 1.6), read without torch.

The zip holds `<any>/data.pkl`, a pickle in which tensors refer to storages, `<any>/data/<key>`, each storage's raw
bytes, and since 2.1 `<any>/byteorder`; the format is that of torch/serialization.py. All entries are stored
uncompressed, so that none can be larger than the file; where the tensors lay (`cuda:0`) does not matter here.
"""

import io
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from models.errors import LegacyError
from models.legacy.pickled import Global, Machine, Record
from models.legacy.source import guess, read_source
from models.legacy.tensors import Floats32, Storage, values

__all__ = ["MAX_FILE_BYTES", "read_state_dict"]

MAX_FILE_BYTES: Final = 32 * 2**20
MAX_ENTRIES: Final = 2_000
MAX_PICKLE_BYTES: Final = 4 * 2**20
MAX_TENSORS: Final = 100
MAX_WEIGHTS: Final = 2**23
"""Several tensors may show one storage, so a small file could unfold to many large ones."""

_REBUILD: Final = "torch._utils._rebuild_tensor_v2"
_STORAGES: Final = {
    "torch.FloatStorage": "f4",
    "torch.DoubleStorage": "f8",
    "torch.HalfStorage": "f2",
    "torch.BFloat16Storage": "bf2",
    "torch.LongStorage": "i8",
}
_ALLOWED: Final = frozenset({"collections.OrderedDict", _REBUILD, *_STORAGES})
_NESTED: Final = ("state_dict", "model_state_dict", "model")
"""Under these a checkpoint keeps the state dict, beside the optimiser's."""

_HELP: Final = "expected a state dict as torch.save(model.state_dict(), FILE) writes it"
_ZIP_FAULTS: Final = (
    zipfile.BadZipFile, zlib.error, EOFError, OSError, LookupError, RuntimeError, NotImplementedError, ValueError,
    OverflowError,
)  # fmt: skip


def read_state_dict(path: Path) -> dict[str, Floats32]:
    """Return the tensors by name, as float32; raises LegacyError that names the file and says what was expected."""
    archive = _Archive(path, read_source(path, MAX_FILE_BYTES))
    machine = Machine(
        io.BytesIO(archive.entry("data.pkl", MAX_PICKLE_BYTES)),
        _ALLOWED,
        f"{path}: {_HELP}",
        persistent=archive.storage,
    )
    state = _unwrapped(machine.load())
    if not isinstance(state, dict) or not state:
        raise LegacyError(f"{path}: {_HELP}; found none")
    if len(state) > MAX_TENSORS:
        raise LegacyError(f"{path}: {len(state):,} tensors; an LSTM of 3 layers has 14")
    return _tensors(path, state, archive)


def _tensors(path: Path, state: Mapping[object, object], archive: "_Archive") -> dict[str, Floats32]:
    found: dict[str, Floats32] = {}
    for name, value in state.items():
        found[_short(name)] = _tensor(path, name, value, archive)
        if sum(tensor.size for tensor in found.values()) > MAX_WEIGHTS:
            raise LegacyError(f"{path}: more than {MAX_WEIGHTS:,} weights; the old plugin's networks have 250,000")
    return found


def _unwrapped(found: object) -> object:
    """Take the state dict out of a checkpoint."""
    if isinstance(found, dict):
        return next((found[key] for key in _NESTED if isinstance(found.get(key), dict)), found)
    return found


def _short(name: object) -> str:
    """Drop what DataParallel and torch.compile put before every name."""
    return str(name).removeprefix("_orig_mod.").removeprefix("module.")


def _tensor(path: Path, name: object, value: object, archive: "_Archive") -> Floats32:
    where = f"{path}: tensor {str(name)[:80]!r}"
    if not isinstance(value, Record) or value.name != _REBUILD or not 6 <= len(value.args) <= 7:
        raise LegacyError(f"{where}: {_HELP}; this is no tensor")
    storage, offset, size, stride = value.args[:4]
    if not isinstance(storage, Storage):
        raise LegacyError(f"{where}: has no storage")
    raw = archive.entry(f"data/{storage.key}", MAX_FILE_BYTES)
    return values(where, storage, raw, archive.big_endian, (offset, size, stride))


class _Archive:
    """The zip's entries by their names without the leading folder."""

    def __init__(self, path: Path, content: bytes) -> None:
        self._path = path
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(content))
            self._infos = self._checked(self._zip.infolist())
        except _ZIP_FAULTS as e:
            if isinstance(e, LegacyError):
                raise
            what = guess(content) if not content.startswith(b"PK") else ": a truncated or damaged zip; copy it again"
            raise LegacyError(f"{path}: {_HELP}, a zip{what}") from e
        self.big_endian = self._byte_order() == b"big"

    def _checked(self, infos: list[zipfile.ZipInfo]) -> Mapping[str, zipfile.ZipInfo]:
        """Refuse what torch never writes: it could only be meant to harm."""
        total = sum(info.file_size for info in infos)
        if len(infos) > MAX_ENTRIES or total > MAX_FILE_BYTES:
            raise LegacyError(f"{self._path}: a zip of {len(infos):,} entries, {total:,} bytes unpacked; refused")
        folders = {info.filename.partition("/")[0] for info in infos}
        names = [info.filename.partition("/")[2] for info in infos]
        if len(folders) != 1 or folders & {"", ".", ".."} or any(".." in name.split("/") for name in names):
            raise LegacyError(f"{self._path}: {_HELP}: a zip of one folder; this one's names are unsafe or in several")
        if len(set(names)) != len(names):
            raise LegacyError(f"{self._path}: a zip with two entries of one name; refused")
        return dict(zip(names, infos, strict=True))

    def _byte_order(self) -> bytes:
        return self.entry("byteorder", 16).strip() if "byteorder" in self._infos else b"little"

    def entry(self, name: str, limit_bytes: int) -> bytes:
        """Return an entry's content; raises LegacyError if it is missing, compressed, too large or damaged."""
        info = self._infos.get(name)
        if info is None:
            raise LegacyError(f"{self._path}: {_HELP}: a zip with the entry {name[:40]!r}, which this one has not")
        if info.compress_type != zipfile.ZIP_STORED or info.file_size > limit_bytes:
            raise LegacyError(f"{self._path}: entry {name[:40]!r} is compressed or too large; torch writes neither")
        try:
            return self._zip.read(info)
        except _ZIP_FAULTS as e:
            raise LegacyError(f"{self._path}: entry {name[:40]!r} is damaged ({e}); copy the file again") from e

    def storage(self, reference: object) -> Storage:
        """Return what a tensor's persistent id refers to: ('storage', class, key, location, number of elements)."""
        if not isinstance(reference, tuple) or len(reference) != 5:
            raise ValueError("a reference that is no storage's")
        word, kind, key, _location, count = reference
        if word != "storage" or not isinstance(kind, Global) or kind.name not in _STORAGES:
            raise ValueError("a reference that is no storage's")
        if not isinstance(key, str) or not (key.isascii() and key.isdigit()) or type(count) is not int:
            raise ValueError("a storage without a key or a size")
        return Storage(key, _STORAGES[kind.name], count)

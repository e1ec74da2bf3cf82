"""The registry: a directory of artefacts and `promoted.json`, which says which of them serve.

Where the user's directory promotes no shared model, the one in the package serves; the package's directory is never
written. A model is promoted after it was verified, loaded and run once, so that what serves can serve.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final, TypeAlias

from models import artefact, promoted
from models.artefact import MANIFEST_SUFFIX, NETWORK_SUFFIX, Artefact
from models.aside import read_at_most, write_aside
from models.errors import ArtefactError
from models.manifest import Manifest, check_pair
from models.promoted import Promoted, Serving
from models.runtime.probe import try_out
from models.runtime.session import OnnxModel
from models.runtime.violation import VIOLATION_KIND

__all__ = ["PROMOTED_FILE", "Registry", "Token", "packaged_directory"]

PROMOTED_FILE: Final = "promoted.json"

MAX_PROMOTED_BYTES: Final = 4 * 2**20

Token: TypeAlias = tuple[tuple[str, int, int, int], ...]
"""(file, mtime in ns, inode, bytes) of every file of the registry: another token, other files."""


def packaged_directory() -> Path:
    """Where the models lie that come with the package."""
    return Path(str(files("models.packaged")))


@dataclass(frozen=True)
class Registry:
    """Artefacts in `directory`, and below them those of the package; a directory that does not exist is empty."""

    directory: Path
    packaged: Path | None = None
    """The package's directory, or None for none; `Registry.standard` gives it."""

    @classmethod
    def standard(cls, directory: Path) -> "Registry":
        """A user's directory over the package's models."""
        return cls(directory, packaged_directory())

    def names(self) -> list[str]:
        """Every artefact's name, in order."""
        return sorted({name for directory in self._directories() for name in _names(directory)})

    def is_packaged(self, name: str) -> bool:
        """Whether the name means a model of the package; the user's own of the same name goes first."""
        return self._home(name) != self.directory

    def show(self, name: str) -> Manifest:
        """Return a manifest; raises ArtefactError. Its network is not looked at: `read` does."""
        return artefact.read_manifest(self._home(name), name)

    def read(self, name: str) -> Artefact:
        """Return a verified artefact; raises ArtefactError that names the file and says what to do."""
        return artefact.read(self._home(name), name)

    def load(self, name: str, threads: int = 2) -> OnnxModel:
        """Return a model that was verified, loaded and run once; raises ArtefactError."""
        model = OnnxModel.load(self.read(name), threads)
        try_out(model)
        return model

    def serving(self) -> Serving:
        """Return which models are promoted, the package's where the user has none; raises ArtefactError."""
        return self._promoted().serving.over(self.packaged_serving())

    def packaged_serving(self) -> Serving:
        """Return which models the package promotes, none where there is no package; raises ArtefactError."""
        return Serving() if self.packaged is None else _promoted(self.packaged).serving

    def promote(self, name: str, pair: str | None = None) -> Serving:
        """Let a model serve: for its own pair, or `pair`, or for all; returns what serves now.

        A model of violations has a place of its own beside the one of forecasts, and serves all pairs.

        Raises ArtefactError, and changes nothing, if the model cannot be loaded and run, or knows another pair only.
        """
        manifest = self.load(name).manifest
        if pair is not None:
            check_pair(pair)
        if pair is not None and manifest.pair not in (None, pair):
            raise ArtefactError(f"{name}: a model of the pair {manifest.pair}, which cannot serve {pair}")
        if pair is not None and manifest.kind == VIOLATION_KIND:
            raise ArtefactError(f"{name}: a model of violations serves all pairs; promote it without a pair")
        was = self._promoted()
        judges = manifest.kind == VIOLATION_KIND
        serving = was.serving.judged_by(name) if judges else was.serving.changed(pair or manifest.pair, name)
        self._write(was.after(serving))
        return self.serving()

    def demote(self, pair: str | None = None) -> Serving:
        """Let nothing of the user's serve a pair, or all pairs without one of their own; returns what serves now."""
        was = self._promoted()
        serving = was.serving.changed(pair, None)
        self._write(was.after(serving if pair is not None else serving.judged_by(None)))
        return self.serving()

    def rollback(self) -> Serving:
        """Return to what served before the latest change; raises ArtefactError where that is unknown or broken."""
        before = self._promoted().rolled_back()
        if before is None:
            raise ArtefactError(f"{self._file}: no earlier promotion is remembered; promote a model by its name")
        for name in sorted(before.serving.names()):
            self.load(name)
        self._write(before)
        return self.serving()

    def token(self) -> Token:
        """Return what changes whenever a file of the registry does; costs one look at each file, and no reading."""
        return tuple(sorted(stamp for directory in self._directories() for stamp in _stamps(directory)))

    @property
    def _file(self) -> Path:
        return self.directory / PROMOTED_FILE

    def _directories(self) -> list[Path]:
        return [self.directory] if self.packaged is None else [self.directory, self.packaged]

    def _home(self, name: str) -> Path:
        """The package's directory if only that one has the artefact, else the user's, where its absence is reported."""
        if self.packaged is None or name in _names(self.directory) or name not in _names(self.packaged):
            return self.directory
        return self.packaged

    def _promoted(self) -> Promoted:
        return _promoted(self.directory)

    def _write(self, content: Promoted) -> None:
        write_aside(self._file, promoted.encode(content))


def _promoted(directory: Path) -> Promoted:
    path = directory / PROMOTED_FILE
    try:
        return promoted.decode(read_at_most(path, MAX_PROMOTED_BYTES), str(path))
    except (FileNotFoundError, NotADirectoryError):
        return Promoted()
    except OSError as e:
        raise ArtefactError(f"{path}: cannot be read: {e.strerror or e}") from e


def _names(directory: Path) -> set[str]:
    return {f.name.removesuffix(MANIFEST_SUFFIX) for f in _files(directory, MANIFEST_SUFFIX) if f.name != PROMOTED_FILE}


def _stamps(directory: Path) -> Iterator[tuple[str, int, int, int]]:
    for path in _files(directory, MANIFEST_SUFFIX, NETWORK_SUFFIX):
        try:
            found = path.stat()
        except OSError:
            continue  # renamed or deleted meanwhile; the next token tells
        yield str(path), found.st_mtime_ns, found.st_ino, found.st_size


def _files(directory: Path, *suffixes: str) -> list[Path]:
    """Files that are no leftovers of a write: those, and the inner links of a ConfigMap, begin with a dot."""
    try:
        return [f for f in directory.iterdir() if f.suffix in suffixes and not f.name.startswith(".")]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as e:
        raise ArtefactError(f"{directory}: cannot be read: {e.strerror or e}") from e

"""A trained artefact on disk: `<name>.onnx` and its manifest `<name>.json`, side by side in one flat directory.

Flat, so that a ConfigMap or a volume holds it as it is. An artefact never changes: a name that exists is refused for
other content, so that no reader can meet the old manifest beside the new network, and a rollback finds what it needs.
"""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec

from models import manifest as manifests
from models.aside import read_at_most, write_aside
from models.errors import ArtefactError
from models.manifest import Manifest, check_name

__all__ = ["MANIFEST_SUFFIX", "NETWORK_SUFFIX", "Artefact", "read", "read_manifest", "write"]

NETWORK_SUFFIX: Final = ".onnx"
MANIFEST_SUFFIX: Final = ".json"

MAX_NETWORK_BYTES: Final = 64 * 2**20
MAX_MANIFEST_BYTES: Final = 2**20


@dataclass(frozen=True)
class Artefact:
    """An artefact whose network is the one that its manifest speaks of."""

    manifest: Manifest
    network: bytes
    """The ONNX file; in memory, so that what was verified is what is loaded."""
    path: Path
    """Where the network came from, for messages."""


def write(directory: Path, manifest: Manifest, network: bytes) -> Manifest:
    """Write an artefact, its network first and its manifest last: what has a manifest is whole.

    Returns the manifest with the network's sha256. Raises ArtefactError if the name is unusable or taken by another
    network, or the directory cannot be written.
    """
    complete = msgspec.structs.replace(manifest, sha256=sha256(network).hexdigest())
    content = manifests.encode(complete)
    manifests.decode(content, f"the manifest of {manifest.name!r}")
    if len(network) > MAX_NETWORK_BYTES:
        raise ArtefactError(f"{manifest.name}: a network of {len(network):,} bytes; the most is {MAX_NETWORK_BYTES:,}")
    _refuse_another(directory, complete)
    write_aside(_path(directory, manifest.name, NETWORK_SUFFIX), network)
    write_aside(_path(directory, manifest.name, MANIFEST_SUFFIX), content)
    return complete


def _refuse_another(directory: Path, manifest: Manifest) -> None:
    """The name may be free, or be that of the same network."""
    if not _path(directory, manifest.name, MANIFEST_SUFFIX).exists():
        return
    if read_manifest(directory, manifest.name).sha256 != manifest.sha256:
        path = _path(directory, manifest.name, NETWORK_SUFFIX)
        raise ArtefactError(f"{path}: exists and is another network; choose another name, or delete it first")


def read_manifest(directory: Path, name: str) -> Manifest:
    """Read a manifest without its network; raises ArtefactError."""
    path = _path(directory, name, MANIFEST_SUFFIX)
    manifest = manifests.decode(_content(path, MAX_MANIFEST_BYTES), str(path))
    if manifest.name != name:
        raise ArtefactError(f"{path}: the manifest of {manifest.name!r}; rename both of its files to that name")
    return manifest


def read(directory: Path, name: str) -> Artefact:
    """Read and verify an artefact; raises ArtefactError that names the file and says what to do."""
    manifest = read_manifest(directory, name)
    path = _path(directory, name, NETWORK_SUFFIX)
    network = _content(path, MAX_NETWORK_BYTES)
    found = sha256(network).hexdigest()
    if found != manifest.sha256:
        raise ArtefactError(
            f"{path}: its sha256 is {found[:12]}… and its manifest says {manifest.sha256[:12] or 'nothing'}…: "
            f"a truncated or altered download ({len(network):,} bytes); fetch both files again"
        )
    return Artefact(manifest, network, path)


def _content(path: Path, limit_bytes: int) -> bytes:
    try:
        return read_at_most(path, limit_bytes)
    except FileNotFoundError as e:
        raise ArtefactError(f"{path}: no such file; an artefact is NAME.onnx and NAME.json in one directory") from e
    except OSError as e:
        raise ArtefactError(f"{path}: cannot be read: {e.strerror or e}") from e


def _path(directory: Path, name: str, suffix: str) -> Path:
    return directory / f"{check_name(name)}{suffix}"

"""Puts trained models into the package: `python -m models.packing FROM SHARED VIOLATION`, for `make packaged-models`.

What lay there before is removed once the new ones were verified, loaded and run.
"""

import sys
from pathlib import Path

from models import artefact, promoted
from models.artefact import MANIFEST_SUFFIX, NETWORK_SUFFIX
from models.aside import write_aside
from models.errors import ArtefactError, ModelError
from models.loading import load_estimator, load_forecaster
from models.promoted import Promoted
from models.registry import PROMOTED_FILE, Registry, packaged_directory

__all__ = ["MOST_BYTES", "pack"]

MOST_BYTES = 1_000_000
"""Of all networks: everyone who installs the package carries them."""


def pack(source: Path, shared: str, violation: str, target: Path) -> None:
    """Copy two models of a directory and let them serve; raises ModelError, and changes nothing, if one cannot."""
    registry = Registry(source)
    load_forecaster(registry, shared, threads=1)
    load_estimator(registry, violation, threads=1)
    found = [registry.read(name) for name in (shared, violation)]
    if (size := sum(len(one.network) for one in found)) > MOST_BYTES:
        raise ArtefactError(f"{source}: networks of {size:,} bytes; the package takes {MOST_BYTES:,}")
    for old in (*target.glob(f"*{NETWORK_SUFFIX}"), *target.glob(f"*{MANIFEST_SUFFIX}")):
        old.unlink()
    for one in found:
        artefact.write(target, one.manifest, one.network)
    write_aside(target / PROMOTED_FILE, promoted.encode(Promoted(shared=shared, violation=violation)))


if __name__ == "__main__":
    try:
        pack(Path(sys.argv[1]), sys.argv[2], sys.argv[3], packaged_directory())
    except (IndexError, ModelError) as e:
        sys.exit(f"models.packing FROM SHARED VIOLATION: {e}")

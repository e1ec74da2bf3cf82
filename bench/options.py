"""What the command line says to every section."""

import os
from dataclasses import dataclass, field
from pathlib import Path

from bench.timing import Skipped

__all__ = ["Options"]

NULL_EXTENDER = "../shared/tools/null-extender/null-extender"


def _null_extender() -> Path:
    return Path(os.environ.get("NULL_EXTENDER") or NULL_EXTENDER)


def _binaries() -> Path:
    return Path(os.environ.get("KUBEBUILDER_ASSETS") or "KUBEBUILDER_ASSETS")


@dataclass(frozen=True)
class Options:
    """How long to measure, and where the programs are that are not ours."""

    quick: bool = False
    """Fewer and shorter repetitions: to see whether a section works, not to judge a figure."""
    soak_s: float = 180.0
    """How long the hour's load of the soak test takes."""
    null_extender: Path = field(default_factory=_null_extender)
    binaries: Path = field(default_factory=_binaries)

    def null_program(self) -> Path:
        """The Go yardstick; raises Skipped without it."""
        if not os.access(self.null_extender, os.X_OK):
            raise Skipped(f"no null extender at {self.null_extender}: set NULL_EXTENDER to that program")
        return self.null_extender

    def control_plane(self) -> Path:
        """The folder of etcd, kube-apiserver and kube-scheduler; raises Skipped without them."""
        if missing := [n for n in ("etcd", "kube-apiserver", "kube-scheduler") if not (self.binaries / n).exists()]:
            raise Skipped(
                f"no {', '.join(missing)}: set KUBEBUILDER_ASSETS to their folder (setup-envtest use -p path)"
            )
        return self.binaries

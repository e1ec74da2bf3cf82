"""Make the image's environment small, then quick to start.

`prune` removes what no service of neilats reads: test data, training tools, and the typed models of the Kubernetes API,
which the extender does not use because it reads raw JSON. `compile` imports what the services import, so that only
those modules carry byte code. It fails where something that was removed is missed after all.
"""

import importlib
import shutil
import sys
import sysconfig
from pathlib import Path
from typing import Final

SITE: Final = Path(sysconfig.get_path("purelib"))

UNUSED: Final = (
    "kubernetes/client/api/[!_]*.py",
    "kubernetes/client/models/[!_]*.py",
    "kubernetes/aio/client/api/[!_]*.py",
    "kubernetes/aio/client/models/[!_]*.py",
    "numpy/**/tests",
    "numpy/f2py",
    "onnx/backend",
    "onnx/reference",
    "onnxruntime/datasets",
    "onnxruntime/quantization",
    "onnxruntime/tools",
    "onnxruntime/transformers",
)
"""Below site-packages; a pattern that matches nothing is an error: the package has changed, look again."""

SERVICES: Final = (
    "neilats.cli",
    "neilats.settings",
    "extender.app",
    "extender.cluster.kube",
    "prober.app",
    "prober.service",
    "models.registry",
)


def main() -> None:
    """Do the step that is named."""
    {"prune": _prune, "compile": _compile}[sys.argv[1]]()


def _prune() -> None:
    for pattern in UNUSED:
        found = list(SITE.glob(pattern))
        if not found:
            raise SystemExit(
                f"{pattern} is not in {SITE}: look where the pinned package keeps it now, or take it out of UNUSED"
            )
        for path in found:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()


def _compile() -> None:
    for name in SERVICES:
        importlib.import_module(name)


if __name__ == "__main__":
    main()

"""neilats: neighbour-latency scheduling for Kubernetes. The front door: settings, log, command line, demo."""

import os
from importlib.metadata import PackageNotFoundError, version

__all__ = ["__version__"]

# Our matrices are small and the services compute in threads of their own, which those of OpenBLAS would wait for.
# It is read when numpy is first imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

try:
    __version__ = version("neilats")
except PackageNotFoundError:  # a source tree that was never installed
    __version__ = "0+unknown"

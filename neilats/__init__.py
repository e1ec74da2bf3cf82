"""neilats: neighbour-latency scheduling for Kubernetes. The front door: settings, log, command line, demo."""

from importlib.metadata import PackageNotFoundError, version

__all__ = ["__version__"]

try:
    __version__ = version("neilats")
except PackageNotFoundError:  # a source tree that was never installed
    __version__ = "0+unknown"

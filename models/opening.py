"""The registry that a setting names."""

from pathlib import Path

from models.registry import Registry, packaged_directory

__all__ = ["open_registry"]


def open_registry(models_dir: str) -> Registry:
    """A user's directory over the package's models; the package's alone where none is given."""
    return Registry.standard(Path(models_dir)) if models_dir else Registry(packaged_directory())

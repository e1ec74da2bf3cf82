"""The forecasters that can be chosen: every one answers the same interface, `scoring.forecast.Forecaster`."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from scoring.forecast import Forecaster
from scoring.naive import DecayedMeanForecaster, MedianForecaster

__all__ = ["AUTO", "CHOICES", "DEFAULT", "FORECASTERS", "NETWORK", "forecaster"]

FORECASTERS: Final[Mapping[str, Callable[[], Forecaster]]] = MappingProxyType(
    {"median": MedianForecaster, "decayed-mean": DecayedMeanForecaster}
)
"""Those that need no training."""

AUTO: Final = "auto"
"""The promoted networks, else the package's, else the median."""
NETWORK: Final = "network"
"""As `AUTO`, but an error where there is none."""

DEFAULT: Final = AUTO
CHOICES: Final = (AUTO, *FORECASTERS)
"""What the setting `forecaster` may be: a service never refuses to start for want of a network."""


def forecaster(name: str, models_dir: str = "") -> Forecaster:
    """The forecaster of this name, networks from a directory over the package's; raises ValueError with the names.

    A network that cannot be loaded is a ValueError (`models.errors.ModelError`) that names the file.
    """
    if name in FORECASTERS:
        return FORECASTERS[name]()
    if name not in (AUTO, NETWORK):
        raise ValueError(f"no forecaster {name!r}; there are {', '.join((AUTO, NETWORK, *FORECASTERS))}")
    return _networks(models_dir, required=name == NETWORK)


def _networks(models_dir: str, required: bool) -> Forecaster:
    # Late, because ONNX Runtime takes a quarter of a second to import and the naive rules do not need it.
    from models.errors import ArtefactError
    from models.holder import ModelHolder, ModelLoad
    from models.opening import open_registry

    troubles: list[ModelLoad] = []
    holder = ModelHolder(open_registry(models_dir), heard=troubles.append)
    holder.refresh()
    for load in troubles:
        if load.error:
            raise ArtefactError(load.error)
    if required and holder.current.estimator is None and holder.current.points.name in FORECASTERS:
        raise ArtefactError("no network is promoted, and the package has none; train one, or choose another forecaster")
    return holder.current.forecaster

"""The forecasters that can be chosen: every one answers the same interface, `scoring.forecast.Forecaster`."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from scoring.forecast import Forecaster
from scoring.naive import DecayedMeanForecaster, MedianForecaster

__all__ = ["DEFAULT", "FORECASTERS", "forecaster"]

FORECASTERS: Final[Mapping[str, Callable[[], Forecaster]]] = MappingProxyType(
    {"median": MedianForecaster, "decayed-mean": DecayedMeanForecaster}
)

DEFAULT: Final = "median"
"""What a forecast has to beat, and what answers until one does."""


def forecaster(name: str) -> Forecaster:
    """The forecaster of this name; raises ValueError with the names that exist."""
    if name not in FORECASTERS:
        raise ValueError(f"no forecaster {name!r}; there are {', '.join(FORECASTERS)}")
    return FORECASTERS[name]()

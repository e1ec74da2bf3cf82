"""The models that serve now, followed through promotions: what fails to load leaves the one before in its place."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Generic, TypeVar

from models.errors import ModelError
from models.loading import load_estimator, load_forecaster
from models.registry import Registry, Token
from models.runtime.estimator import QuantileEstimator, ViolationEstimator
from models.runtime.forecast import ForecastNetwork
from models.runtime.networks import NAIVE, Networks
from scoring.forecast import HORIZON_SLOTS, Forecaster

__all__ = ["ModelHolder", "ModelLoad", "Models"]

T = TypeVar("T")


@dataclass(frozen=True)
class Models:
    """What serves at one time; it never changes, so that a call works with one generation from begin to end."""

    generation: int = 0
    """Another number, other models."""
    points: Forecaster = NAIVE
    """Forecasts RTT for every pair: a network, or a naive rule."""
    estimator: ViolationEstimator | None = None
    """Forecasts violations; None: nobody but the naive rule."""
    pairs: Mapping[str, Forecaster] = field(default_factory=dict)
    """`a2b` → the pair's own imported model."""

    @property
    def forecaster(self) -> Networks:
        """All of it behind one interface."""
        return Networks(self.points, self.estimator)


@dataclass(frozen=True)
class ModelLoad:
    """A model was loaded, or was not."""

    name: str
    error: str = ""
    """Why not, naming the file; empty where it was loaded."""


@dataclass(frozen=True)
class _Loaded(Generic[T]):
    """A model and the content that it was loaded from."""

    key: tuple[str, str]
    """(name, sha256)."""
    model: T


class ModelHolder:
    """Holds the current models; `refresh` may run in any one thread at a time while others read `current`.

    Args:
        registry: where they come from.
        points: a forecaster that is to serve in place of all shared networks, or None for the promoted ones.
        threads: most threads of one run.
        heard: learns each load and each failure, once for each change of the files; called by `refresh`.
    """

    def __init__(
        self,
        registry: Registry,
        points: Forecaster | None = None,
        threads: int = 2,
        heard: Callable[[ModelLoad], None] = lambda load: None,
    ) -> None:
        self._registry, self._fixed, self._threads, self._heard = registry, points, threads, heard
        self._token: Token | None = None
        self._trouble = ""
        self._points: _Loaded[Forecaster] | None = None
        self._estimator: _Loaded[ViolationEstimator] | None = None
        self._pairs: dict[str, _Loaded[Forecaster]] = {}
        self.current = Models(points=points or NAIVE)

    def refresh(self) -> bool:
        """Load what changed since the last call; returns whether other models serve now. It never raises.

        Reads files and runs networks: for a thread of its own.
        """
        try:
            token = self._registry.token()
            if token == self._token:
                return False
            self._token = token
            serving, packaged = self._registry.serving(), self._registry.packaged_serving()
        except ModelError as e:
            self._failed_to_look(str(e))
            return False
        self._trouble = ""
        if self._fixed is None:
            self._points = self._follow(serving.shared, self._points, load_forecaster, packaged.shared)
            self._estimator = self._follow(serving.violation, self._estimator, load_estimator, packaged.violation)
        found = {p: self._follow(name, self._pairs.get(p), load_forecaster) for p, name in serving.pairs.items()}
        self._pairs = {pair: loaded for pair, loaded in found.items() if loaded is not None}
        return self._swap()

    def _failed_to_look(self, trouble: str) -> None:
        """The registry itself cannot be read; say so once, not at every poll."""
        if trouble != self._trouble:
            self._trouble = trouble
            self._heard(ModelLoad("promoted", trouble))

    def _follow(
        self,
        name: str | None,
        loaded: _Loaded[T] | None,
        load: Callable[[Registry, str, int], T],
        packaged: str | None = None,
    ) -> _Loaded[T] | None:
        """The model of this name: the loaded one if it is that, or a new one.

        On failure still the loaded one; where there is none, as after a restart, the package's.
        """
        if name is None:
            return None
        if (found := self._load(name, loaded, load)) is not None:
            return found
        return loaded if loaded is not None or packaged in (None, name) else self._follow(packaged, None, load)

    def _load(self, name: str, loaded: _Loaded[T] | None, load: Callable[[Registry, str, int], T]) -> _Loaded[T] | None:
        """The model of this name, loaded unless it is already; None where it cannot be."""
        try:
            key = (name, self._registry.read(name).manifest.sha256)
            if loaded is not None and loaded.key == key:
                return loaded
            fresh = _Loaded(key, load(self._registry, name, self._threads))
        except ModelError as e:
            self._heard(ModelLoad(name, str(e)))
            return None
        except Exception as e:  # a hostile file must not end the service, whatever a library makes of it
            self._heard(ModelLoad(name, f"{name}: {type(e).__name__}: {e}"))
            return None
        self._heard(ModelLoad(name))
        return fresh

    def _swap(self) -> bool:
        """Put the loaded models in place, by one assignment, if they are others than before."""
        points = self._fixed or (self._points.model if self._points else NAIVE)
        estimator = self._estimator.model if self._estimator else self._by_quantiles(points)
        pairs = {pair: loaded.model for pair, loaded in self._pairs.items()}
        now = self.current
        if points is now.points and _same(estimator, now.estimator) and pairs == now.pairs:
            return False
        self.current = Models(now.generation + 1, points, estimator, MappingProxyType(pairs))
        return True

    @staticmethod
    def _by_quantiles(points: Forecaster) -> ViolationEstimator | None:
        return QuantileEstimator(points, HORIZON_SLOTS) if isinstance(points, ForecastNetwork) else None


def _same(one: ViolationEstimator | None, other: ViolationEstimator | None) -> bool:
    if isinstance(one, QuantileEstimator) and isinstance(other, QuantileEstimator):
        return one.forecaster is other.forecaster
    return one is other

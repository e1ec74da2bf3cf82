"""The extender's own code on a trace: windows, pooled noise, gathering, profiles, integers.

Slices are appended as reports would bring them; a draw at slice t sees those before t. Nothing is rebuilt here: what a
decision reads in production, it reads in a replay.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from extender.evaluate import evaluate
from extender.gather import Gathered, gather
from extender.noise import NoiseTable
from extender.windows import WindowStore
from neilats.replay.protocol import Draw
from neilats.settings import ExtenderSettings
from neilats.traces import Trace
from scoring.adf import adf_batch
from scoring.forecast import Forecast, Forecaster
from scoring.paths import Paths
from scoring.profiles import PROFILES
from scoring.seed import WINDOW_SLOTS

__all__ = ["Production"]

ASKED: Final = 0.25
"""When after the last slice a pod asks, in slices: before the next is due."""

STALE_STEPS: Final = 4
"""A path is fresh for four steps between its readings, as the setting `stale_after_s` has it by default."""


class Production:
    """An extender's windows that follow a trace, and the scores that profiles make of them."""

    def __init__(self, seen: Trace, profiles: Sequence[str], forecaster: Forecaster) -> None:
        self._rtt_ms, self._nodes, self._interval_s = seen.rtt_ms, seen.nodes, seen.interval_s
        self._profiles = [PROFILES[name] for name in profiles]
        self._forecaster = _Once(forecaster)
        self._fresh_for_s = STALE_STEPS * seen.step_slices * seen.interval_s
        self._source, self._target = np.nonzero(~np.isnan(seen.rtt_ms).all(axis=0))
        self._store = WindowStore(ExtenderSettings().window_slots, seen.interval_s, len(self._source) + 1)
        self._rows = self._ensure()
        self._noise = NoiseTable(self._store)
        self._t = 0

    def _ensure(self) -> NDArray[np.intp]:
        rows = [
            self._store.ensure(name, [self._nodes[j] for j in self._target[self._source == i]])
            for i, name in enumerate(self._nodes)
        ]
        return np.concatenate(rows)  # the sources are in ascending order, as np.nonzero gives them

    def scores(self, draws: Sequence[Draw]) -> list[Mapping[str, NDArray[np.int64]]]:
        """For each of the draws of one slice, [n] integers 0..10 of each profile; slices come in ascending order."""
        gathered = self.gathered(draws)
        if any(profile.needs_adf for profile in self._profiles):
            gathered = _with_adf(gathered)
        return [self._evaluate(found, draw.sla_ms) for found, draw in zip(gathered, draws, strict=True)]

    def gathered(self, draws: Sequence[Draw]) -> list[Gathered]:
        """What is known of the candidates in each of the draws of one slice; slices come in ascending order."""
        self._advance(draws[0].t)
        return [self._gather(draw) for draw in draws]

    def _evaluate(self, gathered: Gathered, sla_ms: float) -> Mapping[str, NDArray[np.int64]]:
        return {
            profile.name: evaluate([gathered], profile, sla_ms, "all", (1.0,), self._forecaster).scores
            for profile in self._profiles
        }

    def _advance(self, t: int) -> None:
        if t == self._t:
            return
        for k in range(self._t, t):
            at = np.full(len(self._rows), k * self._interval_s)
            self._store.append(self._rows, at, self._rtt_ms[k, self._source, self._target].astype(np.float64))
        self._t = t
        for node in self._nodes:
            self._noise.refresh(node, self._now)

    @property
    def _now(self) -> float:
        return (self._t - 1 + ASKED) * self._interval_s

    def _gather(self, draw: Draw) -> Gathered:
        names = [self._nodes[j] for j in draw.candidates]
        return gather(self._store, self._noise, self._nodes[draw.peer], names, self._now, self._fresh_for_s)


def _with_adf(gathered: Sequence[Gathered]) -> list[Gathered]:
    """The paths with their ADF scores, computed at once for all: one by one they would take most of the time."""
    windows = np.concatenate([found.paths.windows for found in gathered])
    score = np.nan_to_num(adf_batch(windows[:, -WINDOW_SLOTS:]).score)
    ends = np.cumsum([len(found.names) for found in gathered])[:-1]
    return [
        replace(found, paths=replace(found.paths, adf_score=own))
        for found, own in zip(gathered, np.split(score, ends), strict=True)
    ]


class _Once:
    """A forecaster that is asked once for each draw, however many profiles want its answer."""

    def __init__(self, forecaster: Forecaster) -> None:
        self._forecaster = forecaster
        self._paths: Paths | None = None
        self._horizon = 0
        self._answer: Forecast | None = None

    @property
    def name(self) -> str:
        """The forecaster's."""
        return self._forecaster.name

    def forecast(self, paths: Paths, horizon: int) -> Forecast:
        """The forecaster's answer, from memory for the same paths."""
        if self._answer is None or self._paths is not paths or self._horizon != horizon:
            self._answer, self._paths, self._horizon = self._forecaster.forecast(paths, horizon), paths, horizon
        return self._answer

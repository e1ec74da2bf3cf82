"""Follows promotions while serving: a look at the files every few seconds, and loading beside the event loop."""

import asyncio

from extender.metrics import Metrics
from models.holder import ModelHolder, ModelLoad
from neilats.log import get_logger

__all__ = ["Reloader", "heard_load"]

log = get_logger("extender.models")


class Reloader:
    """Polls the models' holder."""

    def __init__(self, holder: ModelHolder, poll_s: float) -> None:
        self._holder, self._poll_s = holder, poll_s

    async def run(self) -> None:
        """Look again and again, for ever."""
        while True:
            await asyncio.sleep(self._poll_s)
            try:
                await self.refresh()
            except Exception:
                log.exception("looking for models failed")

    async def refresh(self) -> None:
        """Load what changed; calls that are under way finish with the models that they began with."""
        if await asyncio.to_thread(self._holder.refresh):
            now = self._holder.current
            violations = now.estimator.name if now.estimator else "naive"
            log.info(
                "models changed",
                extra={"forecasts": now.points.name, "violations": violations, "pairs": len(now.pairs)},
            )


def heard_load(metrics: Metrics, load: ModelLoad) -> None:
    """Count and log a load or its failure."""
    metrics.model_loads.labels("failed" if load.error else "loaded").inc()
    if load.error:
        log.error("model not loaded; what served before goes on", extra={"model": load.name, "why": load.error})
    else:
        log.info("model loaded", extra={"model": load.name})

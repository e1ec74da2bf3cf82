"""One look at a cluster, from the API server to the report."""

import asyncio

from extender.cluster.api import Api
from neilats.doctor.checks import Report, examine
from neilats.doctor.gather import gather

__all__ = ["visit"]


async def visit(api: Api, namespace: str = "", watch_s: float = 0.0) -> Report:
    """Gather the facts, with so many seconds between two looks at the metrics, and examine them.

    Raises DoctorError where the API server cannot be asked.
    """

    async def pause() -> None:
        await asyncio.sleep(watch_s)

    return examine(await gather(api, namespace, pause=pause if watch_s else None))

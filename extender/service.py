"""The extender's life: start what it needs, listen, run until told to stop, and stop in order."""

import asyncio
import gc
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final

from extender.ahead import Ahead
from extender.app import Extender, build, new_metrics
from extender.cluster.base import Cluster, ClusterError
from extender.cluster.choose import open_cluster
from extender.garbage import Garbage
from extender.heap import Heap, glibc_trim
from extender.listeners import Listeners
from extender.loop import new_loop
from extender.metrics import Metrics
from extender.selectors import parse_selector
from models import CHOICES
from neilats import parse
from neilats.log import get_logger
from neilats.settings import ExtenderSettings
from scoring.profiles import PROFILES

__all__ = ["PARSERS", "Listening", "main", "run"]

log = get_logger("extender")

PARSERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "profile": parse.choice(*PROFILES),
    "forecaster": parse.choice(*CHOICES),
    "prober_nodes": lambda raw: str(parse_selector(parse.text(raw))),
}
"""Settings whose allowed values only this package knows."""

DRAIN_S: Final = 0.5
"""Between unready and closing: callers that hold a connection get their answers. The time for the events of these
answers and for the lease, and then that of the listeners for open requests come on top; all together stays below the
five seconds that are promised."""

SWITCH_S: Final = 0.0005
"""After so long the thread that computes forecasts gives way to an answer; Python's default is ten times that."""

Listening = Callable[[Extender, Mapping[str, str]], None]


async def run(
    settings: ExtenderSettings,
    cluster: Cluster | None = None,
    *,
    listening: Listening = lambda extender, where: None,
    stop: asyncio.Event | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT, or until `stop` is set where the caller minds the signals itself.

    `listening` learns the extender and the addresses once they are bound.
    """
    metrics = new_metrics()
    cluster = cluster or await open_cluster(settings, on_restart=_count_restarts(metrics))
    extender = build(settings, cluster, metrics=metrics)
    stop = stop or _on_signals()
    async with AsyncExitStack() as stack:
        stack.callback(extender.worker.close)
        stack.callback(extender.estimates.close)
        stack.push_async_callback(extender.cluster.close)  # after the listeners, whose last calls may still ask it
        listeners = Listeners(settings, extender.apps, metrics)
        stack.push_async_callback(listeners.close)
        where = await listeners.open()
        await extender.cluster.start()
        _announce(extender, where)
        listening(extender, where)
        _settle_memory()
        tasks = await stack.enter_async_context(_background(extender, listeners))
        stack.push_async_callback(extender.voice.close)  # before its task ends, and while the API server may be asked
        await _until(stop, tasks)
        extender.health.stopping = True
        log.info("stopping")
        await asyncio.sleep(DRAIN_S)
    log.info("stopped")


def _settle_memory() -> None:
    """Have the garbage collector leave alone what is alive now: to look at all of it takes 90 ms, amid the answers."""
    gc.collect()
    gc.freeze()


def _on_signals() -> asyncio.Event:
    stop = asyncio.Event()
    for sig in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(sig, stop.set)
    return stop


def _count_restarts(metrics: Metrics) -> Callable[[str, str], None]:
    def count(kind: str, reason: str) -> None:
        metrics.watch_restarts.labels(kind).inc()

    return count


@asynccontextmanager
async def _background(extender: Extender, listeners: Listeners) -> AsyncIterator[Sequence[asyncio.Task[None]]]:
    """The tasks in the background, from now on until this is left."""
    jobs: Mapping[str, Coroutine[Any, Any, None]] = {
        "followup": extender.followup.run(),
        "ahead": Ahead(extender.decider.scorer.standings, extender.settings.interval_s).run(),
        "placed": extender.placed.run(),
        "events": extender.voice.run(),
        "waker": extender.waker.run(),
        "housekeeper": extender.housekeeper.run(),
        "garbage": Garbage(lambda: extender.decider.calls.latest).run(),
        "heap": Heap(lambda: extender.decider.calls.latest, glibc_trim()).run(),
        "recorder": extender.recorder.run(),
        "models": extender.reloader.run(),
        "forecasts": extender.refresher.run(),
        "estimates": extender.estimates.run(),
        "certificates": listeners.renew(),
    }
    tasks = [asyncio.create_task(job, name=name) for name, job in jobs.items()]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _until(stop: asyncio.Event, tasks: Sequence[asyncio.Task[None]]) -> None:
    """Wait until told to stop; a background task that ends or fails ends the service."""
    waiter = asyncio.create_task(stop.wait(), name="stop")
    try:
        done, _ = await asyncio.wait([*tasks, waiter], return_when=asyncio.FIRST_COMPLETED)
        for task in done - {waiter}:
            task.result()
            raise RuntimeError(f"background task ended: {task}")
    finally:
        waiter.cancel()
        await asyncio.gather(waiter, return_exceptions=True)


def _announce(extender: Extender, where: Mapping[str, str]) -> None:
    settings = extender.settings
    log.info(
        "listening",
        extra={
            **where,
            "tls": bool(settings.tls_cert),
            "report_auth": settings.report_auth,
            "api_auth": settings.api_auth,
            "profile": settings.profile,
            "interval_s": settings.interval_s,
            "shadow": settings.shadow,
            "cluster": type(extender.cluster).__name__,
            "nodes": len(extender.cluster.nodes),
        },
    )
    if not settings.tls_cert and (settings.report_auth, settings.api_auth) != ("address", "none"):
        log.warning("tokens come over plain HTTP, where they can be read: set tls_cert and tls_key")


def main(settings: ExtenderSettings) -> int:
    """Run the service; what can be expected to go wrong at the start becomes one log line and status 1."""
    try:
        sys.setswitchinterval(SWITCH_S)
        with asyncio.Runner(loop_factory=new_loop) as runner:
            runner.run(run(settings))
    except ClusterError as e:
        log.error("cannot watch the cluster", extra={"why": e})
    except OSError as e:  # also ssl.SSLError and TlsError
        addresses = {"webhooks": settings.webhook_listen, "api": settings.listen}
        others = {"metrics": settings.metrics_listen, "legacy": settings.legacy_listen}
        log.error("cannot listen", extra={**addresses, **{k: v for k, v in others.items() if v}, "why": e})
    except RuntimeError:
        log.exception("a background task failed")
    else:
        return 0
    return 1

"""Metrics of pods through the API server's proxy: a few at a time, none for long, and no more than a sample of many."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final
from urllib.parse import quote

from extender.cluster.api import Api, ApiError
from neilats.doctor.facts import Source
from neilats.doctor.pods import PodItem
from neilats.doctor.samples import Samples, SamplesError, Scrape

__all__ = ["MAX_EXTENDERS", "MAX_PROBERS", "Groups", "Pause", "Scraper", "spread"]

Groups = Mapping[Source, Sequence[PodItem]]
Pause = Callable[[], Awaitable[None]]

MAX_EXTENDERS: Final = 16
MAX_PROBERS: Final = 64
_AT_ONCE: Final = 8
_PATIENCE_S: Final = 10.0
_PORTS: Final = {"extender": 9426, "prober": 9427}
_PORT_NAME: Final = "metrics"
_TLS_PORT_NAME: Final = "api"  # where an extender has its metrics if they have no port of their own
_PROTECTED: Final = (
    "metrics that are not protected: they want a token that the doctor cannot send. Set auth.metrics to open, or ask "
    "/metrics of the extender's port api with a token of one of auth.metricsReaders, as docs/security.md shows"
)


def spread(pods: Sequence[PodItem], most: int) -> list[PodItem]:
    """At most so many pods, evenly spread over their nodes' names, so that each run asks the same ones."""
    by_node = sorted(pods, key=lambda p: (p.spec.node_name, p.metadata.name))
    step = max(1.0, len(by_node) / most)
    return [by_node[int(i * step)] for i in range(min(most, len(by_node)))]


class Scraper:
    """Asks pods for their metrics. `unread` and `notes` say what could not be had."""

    def __init__(self, api: Api, *, patience_s: float = _PATIENCE_S) -> None:
        self._api, self._patience_s = api, patience_s
        self._gate = asyncio.Semaphore(_AT_ONCE)
        self.unread: dict[Source, str] = {}
        self.notes: list[str] = []

    async def scrape(self, groups: Groups, pause: Pause | None) -> dict[Source, list[Scrape]]:
        """What the pods of each source say: now, or before and after a pause."""
        first = {source: await self._all(source, pods) for source, pods in groups.items()}
        heard = {s: [p for p in pods if str(p.metadata) in first[s]] for s, pods in groups.items()}
        if pause is None or not any(heard.values()):
            return {source: list(found.values()) for source, found in first.items()}
        await pause()
        again = {source: await self._all(source, pods, again=True) for source, pods in heard.items()}
        return {s: [_joined(scrape, again[s].get(scrape.pod)) for scrape in first[s].values()] for s in groups}

    async def _all(self, source: Source, pods: Sequence[PodItem], *, again: bool = False) -> dict[str, Scrape]:
        """By pod; those that do not answer are left out and said to be."""
        answers = await asyncio.gather(*(self._one(p, _component(source)) for p in pods))
        scrapes = {str(p.metadata): a for p, a in zip(pods, answers, strict=True) if isinstance(a, Scrape)}
        errors = [a for a in answers if isinstance(a, ApiError)]
        if errors and not again:
            self._tell(source, errors, len(pods))
        if not scrapes and not again:
            namespace = pods[0].metadata.namespace if pods else ""
            denied = any(e.status == 403 for e in errors)
            needs = (
                f"get pods/proxy in namespace {namespace}" if denied else f"a ready {_component(source)} that answers"
            )
            self.unread[source] = _PROTECTED if any(e.status == 401 for e in errors) else needs
        return scrapes

    def _tell(self, source: Source, errors: list[ApiError], count: int) -> None:
        told = [e for e in errors if e.status not in (401, 403)]
        if told:
            self.notes.append(f"{len(told)} of {count} pods do not show the {source}; the first says: {told[0]}")

    async def _one(self, pod: PodItem, component: str) -> Scrape | ApiError:
        """The metrics of a pod; ApiError is returned, because the others are asked all the same."""
        meta = pod.metadata
        scheme, port = _where(pod, component)
        target = quote(f"{scheme}:{meta.name}:{port}", safe=":")
        path = f"/api/v1/namespaces/{quote(meta.namespace, safe='')}/pods/{target}/proxy/metrics"
        try:
            async with self._gate, asyncio.timeout(self._patience_s):
                body = await self._api.get(path, {})
            samples = Samples.parse(body.decode(errors="replace"))
            return Scrape(str(meta), pod.spec.node_name, samples)
        except ApiError as e:
            return e
        except TimeoutError:
            return ApiError("silent", f"no answer from {meta} within {self._patience_s:g} s")
        except SamplesError as e:
            return ApiError("broken", f"{meta}: {e}")


def _joined(before: Scrape, now: Scrape | None) -> Scrape:
    """Both looks at a pod; one that has gone meanwhile is as it was."""
    return replace(now, before=before.now) if now else before


def _component(source: Source) -> str:
    return "extender" if source is Source.EXTENDERS else "prober"


def _where(pod: PodItem, component: str) -> tuple[str, int]:
    """The scheme and the port that the container names for its metrics, or the default ones."""
    ports = {p.name: p.container_port for c in pod.spec.all_containers if c.name == component for p in c.ports}
    if _PORT_NAME not in ports and _TLS_PORT_NAME in ports:
        return "https", ports[_TLS_PORT_NAME]
    return "http", ports.get(_PORT_NAME, _PORTS[component])

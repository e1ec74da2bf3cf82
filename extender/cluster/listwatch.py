"""One kind of object kept up to date in a table: list once in pages, then watch from there, for ever.

A watch that ends or breaks is taken up again from the last version seen; only where the API server no longer keeps
that version (410) is everything listed again. Failures are counted, logged and followed by a growing, jittered pause.
"""

import asyncio
import logging
import math
import random
import time
from collections.abc import Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final, Protocol

import msgspec

from extender.cluster.api import Api, ApiError, Reason, decoded
from neilats.log import get_logger

__all__ = ["TIMING", "ListWatch", "Table", "Timing", "decode_object"]

log = get_logger("extender.watch")

_PAGE: Final = 500
_BUSY: Final = (429, 503)  # the version is fine, the server has no time
_BREATHE_EVERY: Final = 50  # objects between two turns of the event loop: a webhook may be waiting


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds: how long a watch lasts, when a silent one counts as dead, and the pauses after failures.

    The API server sends a bookmark about once a minute, so that silence most likely means a dead connection.
    """

    watch_s: float = 300.0
    silence_s: float = 90.0
    pause_s: float = 0.5
    longest_pause_s: float = 30.0
    settled_s: float = 1.0  # a watch that ends sooner is a failure, or a broken proxy would make this spin

    def pause_after(self, failures: int) -> float:
        """A jittered pause that doubles with each failure in a row."""
        limit = min(self.longest_pause_s, self.pause_s * 2.0 ** min(failures - 1, 16))
        return limit * random.uniform(0.5, 1.0)


TIMING: Final = Timing()


class Table(Protocol):
    """Where the objects go."""

    def begin(self) -> None:
        """A list begins, which ends with `retain` or is begun anew."""

    def put(self, raw: Mapping[str, Any]) -> str | int:
        """Take an object as it is now and return its key; ValueError where it cannot be read."""

    def drop(self, raw: Mapping[str, Any]) -> None:
        """Forget an object."""

    def retain(self, keys: set[Any]) -> bool:
        """Forget every object but these: the list is complete. False where one more is needed, begun from now on."""


class _Meta(msgspec.Struct):
    resource_version: str = msgspec.field(name="resourceVersion", default="")
    next_page: str = msgspec.field(name="continue", default="")


class _Page(msgspec.Struct):
    metadata: _Meta
    items: list[msgspec.Raw] | None = None


class _Event(msgspec.Struct):
    type: str
    object: msgspec.Raw


class _Versioned(msgspec.Struct):
    """Any object, a bookmark, or the Status in an ERROR event."""

    metadata: _Meta = msgspec.field(default_factory=_Meta)
    code: int = 0
    message: str = ""


_page = msgspec.json.Decoder(_Page).decode
_event = msgspec.json.Decoder(_Event).decode
decode_object: Final[Callable[[bytes | msgspec.Raw], Any]] = msgspec.json.Decoder().decode
"""Any object, with all its fields."""
_versioned = msgspec.json.Decoder(_Versioned).decode


class ListWatch:
    """Keeps `table` like the objects at `path`.

    `decode` reads an object, with at least the fields that the table looks at; `synced` is set after the first complete
    list; `problem` says what is wrong while nothing works.
    """

    def __init__(
        self,
        api: Api,
        path: str,
        table: Table,
        *,
        params: Mapping[str, str] | None = None,
        decode: Callable[[bytes | msgspec.Raw], Mapping[str, Any]] = decode_object,
        on_restart: Callable[[Reason], None] = lambda reason: None,
        timing: Timing = TIMING,
    ) -> None:
        self._api, self._path, self._table, self._decode = api, path, table, decode
        self._params = dict(params or {})
        self._on_restart = on_restart
        self._timing = timing
        self._version = ""
        self._in_pages = True
        self._failures = 0
        self.synced = asyncio.Event()
        self.problem = ""

    async def run(self) -> None:
        """List and watch until cancelled."""
        while True:
            began = math.inf
            try:
                if not self._version:
                    await self._list()
                began = time.monotonic()
                await self._watch()
                if time.monotonic() - began < self._timing.settled_s:
                    raise ApiError("disconnected", "the watch ended at once")
            except ApiError as e:
                await self._failed(e, time.monotonic() - began)
            except Exception as e:  # a watch that dies silently would leave the table stale for ever
                log.exception("watch failed unexpectedly", extra={"path": self._path})
                await self._failed(ApiError("broken", repr(e)), 0)

    async def _failed(self, error: ApiError, watched_s: float) -> None:
        """Note the failure, decide whether to list again, and pause."""
        if error.reason in ("gone", "broken") or (error.reason == "refused" and error.status not in _BUSY):
            self._version = ""
        self._failures = 1 if watched_s >= self._timing.settled_s else self._failures + 1
        self.problem = str(error)
        self._on_restart(error.reason)
        pause = self._timing.pause_after(self._failures)
        fields = {"path": self._path, "reason": error.reason, "problem": self.problem, "retry_in_s": round(pause, 1)}
        # A quiet kind may go without its bookmark for two minutes, so that silence alone is no reason to worry.
        log.log(logging.INFO if error.reason == "silent" else logging.WARNING, "watch interrupted", extra=fields)
        await asyncio.sleep(pause)

    async def _list(self) -> None:
        if not await self._list_once():
            await self._list_once()  # not for ever: what comes up all the time must not keep this from watching

    async def _list_once(self) -> bool:
        self._table.begin()
        seen: set[str | int] = set()
        token = ""
        while True:
            page = await self._get_page(token)
            await self._take(page, seen)
            if not (token := page.metadata.next_page):
                break
        enough = self._table.retain(seen)
        self._version = page.metadata.resource_version
        self._in_pages = True
        self.problem = ""
        self.synced.set()
        return enough

    async def _get_page(self, token: str) -> _Page:
        paging = {"limit": str(_PAGE), "continue": token} if token else {"limit": str(_PAGE)}
        try:
            return decoded(_page, await self._api.get(self._path, self._params | (paging if self._in_pages else {})))
        except ApiError as e:
            # The pages of one list expire after some minutes. As client-go does, then ask for all at once.
            self._in_pages = e.reason != "gone"
            raise

    async def _take(self, page: _Page, seen: set[str | int]) -> None:
        for i, raw in enumerate(page.items or ()):
            if (key := self._put(raw)) is not None:
                seen.add(key)
            if i % _BREATHE_EVERY == 0:
                await asyncio.sleep(0)

    async def _watch(self) -> None:
        params = self._params | {
            "watch": "1",
            "resourceVersion": self._version,
            "allowWatchBookmarks": "true",
            # Spread, so that all watches of all replicas do not come back in the same second.
            "timeoutSeconds": str(round(self._timing.watch_s * random.uniform(0.8, 1.2))),
        }
        async with aclosing(self._api.lines(self._path, params, self._timing.silence_s, self._opened)) as lines:
            count = 0
            async for line in lines:
                self._apply(decoded(_event, line))
                count += 1
                if count % _BREATHE_EVERY == 0:
                    await asyncio.sleep(0)

    def _opened(self) -> None:
        self.problem = ""

    def _apply(self, event: _Event) -> None:
        known = decoded(_versioned, event.object)
        match event.type:
            case "ERROR":
                self._version = ""  # whatever the code, this server cannot go on from there
                raise ApiError.of_status(known.code, known.message)
            case "DELETED":
                self._table.drop(decoded(self._decode, event.object))
            case "ADDED" | "MODIFIED":
                self._put(event.object)
        self._version = known.metadata.resource_version or self._version

    def _put(self, raw: msgspec.Raw) -> str | int | None:
        try:
            return self._table.put(decoded(self._decode, raw))
        except (ApiError, ValueError) as e:
            log.warning("object skipped: it cannot be read", extra={"path": self._path, "problem": str(e)})
            return None

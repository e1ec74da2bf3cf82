"""Reports to every extender replica: one task each, with its own acknowledgements, plus one that resolves the names.

Nothing here can stop the probing: without an extender the reports wait, and the ring keeps the latest samples.
"""

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from typing import Final

from neilats.log import get_logger
from prober.courier import Answer, Courier, Outcome
from prober.credentials import Credentials
from prober.delivery import Delivery, Header
from prober.metrics import Metrics
from prober.replicas import Replica, Resolve, replicas_of, system_resolve
from prober.store import Store
from prober.wire import Reply

__all__ = ["Backoff", "Reporter"]

log = get_logger("prober.report")

RESOLVE_S: Final = 10.0
"""Seconds between two resolutions of the extenders' names, at most: a new replica waits for the probers' reports
before it is ready, but not for ever (the extender's `ready_after_s`, which must be much longer)."""

RETRY_RESOLVE_S: Final = 2.0
REMIND_S: Final = 300.0
"""A failure that lasts is logged again after this time."""

DELIVERIES_KEPT: Final = 16
"""Replicas that are gone whose acknowledgements are kept, in case they come back."""


class Backoff:
    """Exponential back-off with full jitter: after n failures a delay from 0 to base * 2^(n-1), at most `cap_s`.

    Where the other side says how long it wants to be left alone, that is the least, and as much again the most.
    """

    def __init__(self, base_s: float = 1.0, cap_s: float = 30.0, rng: random.Random | None = None) -> None:
        self._base, self._cap = base_s, cap_s
        self._rng = rng or random.Random()
        self.failures = 0

    def failed(self, retry_after_s: float = 0.0) -> float:
        """Seconds to wait after one more failure."""
        self.failures += 1
        if retry_after_s:
            return self._rng.uniform(retry_after_s, 2 * retry_after_s)
        return self._rng.uniform(0, min(self._cap, self._base * 2.0 ** min(self.failures - 1, 16)))

    def succeeded(self) -> None:
        """Start over."""
        self.failures = 0


class _Line:
    """One replica's delivery, connection and failures."""

    def __init__(self, replica: Replica, delivery: Delivery, courier: Courier) -> None:
        self.replica, self.delivery, self.courier = replica, delivery, courier
        self.backoff = Backoff()
        self.lock = asyncio.Lock()
        self.complained_at: dict[Outcome, float] = {}
        self.asked_s = 0.0


class Reporter:
    """Keeps every replica of every URL up to date.

    `header` gives what each report says of this prober, `period` the seconds until the next one by what the replica
    asked for (0: nothing), and `on_reply` takes each reply with the replica's name; `on_replicas` hears the replicas'
    addresses whenever they were resolved, and `list_held` says which list of targets is held of a replica.
    """

    def __init__(
        self,
        urls: Sequence[str],
        store: Store,
        metrics: Metrics,
        *,
        header: Callable[[], Header],
        period: Callable[[float], float],
        on_reply: Callable[[str, Reply], None],
        on_replicas: Callable[[list[str]], None] = lambda _: None,
        list_held: Callable[[str], str] = lambda replica: "",
        bind: Sequence[str] = (),
        credentials: Credentials | None = None,
        resolve: Resolve = system_resolve,
        resolve_s: float = RESOLVE_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._resolve_s = resolve_s
        self._urls, self._store, self._metrics = urls, store, metrics
        self._header, self._period, self._on_reply, self._on_replicas = header, period, on_reply, on_replicas
        self._bind, self._resolve, self._clock, self._list_held = bind, resolve, clock, list_held
        self._credentials = credentials or Credentials()
        self._known: dict[str, list[Replica]] = {}
        self._deliveries: dict[str, Delivery] = {}
        self._lines: dict[str, _Line] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._unresolved: set[str] = set()

    async def run(self) -> None:
        """Resolve and report until cancelled."""
        self._credentials.warn_of_plain_http(self._urls)
        async with asyncio.TaskGroup() as group:
            while True:
                complete = await self._look_up()
                self._match(group)
                wait_s = self._resolve_s if complete else min(self._resolve_s, RETRY_RESOLVE_S)
                await asyncio.sleep(random.uniform(0.5, 1) * wait_s)

    async def flush(self, timeout_s: float) -> None:
        """One last report to each replica that answered lately, all within `timeout_s`."""
        lines = [line for line in self._lines.values() if not line.backoff.failures]
        try:
            async with asyncio.timeout(timeout_s):
                await asyncio.gather(*(self._report(line) for line in lines))
        except TimeoutError:
            log.info("the last report took too long", extra={"timeout_s": timeout_s})

    async def _look_up(self) -> bool:
        """Resolve every URL; one that fails keeps its last addresses."""
        for url in self._urls:
            try:
                self._known[url] = await replicas_of(url, self._resolve)
                self._unresolved.discard(url)
            except (OSError, UnicodeError) as e:
                if url not in self._unresolved:
                    log.warning("extender's name does not resolve", extra={"url": url, "reason": e})
                self._unresolved.add(url)
        self._on_replicas([r.address for replicas in self._known.values() for r in replicas])
        return not self._unresolved

    def _match(self, group: asyncio.TaskGroup) -> None:
        """A task for each replica that is there, none for one that is gone; its acknowledgements outlive it."""
        wanted = {replica.name: replica for replicas in self._known.values() for replica in replicas}
        for name in [n for n in self._tasks if n not in wanted]:
            self._tasks.pop(name).cancel()
        for name in [n for n in self._deliveries if n not in wanted][:-DELIVERIES_KEPT]:
            del self._deliveries[name]
        for name, replica in wanted.items():
            if name not in self._tasks:
                self._tasks[name] = group.create_task(self._serve(replica), name=f"report to {name}")
        self._metrics.replicas.set(len(wanted))

    async def _serve(self, replica: Replica) -> None:
        """Report to one replica until cancelled."""
        delivery = self._deliveries.setdefault(replica.name, self._delivery())
        async with Courier(replica, self._bind, self._credentials, self._metrics.report_sent) as courier:
            line = self._lines[replica.name] = _Line(replica, delivery, courier)
            try:
                while True:
                    pause_s = await self._report(line)
                    await asyncio.sleep(pause_s)
            finally:
                if self._lines.get(replica.name) is line:
                    del self._lines[replica.name]

    def _delivery(self) -> Delivery:
        return Delivery(self._store, self._header, self._metrics.overrun.inc)

    async def _report(self, line: _Line) -> float:
        """Send one report and take its answer; returns the seconds until the next one."""
        async with line.lock:
            report = line.delivery.report(self._clock())
            report.targets_version = self._list_held(line.replica.name)
            answer = await line.courier.carry(report)
            good = self._take(line, answer)
        self._metrics.reports.labels(answer.outcome.value).inc()
        self._tell(line, answer, good)
        if not good:
            return line.backoff.failed(answer.retry_after_s)
        line.backoff.succeeded()
        again = report.full and answer.outcome is Outcome.RESYNC  # it never has enough: no hurry then
        if line.delivery.unfinished and not again:
            return 0.0
        return self._period(line.asked_s) * random.uniform(0.9, 1.0)

    def _take(self, line: _Line, answer: Answer) -> bool:
        """Apply an answer; returns whether the report is over and the next may follow at the usual pace."""
        delivery = line.delivery
        if answer.reply is not None:
            delivery.accepted(resync=answer.reply.resync)
            self._note(line, answer.reply)
            self._on_reply(line.replica.name, answer.reply)
            return True
        if answer.outcome is Outcome.DUPLICATE:
            return delivery.duplicate(answer.last_seq)
        return answer.outcome is Outcome.TOO_LARGE and delivery.too_large()

    def _note(self, line: _Line, reply: Reply) -> None:
        """Keep the pause that the replica asks for."""
        line.asked_s = (reply.report_after_ms or 0.0) / 1000
        self._metrics.report_after.set(max(each.asked_s for each in (line, *self._lines.values())))
        self._metrics.target_lists.labels("unchanged" if reply.targets is None else "received").inc()

    def _tell(self, line: _Line, answer: Answer, good: bool) -> None:
        """Log each kind of failure when it begins and rarely while it lasts, and the end."""
        details = {"replica": line.replica.name, "outcome": answer.outcome.value}
        if good:
            if line.backoff.failures:
                log.info("extender takes reports again", extra=details)
                line.complained_at.clear()
        elif self._clock() - line.complained_at.get(answer.outcome, -REMIND_S) >= REMIND_S:
            line.complained_at[answer.outcome] = self._clock()
            log.warning("report not taken", extra=details | {"reason": answer.why})

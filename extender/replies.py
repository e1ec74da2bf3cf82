"""What the extender answers a report with."""

import secrets
from collections.abc import Mapping

from extender.load import Load
from extender.metrics import Metrics
from extender.probing import Plan, Probing, ReportsItself
from prober.wire import Reply, Report

__all__ = ["Replies"]


class Replies:
    """Makes the replies from what `probing` wants of each source; `load` says how long the next report shall wait."""

    def __init__(self, probing: Probing, load: Load, metrics: Metrics) -> None:
        self._probing, self._load, self._metrics = probing, load, metrics
        self._start = secrets.token_hex(4)
        self._urgent: set[str] = set()
        self._lists = {held: metrics.target_lists.labels("left_out" if held else "sent") for held in (True, False)}

    def to(self, report: Report, reporters: Mapping[str, ReportsItself], now: float, *, resync: bool) -> Reply:
        """The reply to a report that was applied; `reporters` are the probers' records by node.

        The list of targets is left out where the report names this very list as the one that its prober holds.
        """
        plan = self._probing.plan(report.node, reporters, now)
        version = f"{self._start}.{plan.version}"  # another process may give the same version to another list
        held = report.targets_version == version
        self._lists[held].inc()
        return Reply(
            resync=resync,
            interval_ms=self._probing.interval_s * 1000,
            targets=None if held else plan.targets,
            targets_version="" if held else version,
            report_after_ms=self._report_after_ms(report.node, plan, reporters),
        )

    def _report_after_ms(self, node: str, plan: Plan, reporters: Mapping[str, ReportsItself]) -> float | None:
        """None where the prober's own pace will do; less while a pod waits for what it measures, if that can be."""
        pause_s = self._load.pause_s(len(reporters))
        self._metrics.report_after.set(pause_s)
        if pause_s and plan.bursts:
            self._urgent.add(node)
            if len(self._urgent) > len(reporters):
                self._urgent &= reporters.keys()
            pause_s = self._load.urgent_pause_s(len(reporters), len(self._urgent))
        else:
            self._urgent.discard(node)
            pause_s = self._load.spread_s(pause_s, len(reporters)) if pause_s else 0.0
        return round(pause_s * 1000) if pause_s else None

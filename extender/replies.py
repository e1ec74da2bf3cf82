"""What the extender answers a report with."""

from collections.abc import Mapping

from extender.probing import Probing, ReportsItself
from prober.wire import Reply, Report

__all__ = ["Replies"]


class Replies:
    """Makes the replies from what `probing` wants of each source."""

    def __init__(self, probing: Probing) -> None:
        self._probing = probing

    def to(self, report: Report, reporters: Mapping[str, ReportsItself], now: float, *, resync: bool) -> Reply:
        """The reply to a report that was applied; `reporters` are the probers' records by node."""
        plan = self._probing.plan(report.node, reporters, now)
        return Reply(resync=resync, interval_ms=self._probing.interval_s * 1000, targets=plan.targets)

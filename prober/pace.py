"""How long a prober waits between two reports to an extender."""

from typing import Final

from neilats.settings import ProberSettings
from prober.schedule import Schedule

__all__ = ["report_period_s"]

BURST_REPORT_S: Final = 1.0
"""Most seconds between two reports while a burst runs."""

MOST_INTERVALS: Final = 1.5
"""Most intervals between two reports, whatever is asked for: after four without a sample a path is unknown."""

RING_SHARE: Final = 0.5
"""Part of a ring that may fill up between two reports, whatever is asked for: one of them may be lost."""


def report_period_s(settings: ProberSettings, schedule: Schedule, asked_s: float) -> float:
    """Seconds until the next report to a replica that asked for a pause of `asked_s`, 0 if it asked for none.

    What is asked for counts in a burst too: an extender knows which bursts a pod waits for, and asks for less there.
    """
    usual_s = min(settings.report_interval_s, schedule.interval_s)
    step_s = schedule.interval_s
    if schedule.bursting:
        usual_s, step_s = min(usual_s, BURST_REPORT_S), min(settings.burst_interval_s, step_s)
    most_s = min(MOST_INTERVALS * schedule.interval_s, RING_SHARE * settings.ring_samples * step_s)
    return max(usual_s, min(asked_s, most_s))

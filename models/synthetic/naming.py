"""Series by name, as the command line takes them: `synthetic:ar?seed=5&series=200`."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl

from models.data.errors import DataError
from models.synthetic import kinds
from models.synthetic.kinds import KINDS
from models.synthetic.noise import Floats

__all__ = ["PREFIX", "Plan", "parse_plan"]

PREFIX: Final = "synthetic:"
"""What the names of made-up series, and of made-up networks, begin with."""

MOST_VALUES: Final = 100_000_000


@dataclass(frozen=True)
class Plan:
    """What is to be made up."""

    kind: str
    seed: int = 1
    series: int = 200
    length: int = 240
    """Slots of a series."""

    def generate(self) -> Floats:
        """Return ``[series, length]`` in ms."""
        return kinds.generate(self.kind, self.series, self.length, self.seed)


def parse_plan(name: str) -> Plan | None:
    """Return the plan of a name, None if it names no kind of series; raises DataError for an option that is wrong."""
    kind, _, query = name.removeprefix(PREFIX).partition("?")
    kind = kind.replace("-", "_")
    if not name.startswith(PREFIX) or kind not in KINDS:
        return None
    options: dict[str, int] = {}
    for key, value in parse_qsl(query, keep_blank_values=True):
        if key not in ("seed", "series", "length"):
            raise DataError(f"{name}: no option {key!r}; there are seed, series, length")
        if not (value.isascii() and value.isdigit()):
            raise DataError(f"{name}: {key}={value!r}; expected a whole number from 0 on")
        options[key] = int(value)
    plan = Plan(kind, **options)
    if not 1 <= plan.series * plan.length <= MOST_VALUES:
        raise DataError(f"{name}: {plan.series} series of {plan.length} slots; expected 1 to {MOST_VALUES:,} values")
    return plan

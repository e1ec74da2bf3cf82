"""Made-up series of round trips, each of a kind that real paths show; the same seed makes the same series."""

from models.synthetic.kinds import KINDS, Kind, generate
from models.synthetic.naming import PREFIX, Plan, parse_plan

__all__ = ["KINDS", "PREFIX", "Kind", "Plan", "generate", "parse_plan"]

"""How a placed pod's promise stands, kept steady: one odd look changes nothing."""

from dataclasses import dataclass, field
from typing import Final, Literal

from extender.placed.table import Placed

__all__ = ["STATES", "Finding", "Said", "Standing", "State"]

State = Literal["kept", "broken", "unmeasured"]
STATES: Final[tuple[State, ...]] = ("kept", "broken", "unmeasured")


@dataclass(frozen=True, slots=True)
class Finding:
    """What one look found: shared by all pods of a group on the same node."""

    state: State
    peers: tuple[str, ...] = ()
    reason: str = ""


_NEW: Final = Finding("unmeasured", reason="not looked at yet")


@dataclass(slots=True)
class Said:
    """What people heard of a pod's promise, which outlives a change of the promise."""

    told: bool = False
    """Whether this replica told what is wrong."""
    was_kept: bool = False
    """Whether it was kept since then, so that what is wrong now is news."""
    heard: bool = False
    """Whether people were ever told, by whichever replica."""
    owed: bool = False
    """Whether the other replica may have died before it told that all is well again."""


@dataclass(slots=True)
class Standing:
    """A pod's state, taken over once two looks in a row find it; a first `kept` counts at once."""

    placed: Placed
    since: float
    finding: Finding = _NEW
    last: State = "unmeasured"
    said: Said = field(default_factory=Said)

    @property
    def state(self) -> State:
        """The state that counts."""
        return self.finding.state

    def saw(self, finding: Finding, now: float) -> None:
        """Take a look into account; `now` is in monotonic seconds."""
        twice, self.last = finding.state == self.last, finding.state
        if finding.state == self.state:
            self.finding = finding
        elif twice or (self.state, finding.state) == ("unmeasured", "kept"):
            self.finding, self.since = finding, now
        self.said.was_kept = self.said.was_kept or self.state == "kept"

    def left_to_another(self, now: float, within_s: float) -> None:
        """It is another replica's turn, which tells every change unless it dies within `within_s` of it."""
        said, settled = self.said, now - self.since >= within_s
        if self.state == "broken":
            # A first event is there or is not, which its writer finds out; of a later one nobody can say.
            said.was_kept = said.was_kept and not settled and said.heard
            said.heard = said.owed = True
        elif self.state == "kept" and settled:
            said.owed = False

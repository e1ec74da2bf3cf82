"""How much may be measured."""

from dataclasses import dataclass

from neilats.settings import ExtenderSettings

__all__ = ["Limits"]


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Bounds of the lists. Up to `mesh_nodes` nodes all measure each other; above that a list has `budget` targets."""

    mesh_nodes: int = 64
    budget: int = 64
    neighbours: int = 16
    """Neighbours of a node in the overlay, both directions counted."""
    hot_for_s: float = 1200.0
    """How long a peer stays hot after it was last asked for."""
    fresh_for_s: float = 40.0
    """Age up to which a sample says something about now."""
    window_slots: int = 64
    """Intervals that a window reaches back: after so long without a turn nothing is left of a path."""
    promise_check_s: float = 10.0
    """How often a placed pod's path is named again."""

    @classmethod
    def of(cls, settings: ExtenderSettings) -> "Limits":
        """As the settings say."""
        return cls(
            mesh_nodes=settings.mesh_nodes,
            budget=settings.probe_budget,
            neighbours=settings.probe_neighbours,
            hot_for_s=settings.hot_for_s,
            fresh_for_s=settings.fresh_for_s,
            window_slots=settings.window_slots,
            promise_check_s=settings.promise_check_s,
        )

    @property
    def rings(self) -> int:
        """Circles of the overlay: on each a node has a neighbour ahead and one behind."""
        return max(1, self.neighbours // 2)

    @property
    def hot_places(self) -> int:
        """Targets of a list for all nodes alike; a quarter of what neighbours leave stays for single paths."""
        return max(1, 3 * (self.budget - self.neighbours) // 4)

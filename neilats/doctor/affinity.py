"""Which nodes a pod's nodeSelector and its required node affinity leave it."""

import msgspec

from neilats.doctor.objects import Node, Object

__all__ = ["Affinity"]


class Expression(Object, frozen=True):
    """One demand on a label, or on the node's name."""

    key: str = ""
    operator: str = ""
    values: tuple[str, ...] = ()

    def holds(self, fields: dict[str, str]) -> bool:
        """Whether the fields satisfy it; an operator that is not known does not count."""
        value = fields.get(self.key)
        match self.operator:
            case "In":
                return value in self.values
            case "NotIn":
                return value not in self.values
            case "Exists":
                return value is not None
            case "DoesNotExist":
                return value is None
            case "Gt" | "Lt":
                return self._compares(value)
            case _:
                return True

    def _compares(self, value: str | None) -> bool:
        try:
            found, limit = int(value or ""), int(self.values[0])
        except (ValueError, IndexError):
            return False
        return found > limit if self.operator == "Gt" else found < limit


class Term(Object, frozen=True):
    """Demands that hold all at once; without any it is no node's."""

    match_expressions: tuple[Expression, ...] = ()
    match_fields: tuple[Expression, ...] = ()

    def admits(self, node: Node) -> bool:
        """Whether the node is one of these."""
        name = {"metadata.name": node.metadata.name}
        asked = bool(self.match_expressions or self.match_fields)
        labels = all(e.holds(node.metadata.labels) for e in self.match_expressions)
        return asked and labels and all(e.holds(name) for e in self.match_fields)


class Required(Object, frozen=True):
    """Terms of which one has to hold."""

    node_selector_terms: tuple[Term, ...] = ()


class NodeAffinity(Object, frozen=True):
    """Where a pod must run."""

    required: Required | None = msgspec.field(name="requiredDuringSchedulingIgnoredDuringExecution", default=None)


class Affinity(Object, frozen=True):
    """What of a pod's affinity keeps it off nodes for good."""

    node_affinity: NodeAffinity | None = None

    def admits(self, node: Node) -> bool:
        """Whether it lets the pod onto a node."""
        required = self.node_affinity.required if self.node_affinity else None
        return required is None or any(t.admits(node) for t in required.node_selector_terms)

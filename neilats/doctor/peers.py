"""Which of the peers that a pod names cannot be found, in the words that the extender has for them."""

from collections.abc import Iterator

from extender.selectors import Selector
from neilats.doctor.facts import Asker, Facts

__all__ = ["PeerFinder"]


class PeerFinder:
    """Looks for peers, and for the pods of each selector only once: ten thousand pods may name the same."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._nodes = {n.metadata.name for n in facts.nodes}
        self._matching: dict[tuple[str, Selector], list[tuple[str, str]]] = {}

    def missing(self, asker: Asker) -> Iterator[str]:
        """A line for each peer of the pod that leads to no node."""
        yield from (f"node {name} does not exist" for name in asker.intent.peer_nodes if name not in self._nodes)
        for namespace, name in asker.intent.peer_services:
            if problem := self._service_problem(namespace, name):
                yield f"service {namespace}/{name} {problem}"
        selector = asker.intent.peer_pods
        if selector is not None and not self._finds(asker, selector):
            yield f"no running pod matches {selector}"

    def _service_problem(self, namespace: str, name: str) -> str:
        services, slices = self._facts.services.get(namespace), self._facts.slices.get(namespace)
        if services is None or slices is None:
            return ""  # beyond what was read
        if name not in services:
            return "does not exist"
        if services.is_alias(name):
            return "is an ExternalName and has no endpoints"
        return "" if slices.nodes_of(name) else "has no ready endpoints"

    def _finds(self, asker: Asker, selector: Selector) -> bool:
        """Whether a pod on some node matches that is neither the asking one nor its sibling."""
        key = (asker.pod.namespace, selector)
        if key not in self._matching:
            self._matching[key] = list(self._match(*key))
        own, siblings = asker.pod.uid, asker.pod.owner
        return any(uid != own and not (owner and owner == siblings) for uid, owner in self._matching[key])

    def _match(self, namespace: str, selector: Selector) -> Iterator[tuple[str, str]]:
        """(uid, owner's uid) of the pods that match and are on a node."""
        for pod in self._facts.pods:
            meta = pod.metadata
            if meta.namespace == namespace and pod.living and pod.spec.node_name and selector.matches(meta.labels):
                yield meta.uid, meta.owner.uid if meta.owner else ""

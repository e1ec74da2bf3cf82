"""A cluster that is only a list of nodes from the settings: for tests, demos and hosts without Kubernetes."""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from extender.cluster.api import Api
from extender.cluster.base import NodeInfo, Resolution, Shares
from extender.intents import Intent, Pod
from extender.quoting import shortened
from neilats.log import get_logger

__all__ = ["StaticCluster"]

log = get_logger("extender.cluster")


class StaticCluster:
    """Nodes as given: (name, address) pairs, where the address may be empty and is then left to the reports."""

    api: Api | None = None
    synced = True
    nodes_version = 0

    def __init__(self, nodes: Iterable[tuple[str, str]]) -> None:
        infos = {name: NodeInfo(name, (address,) if address else ()) for name, address in nodes}
        self.nodes: Mapping[str, NodeInfo] = MappingProxyType(infos)

    def resolve(self, intent: Intent, pod: Pod, *, background: bool = False) -> Resolution:
        """Named nodes as they are; services and pods are unresolved."""
        found = Shares()
        found.add_nodes(intent.peer_nodes, self.nodes)
        found.unresolved += [f"service {ns}/{name}: no cluster to ask" for ns, name in intent.peer_services]
        if intent.peer_pods is not None:
            found.unresolved.append(f"pods {shortened(str(intent.peer_pods))}: no cluster to ask")
        return found.resolution()

    async def wait_resolved(self, intent: Intent, pod: Pod, timeout_s: float) -> Resolution:
        """As `resolve`: there is nothing to wait for."""
        return self.resolve(intent, pod)

    def on_bound(self, callback: Callable[[Pod], None]) -> None:
        """Nobody binds pods here."""

    def follow(self, pod: Pod) -> None:
        """Nothing can be followed here."""

    def saw(self, pod: Pod) -> None:
        """Nobody waits for it."""

    async def annotate(self, namespace: str, name: str, annotations: Mapping[str, str], *, uid: str = "") -> bool:
        """Always False: there is no pod to annotate."""
        log.debug("no cluster, so no annotation", extra={"pod": f"{namespace}/{name}"})
        return False

    async def start(self) -> None:
        """Nothing to start."""

    async def close(self) -> None:
        """Nothing to close."""

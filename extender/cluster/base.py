"""The extender's view of a cluster: nodes, and an intent's peers resolved to nodes.

Every read answers from memory. What a read still lacks is fetched in the background, and until it is there the answer
says what is pending.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from heapq import nsmallest
from typing import Final, Protocol

from extender.cluster.api import Api
from extender.intents import Intent, Pod
from extender.quoting import first_few

__all__ = ["Cluster", "ClusterError", "NodeInfo", "Resolution", "Shares"]

MAX_NODES: Final = 32  # of a Resolution: a service may be on every node, and each costs a path to every candidate


class ClusterError(Exception):
    """The cluster cannot be reached as the settings say; the message names the setting and the remedy."""


@dataclass(frozen=True, slots=True)
class NodeInfo:
    """A node: its addresses (internal ones, IPv4 and IPv6; empty where only reports tell) and its state."""

    name: str
    addresses: tuple[str, ...] = ()
    pod_cidrs: tuple[str, ...] = ()
    ready: bool = True
    schedulable: bool = True
    probed: bool = True  # a prober is to run there


@dataclass(frozen=True, slots=True)
class Resolution:
    """The distinct nodes of an intent's peers, as far as they are known.

    `weights` goes with `nodes` and sums to the number of resolved peers: each peer (a node, a service, a selector)
    weighs 1, spread over its endpoints or pods, because a service picks an endpoint at random. `pending` names the
    watches that are still syncing, `unresolved` the peers that cannot be resolved and why; both are empty otherwise,
    and both may stand beside nodes of other peers. Of very many nodes only the heaviest are here, with their weights;
    `note` then says so, and nothing is wrong.
    """

    nodes: tuple[str, ...] = ()
    weights: tuple[float, ...] = ()
    pending: str = ""
    unresolved: str = ""
    note: str = ""


@dataclass(slots=True)
class Shares:
    """Gathers the nodes, weights and reasons of one peer after the other into a Resolution."""

    weights: dict[str, float] = field(default_factory=dict)
    pending: list[str] = field(default_factory=list)
    unresolved: list[str] = field(default_factory=list)

    def add_peer(self, counts: Mapping[str, int]) -> None:
        """A peer with so many endpoints on each node; together they weigh 1."""
        total = sum(counts.values())
        for node, count in counts.items():
            self.weights[node] = self.weights.get(node, 0.0) + count / total

    def add_nodes(self, names: Iterable[str], known: Mapping[str, NodeInfo]) -> None:
        """Peers named by their node; those that do not exist are unresolved."""
        for name in names:
            if name in known:
                self.add_peer({name: 1})
            else:
                self.unresolved.append(f"node {name} does not exist")

    def resolution(self) -> Resolution:
        """What has been gathered."""
        kept = self._heaviest()
        count = len(self.weights)
        return Resolution(
            nodes=tuple(kept),
            weights=tuple(kept.values()),
            pending=", ".join(dict.fromkeys(self.pending)),
            unresolved="; ".join(first_few(self.unresolved)),
            note=f"{len(kept)} of {count} peer nodes considered, the heaviest" if len(kept) < count else "",
        )

    def _heaviest(self) -> Mapping[str, float]:
        """The MAX_NODES heaviest, by name among equals, in the order they came; a whole peer's node is never cut."""
        if len(self.weights) <= MAX_NODES:
            return self.weights
        heaviest = set(nsmallest(MAX_NODES, self.weights, key=lambda node: (-self.weights[node], node)))
        return {node: weight for node, weight in self.weights.items() if node in heaviest or weight >= 1}


class Cluster(Protocol):
    """What the extender asks of a cluster."""

    @property
    def api(self) -> Api | None:
        """The cluster's API server, closed with the cluster; None where there is none."""

    @property
    def nodes(self) -> Mapping[str, NodeInfo]:
        """The current nodes by name: a live view, cheap to read, not to be changed."""

    @property
    def nodes_version(self) -> int:
        """A number that changes whenever a node comes, goes or changes its addresses or pod ranges."""

    @property
    def synced(self) -> bool:
        """Whether the nodes are known."""

    def resolve(self, intent: Intent, pod: Pod, *, background: bool = False) -> Resolution:
        """The nodes of the intent's peers from memory; starts a watch in the background where one is missing.

        Where watches are scarce, one that only `background` callers need makes room for the others.
        """

    async def wait_resolved(self, intent: Intent, pod: Pod, timeout_s: float) -> Resolution:
        """As `resolve`, after waiting at most so long for the watches that are still syncing."""

    def on_bound(self, callback: Callable[[Pod], None]) -> None:
        """Call back once for each followed pod: when it has a `node`, or without one when it was `deleted`."""

    def follow(self, pod: Pod) -> None:
        """Watch for where the pod is bound, for a limited time."""

    def saw(self, pod: Pod) -> None:
        """A pod as it now is, from a watch that others keep: a followed one may have ended its wait."""

    async def annotate(self, namespace: str, name: str, annotations: Mapping[str, str], *, uid: str = "") -> bool:
        """Set annotations on a pod (only on the one with this uid, if given); False and a log line on failure."""

    async def start(self) -> None:
        """Begin to watch; returns at once, `synced` tells when the nodes are known."""

    async def close(self) -> None:
        """Stop every watch and close the connections."""

"""Checks of what pods ask for: is it readable, does anybody hear it, can it be had?"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Final

from neilats.doctor.facts import Asker, Facts, Source
from neilats.doctor.finding import Trouble, check
from neilats.doctor.peers import PeerFinder
from neilats.doctor.scheduler import hidden_configs
from neilats.doctor.words import condition, few, workload

__all__ = ["CHECKS"]

_REFUSALS: Final = (" breaks ", " is unmeasured", "waiting for peers: ")
"""Parts of what neilats says of a node that it refuses, as kube-scheduler repeats it; not of one still measured."""


def _by_workload(askers: Iterable[Asker]) -> Iterator[tuple[str, str, str, list[Asker]]]:
    """Pods that are made alike, as (namespace, kind, name, pods): they are mended in one place."""
    found: dict[tuple[str, str, str], list[Asker]] = defaultdict(list)
    for asker in askers:
        found[asker.item.metadata.namespace, *workload(asker.item)].append(asker)
    for (namespace, kind, name), pods in sorted(found.items()):
        yield namespace, kind, name, pods


@check(
    "intent-unheard",
    "error",
    Source.PODS,
    Source.CONFIGS,
    about="Pods with an intent whose `schedulerName` is a scheduler that does not ask neilats.",
    why="Nobody reads what they ask for: they are placed without any regard to latency.",
    fix="set spec.schedulerName to the scheduler that asks neilats",
)
def unheard(facts: Facts) -> Iterator[Trouble]:
    """Pods of another scheduler, unless a configuration that cannot be read may serve them."""
    if not facts.serving and hidden_configs(facts):
        return
    serving = min(facts.serving, default="neilats-scheduler")
    for namespace, kind, name, pods in _by_workload(a for a in facts.askers if a.scheduler not in facts.serving):
        change = f'{{"spec":{{"template":{{"spec":{{"schedulerName":"{serving}"}}}}}}}}'
        fix = f"kubectl -n {namespace} patch {kind} {name} --patch '{change}'"
        if kind in ("pod", "job"):
            fix = f"delete the {kind} and create it with schedulerName: {serving} in its pod's spec"
        schedulers = few(a.scheduler for a in pods)
        yield Trouble(
            f"{kind} {namespace}/{name}",
            f"schedulerName is {schedulers}, which does not ask neilats; pods: {few(a.pod.name for a in pods)}",
            fix,
        )


@check(
    "intent-invalid",
    "error",
    Source.PODS,
    about="A pod's annotations or labels cannot be understood.",
    why="With mode prefer the pod is placed without regard to latency; with mode require every node refuses it.",
    fix="correct the annotation; docs/annotations.md has them all",
)
def invalid(facts: Facts) -> Iterator[Trouble]:
    """Every mistake that the extender would find."""
    for namespace, kind, name, pods in _by_workload(a for a in facts.askers if a.intent.mistakes):
        mistakes = list(dict.fromkeys(m for a in pods for m in a.intent.mistakes))
        yield Trouble(
            f"{kind} {namespace}/{name}",
            "; ".join(mistakes),
            f"kubectl -n {namespace} edit {kind} {name}   # see docs/annotations.md",
        )


@check(
    "intent-peer-missing",
    "warning",
    Source.PODS,
    Source.NODES,
    Source.PEERS,
    about="A peer that does not exist: a node, a service without ready endpoints, a selector without running pods.",
    why="While a peer cannot be found, mode prefer is placed without regard to it, and mode require with "
    "`on-unknown: deny` waits.",
    fix="start the peer, or correct its name",
)
def peer_missing(facts: Facts) -> Iterator[Trouble]:
    """Peers that cannot be resolved to nodes."""
    finder = PeerFinder(facts)
    for namespace, kind, name, pods in _by_workload(facts.askers):
        alike = {a.intent: a for a in pods}.values()
        problems = list(dict.fromkeys(p for a in alike for p in finder.missing(a)))
        if problems:
            yield Trouble(
                f"{kind} {namespace}/{name}",
                "; ".join(problems[:3]) + (f" and {len(problems) - 3} more" if len(problems) > 3 else ""),
                f"start the peer, or correct its name: kubectl -n {namespace} edit {kind} {name}",
            )


@check(
    "intent-unschedulable",
    "error",
    Source.PODS,
    about="A `require` pod is pending because nodes break its promise, are unmeasured, or its peers are missing.",
    why="It stays pending until the network or the promise changes.",
    fix="look at the paths with neilats score PEER --sla-ms MS; raise neilats.io/max-rtt-ms, or use mode prefer",
)
def unschedulable(facts: Facts) -> Iterator[Trouble]:
    """What kube-scheduler last said of a pending pod, where it repeats a reason of ours."""
    pending = (a for a in facts.askers if not a.pod.node and a.intent.mode == "require" and not a.intent.mistakes)
    refused = [a for a in pending if any(r in condition(a.item, "PodScheduled") for r in _REFUSALS)]
    for namespace, kind, name, pods in _by_workload(refused):
        asker = pods[0]
        peer = next(iter(asker.intent.peer_nodes), "PEER")
        yield Trouble(
            f"{kind} {namespace}/{name}",
            f"pending: {condition(asker.item, 'PodScheduled')}; pods: {few(a.pod.name for a in pods)}",
            f"neilats score {peer} --sla-ms {asker.intent.max_rtt_ms or 0:g}   # how near the best node comes\n"
            f"kubectl -n {namespace} edit {kind} {name}   # raise neilats.io/max-rtt-ms, or use mode prefer",
        )


CHECKS = (unheard, invalid, peer_missing, unschedulable)

"""Checks of kube-scheduler's configuration: does it ask neilats at all, and with which verbs?"""

from collections.abc import Iterator

from neilats.doctor import helm
from neilats.doctor.facts import COMPONENT, PART_OF, Facts, Source
from neilats.doctor.finding import Trouble, check
from neilats.doctor.kubescheduler import Entry, SchedulerConfig
from neilats.doctor.pods import PodItem
from neilats.doctor.versions import minor_of, repository
from neilats.doctor.words import few

__all__ = ["CHECKS", "entries", "hidden_configs", "is_kube_scheduler"]

_EMPTY_NODES_SINCE = (1, 33)


def entries(facts: Facts) -> Iterator[tuple[SchedulerConfig, Entry]]:
    """Every configured call of neilats, and where it is configured."""
    for config in facts.configs:
        for entry in config.neilats:
            yield config, entry


def is_kube_scheduler(image: str) -> bool:
    """Whether an image is that of kube-scheduler, whoever built it."""
    return repository(image).rpartition("/")[2].startswith("kube-scheduler")


def hidden_configs(facts: Facts) -> dict[str, str]:
    """kube-schedulers by pod whose configuration is a file of their host, which the API server cannot show."""
    found = {}
    for pod in facts.pods or facts.own_pods:
        mounts = any(v.config_map for v in pod.spec.volumes)
        if pod.living and not mounts and (file := _config_file(pod)):
            found[str(pod.metadata)] = file
    return found


def _config_file(pod: PodItem) -> str:
    """The value of kube-scheduler's --config; empty where it runs with its defaults."""
    words = [w for c in pod.spec.all_containers if is_kube_scheduler(c.image) for w in (*c.command, *c.args)]
    for i, word in enumerate(words):
        flag, equals, value = word.partition("=")
        if flag == "--config":
            return value if equals else "".join(words[i + 1 : i + 2])
    return ""


@check(
    "scheduler-without-neilats",
    "error",
    Source.CONFIGS,
    about="No kube-scheduler is configured to ask neilats, or the chart's own is not.",
    why="neilats decides only where kube-scheduler asks it; without that it measures for nothing.",
    fix=f"{helm.install('neilats', 'neilats')}, or add the extender to the "
    "KubeSchedulerConfiguration as docs/running.md shows",
)
def without_neilats(facts: Facts) -> Iterator[Trouble]:
    """A configuration of the chart without us, or nobody's with us."""
    own = [c for c in facts.configs if c.meta.labels.get(PART_OF) == "neilats" and not c.problem]
    for config in own:
        if config.meta.labels.get(COMPONENT, "scheduler") == "scheduler" and not config.neilats:
            what = "has no extender that points to neilats (port 8888, or a path /scheduler)"
            yield Trouble(config.where, what, helm.install(facts.release, facts.namespace))
    if not own and not facts.serving and not hidden_configs(facts):
        others = few(c.where for c in facts.configs if not c.problem) or "none was found in any ConfigMap"
        yield Trouble(
            "the cluster",
            f"no KubeSchedulerConfiguration has an extender that points to neilats: {others}",
            f"{helm.install(facts.release, facts.namespace)}\n"
            "or add the extender to the KubeSchedulerConfiguration as docs/running.md shows",
        )


@check(
    "scheduler-served-twice",
    "error",
    Source.CONFIGS,
    about="Two kube-schedulers that ask neilats serve the same `schedulerName` under different leases.",
    why="Both place every such pod: they bind it twice, overfill nodes and count on stale places.",
    fix="give one of them another name (helm: scheduler.name), or uninstall it",
)
def served_twice(facts: Facts) -> Iterator[Trouble]:
    """Names of several releases, each of which elects a leader of its own."""
    served: dict[str, dict[str, SchedulerConfig]] = {}
    for config in (c for c in facts.configs if c.neilats):
        for name in config.scheduler_names:
            served.setdefault(name, {}).setdefault(config.lease or config.where, config)
    for name, leaders in sorted(served.items()):
        if len(leaders) > 1:
            last = list(leaders.values())[-1]
            yield Trouble(
                f"scheduler {name}",
                f"is served under different leases: {'; '.join(f'{c.where} ({k})' for k, c in leaders.items())}",
                last.fix(f"another name; pods that are to go there name it as {name}-2", f"scheduler.name={name}-2"),
            )


@check(
    "scheduler-sends-nodes",
    "error",
    Source.CONFIGS,
    Source.VERSION,
    about="`nodeCacheCapable: false` (a warning before Kubernetes 1.33).",
    why="From Kubernetes 1.33 on, NodeResourcesFit and NodeResourcesBalancedAllocation then see empty nodes when they "
    "score (kubernetes/kubernetes#141781): pods pile up. It also sends every node in full with each call.",
    fix="set nodeCacheCapable: true",
)
def sends_nodes(facts: Facts) -> Iterator[Trouble]:
    """Nodes are sent in full."""
    version = minor_of(facts.version)
    harmless = version is not None and version < _EMPTY_NODES_SINCE
    for config, entry in entries(facts):
        if not entry.node_cache_capable:
            yield Trouble(
                config.where,
                f"extender {entry.url_prefix}: nodeCacheCapable is false",
                config.fix("set nodeCacheCapable: true"),
                "warning" if harmless else "error",
            )


@check(
    "scheduler-not-ignorable",
    "error",
    Source.CONFIGS,
    about="`ignorable: true` is missing.",
    why="A dead extender then blocks every pod of this scheduler, its own pods too, so that it cannot come back.",
    fix="set ignorable: true",
)
def not_ignorable(facts: Facts) -> Iterator[Trouble]:
    """Pods wait for a dead extender."""
    for config, entry in entries(facts):
        if not entry.ignorable:
            fix = config.fix("set ignorable: true")
            yield Trouble(config.where, f"extender {entry.url_prefix}: ignorable is not true", fix)


@check(
    "scheduler-does-not-score",
    "error",
    Source.CONFIGS,
    about="`prioritizeVerb` is missing.",
    why="kube-scheduler then never asks for scores, and pods with mode prefer land anywhere.",
    fix="set prioritizeVerb: prioritize and weight: 100",
)
def does_not_score(facts: Facts) -> Iterator[Trouble]:
    """Nobody asks for scores."""
    for config, entry in entries(facts):
        if not entry.prioritize_verb:
            fix = config.fix("set prioritizeVerb: prioritize and weight: 100", _verbs(entry, "prioritize"))
            yield Trouble(config.where, f"extender {entry.url_prefix}: prioritizeVerb is missing", fix)


def _given(entry: Entry) -> dict[str, str]:
    """What is configured for each verb, if anything."""
    return {"filter": entry.filter_verb, "prioritize": entry.prioritize_verb, "preempt": entry.preempt_verb}


def _verbs(entry: Entry, missing: str) -> str:
    """The chart's value with one verb more."""
    given = _given(entry)
    return f"scheduler.verbs={{{','.join(v for v in given if given[v] or v == missing)}}}"


def _requiring(facts: Facts, config: SchedulerConfig) -> list[str]:
    """The pods of this configuration's schedulers that insist on their promise."""
    names = config.scheduler_names
    return [str(a.item.metadata) for a in facts.askers if a.intent.mode == "require" and a.scheduler in names]


def _unenforced(facts: Facts, verb: str) -> Iterator[Trouble]:
    """Configurations without a verb that their pods rely on."""
    for config, entry in entries(facts):
        if not _given(entry)[verb] and (pods := _requiring(facts, config)):
            yield Trouble(
                config.where,
                f"extender {entry.url_prefix}: {verb}Verb is missing, and these pods require: {few(pods)}",
                config.fix(f"set {verb}Verb: {verb}", _verbs(entry, verb)),
            )


@check(
    "scheduler-does-not-filter",
    "error",
    Source.CONFIGS,
    Source.PODS,
    about="`filterVerb` is missing while pods use `neilats.io/mode: require`.",
    why="Only the filter refuses nodes: without it `require` means no more than `prefer`.",
    fix="set filterVerb: filter",
)
def does_not_filter(facts: Facts) -> Iterator[Trouble]:
    """Nobody asks which nodes break a promise."""
    return _unenforced(facts, "filter")


@check(
    "scheduler-evicts-in-vain",
    "error",
    Source.CONFIGS,
    Source.PODS,
    about="`preemptVerb` is missing while pods use `neilats.io/mode: require`.",
    why="Preemption never asks an extender's filter: a pod that no node can satisfy evicts innocent pods.",
    fix="set preemptVerb: preempt",
)
def evicts_in_vain(facts: Facts) -> Iterator[Trouble]:
    """Victims die for a pod that does not fit all the same."""
    return _unenforced(facts, "preempt")


CHECKS = (
    without_neilats,
    served_twice,
    sends_nodes,
    not_ignorable,
    does_not_score,
    does_not_filter,
    evicts_in_vain,
)

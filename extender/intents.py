"""What a pod asks for: its annotations and labels as an Intent, with every mistake in them found at once.

Only annotations below `neilats.io/` and the old plugin's labels are read. A value that cannot be read leaves its field
at the default and a line in `mistakes`; what an invalid intent leads to is decided where intents are used.
"""

import math
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final, Literal, TypeVar

from extender.pods import Pod
from extender.quoting import first_few, quoted, shortened
from extender.selectors import Selector, parse_selector

__all__ = ["ANNOTATIONS", "LEGACY_NODE", "LEGACY_SLA", "PREFIX", "Intent", "Pod", "parse_intent"]

PREFIX: Final = "neilats.io/"
PEERS: Final = ("peer-nodes", "peer-services", "peer-pods")
ANNOTATIONS: Final = (*PEERS, "peer-policy", "max-rtt-ms", "mode", "on-unknown", "profile")
LEGACY_NODE: Final = "nei_node"
LEGACY_SLA: Final = "sla"

Policy = Literal["all", "mean", "any"]
Mode = Literal["prefer", "require"]
OnUnknown = Literal["allow", "deny"]
T = TypeVar("T")
D = TypeVar("D")

_POLICIES: Final[dict[str, Policy]] = {"all": "all", "mean": "mean", "any": "any"}
_MODES: Final[dict[str, Mode]] = {"prefer": "prefer", "require": "require"}
_ON_UNKNOWN: Final[dict[str, OnUnknown]] = {"allow": "allow", "deny": "deny"}
_WRITTEN_BY_US: Final = "retry-"
_BESIDE_LABELS: Final = frozenset({"on-unknown", "profile"})  # annotations that may refine the labels' form
_ALIKE: Final = 0.75  # how similar an unknown annotation must be to be taken for a misspelling
_MAX_PEERS: Final = 64  # names in one annotation, because a webhook's work grows with them
_MAX_NAMESPACES: Final = 8  # that the services of one pod are in, because each is watched
_LONGEST_WORD: Final = 64  # characters of a value that is compared with the words it may mean
_DNS_NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
_NUMBER: Final = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?")  # float() also takes nan and 1_000


@dataclass(frozen=True, slots=True)
class Intent:
    """The neighbours that a pod wants to be close to, and how close.

    `profile` is empty where the settings' profile applies. `legacy` marks the old plugin's labels, which mean
    `require` by the mean of the last samples and exclude the neighbour's own node.
    """

    peer_nodes: tuple[str, ...] = ()
    peer_services: tuple[tuple[str, str], ...] = ()
    peer_pods: Selector | None = None
    policy: Policy = "all"
    max_rtt_ms: float | None = None
    mode: Mode = "prefer"
    on_unknown: OnUnknown = "allow"
    profile: str = ""
    legacy: bool = False
    mistakes: tuple[str, ...] = ()


def parse_intent(pod: Pod, profiles: Collection[str]) -> Intent | None:
    """What the pod asks for, or None where it says nothing to us.

    Annotations that name a peer win over the old labels, so that a pod may carry both while it moves from one
    scheduler to the other. Without `peer-policy` the worst path counts (`all`) as soon as a node is named, and the
    mean where only services or pods are. A `mode` that is clearly a misspelt `require` counts as `require`: the pod is
    to be refused with its mistake, not placed anywhere.
    """
    texts = {k.removeprefix(PREFIX): v for k, v in pod.annotations.items() if k.startswith(PREFIX)}
    reader = _Reader({k: v for k, v in texts.items() if k in ANNOTATIONS})
    reader.mistakes += _misspelt(texts)
    named = any(p in reader.texts for p in PEERS)
    if not named and (LEGACY_NODE in pod.labels or LEGACY_SLA in pod.labels):
        return _from_labels(pod.labels, reader, profiles)
    if not reader.texts and not reader.mistakes:
        return None
    return _from_annotations(pod.namespace, reader, profiles)


class _Reader:
    """Reads values one by one and gathers the mistakes."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self.texts = texts
        self.mistakes: list[str] = []

    def read(self, name: str, parse: Callable[[str], T], default: D) -> T | D:
        if (raw := self.texts.get(name)) is None:
            return default
        return self.parsed(PREFIX + name, raw, parse, default)

    def parsed(self, shown: str, raw: str, parse: Callable[[str], T], default: D) -> T | D:
        try:
            return parse(raw.strip())
        except ValueError as e:
            self.mistakes.append(f"{shown}={quoted(raw)}: {e}")
            return default


def _from_annotations(namespace: str, reader: _Reader, profiles: Collection[str]) -> Intent:
    nodes = reader.read("peer-nodes", _names, ())
    services = reader.read("peer-services", lambda text: _services(text, namespace), ())
    pods = reader.read("peer-pods", _selector, None)
    policy: Policy = "all" if nodes or not (services or pods) else "mean"
    mode: Mode = reader.read("mode", _one_of(_MODES), _meant_mode(reader.texts.get("mode", "")))
    max_rtt_ms = reader.read("max-rtt-ms", _milliseconds, None)
    if not reader.mistakes and not (nodes or services or pods):
        given = ", ".join(PREFIX + name for name in ANNOTATIONS if name in reader.texts)
        reader.mistakes.append(f"{given} without a peer: add {PREFIX}peer-nodes, peer-services or peer-pods")
    if mode == "require" and "max-rtt-ms" not in reader.texts:
        reader.mistakes.append(f"{PREFIX}mode='require' needs {PREFIX}max-rtt-ms: without it no path is too slow")
    return Intent(
        peer_nodes=nodes,
        peer_services=services,
        peer_pods=pods,
        policy=reader.read("peer-policy", _one_of(_POLICIES), policy),
        max_rtt_ms=max_rtt_ms,
        mode=mode,
        on_unknown=reader.read("on-unknown", _one_of(_ON_UNKNOWN), "allow"),
        profile=reader.read("profile", _profile(profiles), ""),
        mistakes=first_few(reader.mistakes),
    )


def _from_labels(labels: Mapping[str, str], reader: _Reader, profiles: Collection[str]) -> Intent:
    for name in reader.texts.keys() - _BESIDE_LABELS:
        reader.mistakes.append(
            f"{PREFIX}{name} beside the labels {LEGACY_NODE} and {LEGACY_SLA}: name the peer in {PREFIX}peer-nodes"
        )
    for present, absent in ((LEGACY_NODE, LEGACY_SLA), (LEGACY_SLA, LEGACY_NODE)):
        if absent not in labels:
            reader.mistakes.append(f"label {present} without label {absent}: set both or neither")
    nodes = reader.parsed(f"label {LEGACY_NODE}", labels[LEGACY_NODE], _one_name, ()) if LEGACY_NODE in labels else ()
    sla = (
        reader.parsed(f"label {LEGACY_SLA}", labels[LEGACY_SLA], _milliseconds, None) if LEGACY_SLA in labels else None
    )
    return Intent(
        peer_nodes=nodes,
        max_rtt_ms=sla,
        mode="require",
        on_unknown=reader.read("on-unknown", _one_of(_ON_UNKNOWN), "allow"),
        profile=reader.read("profile", _profile(profiles), ""),
        legacy=True,
        mistakes=first_few(sorted(reader.mistakes)),
    )


def _misspelt(names: Iterable[str]) -> list[str]:
    """A line for each name that is nearly one of ours; others below our prefix may belong to later versions."""
    found = []
    for name in names:
        if name in ANNOTATIONS or name.startswith(_WRITTEN_BY_US):
            continue
        if close := get_close_matches(name.lower().replace("_", "-"), ANNOTATIONS, n=1, cutoff=_ALIKE):
            found.append(f"{PREFIX}{shortened(name)}: no such annotation; did you mean {PREFIX}{close[0]}?")
    return found


def _items(text: str) -> tuple[str, ...]:
    """The distinct items of a comma-separated list, in order."""
    items = tuple(dict.fromkeys(item for part in text.split(",") if (item := part.strip())))
    if not items:
        raise ValueError("names nothing")
    if len(items) > _MAX_PEERS:
        raise ValueError(f"names {len(items)} peers; the most is {_MAX_PEERS}")
    return items


def _names(text: str) -> tuple[str, ...]:
    return tuple(_name(item, "node") for item in _items(text))


def _one_name(text: str) -> tuple[str, ...]:
    return (_name(text, "node"),)


def _name(text: str, kind: str) -> str:
    if not _DNS_NAME.fullmatch(text):
        raise ValueError(f"{quoted(text)} is no {kind} name: lower-case letters, digits, '-' and '.'")
    return text


def _services(text: str, namespace: str) -> tuple[tuple[str, str], ...]:
    split = (item.rpartition("/") if "/" in item else (namespace, "", item) for item in _items(text))
    found = tuple(dict.fromkeys((_name(ns, "namespace"), _name(name, "service")) for ns, _, name in split))
    if (count := len({ns for ns, _ in found})) > _MAX_NAMESPACES:
        raise ValueError(f"names services in {count} namespaces; the most is {_MAX_NAMESPACES}")
    return found


def _selector(text: str) -> Selector:
    if not text:
        raise ValueError("selects nothing: give a label selector such as app=db")
    return parse_selector(text)


def _milliseconds(text: str) -> float:
    value = float(text) if _NUMBER.fullmatch(text) else math.nan
    if not (math.isfinite(value) and value > 0):
        raise ValueError("expected milliseconds above 0, such as 5 or 0.5, without a unit")
    return value


def _one_of(words: Mapping[str, T]) -> Callable[[str], T]:
    def parse(text: str) -> T:
        if text not in words:
            raise ValueError(f"expected {' or '.join(words)}")
        return words[text]

    return parse


def _meant_mode(text: str) -> Mode:
    """The mode of a pod whose `mode` cannot be read: `require` where that is clearly what the text is to be."""
    close = get_close_matches(text.strip().lower()[:_LONGEST_WORD], _MODES, n=1, cutoff=_ALIKE)
    return "require" if close == ["require"] else "prefer"


def _profile(known: Collection[str]) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text in known:
            return text
        close = get_close_matches(text[:_LONGEST_WORD], list(known), n=1)
        raise ValueError(f"no such profile; did you mean {close[0]}?" if close else f"expected {' or '.join(known)}")

    return parse

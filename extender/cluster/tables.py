"""Nodes, services and endpoints as the watches know them, reduced to what resolving a peer needs."""

import ipaddress
from collections import Counter
from collections.abc import Mapping
from sys import intern
from types import MappingProxyType
from typing import Any, Final

from extender.cluster.base import NodeInfo
from extender.selectors import EVERY, Selector

__all__ = ["NodeTable", "ServiceTable", "SliceTable"]

_SERVICE_LABEL: Final = "kubernetes.io/service-name"


class NodeTable:
    """Nodes by name; `probed` selects those that run probers.

    `nodes` is a live view; `version` changes with their set, addresses and pod ranges.
    """

    def __init__(self, probed: Selector = EVERY) -> None:
        self._probed = probed
        self._nodes: dict[str, NodeInfo] = {}
        self.nodes: Mapping[str, NodeInfo] = MappingProxyType(self._nodes)
        self.version = 0

    def begin(self) -> None:
        """A list begins: nothing to do."""

    def put(self, raw: Mapping[str, Any]) -> str:
        """A node as it now is."""
        node = _node(raw, self._probed)
        before = self._nodes.get(node.name)
        self._nodes[node.name] = node
        if before is None or (before.addresses, before.pod_cidrs) != (node.addresses, node.pod_cidrs):
            self.version += 1
        return node.name

    def drop(self, raw: Mapping[str, Any]) -> None:
        """A node that is gone."""
        self._forget(_name(raw))

    def retain(self, keys: set[str]) -> bool:
        """Only these nodes are left."""
        for name in self._nodes.keys() - keys:
            self._forget(name)
        return True

    def _forget(self, name: str) -> None:
        if self._nodes.pop(name, None):
            self.version += 1


class ServiceTable:
    """The services of a namespace: which exist, and which are only an alias of a DNS name."""

    def __init__(self) -> None:
        self._types: dict[str, str] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._types

    def is_alias(self, name: str) -> bool:
        """Whether the service is an ExternalName, which never has endpoints."""
        return self._types.get(name) == "ExternalName"

    def begin(self) -> None:
        """A list begins: nothing to do."""

    def put(self, raw: Mapping[str, Any]) -> str:
        """A service as it now is."""
        name = _name(raw)
        self._types[name] = intern(str(_object(raw, "spec").get("type") or "ClusterIP"))
        return name

    def drop(self, raw: Mapping[str, Any]) -> None:
        """A service that is gone."""
        self._types.pop(_name(raw), None)

    def retain(self, keys: set[str]) -> bool:
        """Only these services are left."""
        for name in self._types.keys() - keys:
            del self._types[name]
        return True


class SliceTable:
    """The EndpointSlices of a namespace: how many ready endpoints of a service are on which node."""

    def __init__(self) -> None:
        self._service_of: dict[str, str] = {}
        self._slices: dict[str, dict[str, Counter[str]]] = {}

    def nodes_of(self, service: str) -> Counter[str]:
        """Ready endpoints by node, with those that name no node under an empty string."""
        found: Counter[str] = Counter()
        for counts in self._slices.get(service, {}).values():
            found.update(counts)
        return found

    def begin(self) -> None:
        """A list begins: nothing to do."""

    def put(self, raw: Mapping[str, Any]) -> str:
        """A slice as it now is; it may have moved to another service."""
        name = _name(raw)
        self._forget(name)
        service = _object(_object(raw, "metadata"), "labels").get(_SERVICE_LABEL)
        if isinstance(service, str):
            self._service_of[name] = service
            self._slices.setdefault(service, {})[name] = _ready_nodes(raw)
        return name

    def drop(self, raw: Mapping[str, Any]) -> None:
        """A slice that is gone."""
        self._forget(_name(raw))

    def retain(self, keys: set[str]) -> bool:
        """Only these slices are left."""
        for name in self._service_of.keys() - keys:
            self._forget(name)
        return True

    def _forget(self, name: str) -> None:
        if (service := self._service_of.pop(name, None)) is not None:
            del self._slices[service][name]
            if not self._slices[service]:
                del self._slices[service]


def _object(raw: Any, name: str) -> Mapping[str, Any]:
    value = raw.get(name) if isinstance(raw, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def _objects(raw: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    value = raw.get(name)
    return [v for v in value if isinstance(v, Mapping)] if isinstance(value, list) else []


def _name(raw: Any) -> str:
    name = _object(raw, "metadata").get("name")
    if not isinstance(name, str) or not name:
        raise ValueError("metadata.name is missing")
    return name


def _node(raw: Mapping[str, Any], probed: Selector) -> NodeInfo:
    spec, status = _object(raw, "spec"), _object(raw, "status")
    labels = _object(_object(raw, "metadata"), "labels")
    addresses = _objects(status, "addresses")
    internal = _addresses(addresses, "InternalIP") or _addresses(addresses, "ExternalIP")
    conditions = _objects(status, "conditions")
    return NodeInfo(
        name=intern(_name(raw)),
        addresses=internal,
        pod_cidrs=tuple(map(str, spec.get("podCIDRs") or filter(None, [spec.get("podCIDR")]))),
        ready=any(c.get("type") == "Ready" and c.get("status") == "True" for c in conditions),
        schedulable=spec.get("unschedulable") is not True,
        probed=probed.matches(labels),
    )


def _addresses(found: list[Mapping[str, Any]], kind: str) -> tuple[str, ...]:
    """Distinct IP addresses of one type, in order; a name where an address should be is left out."""
    return tuple(dict.fromkeys(str(a["address"]) for a in found if a.get("type") == kind and _is_ip(a.get("address"))))


def _is_ip(text: Any) -> bool:
    try:
        ipaddress.ip_address(text if isinstance(text, str) else "")
    except ValueError:
        return False
    return True


def _ready_nodes(raw: Mapping[str, Any]) -> Counter[str]:
    """An endpoint whose readiness is unknown counts as ready, as the API says; one that terminates does not."""
    found: Counter[str] = Counter()
    for endpoint in _objects(raw, "endpoints"):
        conditions = _object(endpoint, "conditions")
        if conditions.get("ready") is not False and conditions.get("terminating") is not True:
            found[intern(str(endpoint.get("nodeName") or ""))] += 1
    return found

"""KubeSchedulerConfigurations as far as they concern an extender, found in the texts of ConfigMaps."""

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
import yaml

from neilats.doctor import helm
from neilats.doctor.objects import ConfigMap, Meta, Object

__all__ = ["Entry", "Profile", "SchedulerConfig", "duration_s", "find_configs"]

KIND: Final = "KubeSchedulerConfiguration"
WEBHOOK_PORT: Final = 8888
DEFAULT_TIMEOUT_S: Final = 5.0  # kube-scheduler's, where httpTimeout is not set
CHART_SUFFIX: Final = "-scheduler-config"
_MAX_TEXT: Final = 2**20  # bytes, as much as etcd keeps
_UNITS: Final = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART: Final = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h)")


class Tls(Object, frozen=True):
    """How an extender's certificate is verified."""

    insecure: bool = False
    ca_file: str = ""
    ca_data: str = ""


class Entry(Object, frozen=True):
    """One extender of a configuration; what is left out is as kube-scheduler takes it."""

    url_prefix: str = ""
    filter_verb: str = ""
    prioritize_verb: str = ""
    preempt_verb: str = ""
    weight: int = 0
    enable_https: bool = msgspec.field(name="enableHTTPS", default=False)
    tls_config: Tls | None = None
    http_timeout: str | int | None = None
    node_cache_capable: bool = False
    ignorable: bool = False

    @property
    def is_neilats(self) -> bool:
        """Whether it looks like ours, by its port or its path."""
        try:
            parts = urlsplit(self.url_prefix)
            return parts.port == WEBHOOK_PORT or parts.path.rstrip("/").endswith("/scheduler")
        except ValueError:
            return False

    @property
    def is_local(self) -> bool:
        """Whether its calls stay within the pod or the host."""
        host = urlsplit(self.url_prefix).hostname or ""
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"

    @property
    def timeout_s(self) -> float:
        """Seconds after which kube-scheduler gives up."""
        return duration_s(self.http_timeout) or DEFAULT_TIMEOUT_S


class PluginRef(Object, frozen=True):
    """A plugin by name."""

    name: str
    weight: int = 0


class PluginSet(Object, frozen=True):
    """Plugins added to and taken from the default ones."""

    enabled: tuple[PluginRef, ...] | None = None
    disabled: tuple[PluginRef, ...] | None = None


class Plugins(Object, frozen=True):
    """The plugins of a profile that score."""

    score: PluginSet | None = None
    multi_point: PluginSet | None = None


class Profile(Object, frozen=True):
    """One scheduler's name and plugins."""

    scheduler_name: str = "default-scheduler"
    percentage_of_nodes_to_score: int | None = None
    plugins: Plugins | None = None


class LeaderElection(Object, frozen=True):
    """The Lease whose holder schedules."""

    leader_elect: bool | None = None
    resource_namespace: str | None = None
    resource_name: str | None = None


class _Config(Object, frozen=True):
    leader_election: LeaderElection | None = None
    profiles: tuple[Profile, ...] | None = None
    extenders: tuple[Entry, ...] | None = None
    percentage_of_nodes_to_score: int | None = None


@dataclass(frozen=True, slots=True)
class SchedulerConfig:
    """A configuration and where it stands; `problem` says why it cannot be read, and then there is nothing in it.

    `lease` is NAMESPACE/NAME, or empty where nobody is elected.
    """

    meta: Meta
    key: str
    profiles: tuple[Profile, ...] = (Profile(),)
    extenders: tuple[Entry, ...] = ()
    percentage: int | None = None
    lease: str = ""
    problem: str = ""

    @property
    def where(self) -> str:
        """The place, for people."""
        return f"ConfigMap {self.meta}, {self.key}"

    @property
    def neilats(self) -> tuple[Entry, ...]:
        """The extenders that are ours."""
        return tuple(e for e in self.extenders if e.is_neilats)

    @property
    def scheduler_names(self) -> tuple[str, ...]:
        """The schedulers that it configures."""
        return tuple(p.scheduler_name for p in self.profiles)

    def fix(self, change: str, *values: str) -> str:
        """The commands that change it and let kube-scheduler read it again; `values` are the chart's for the change."""
        if self.meta.release:
            return f"{helm.upgrade(self.meta.release, self.meta.namespace, *values)}   # {change}"
        kubectl, name = f"kubectl -n {self.meta.namespace}", self.meta.name
        restart = "then restart the kube-scheduler that reads it"
        if name.endswith(CHART_SUFFIX):  # the chart calls the Deployment like the ConfigMap
            restart = f"{kubectl} rollout restart deployment {name.removesuffix('-config')}"
        return f"{kubectl} edit configmap {name}   # {change}\n{restart}"


def find_configs(maps: list[ConfigMap]) -> list[SchedulerConfig]:
    """Every configuration in these ConfigMaps."""
    return [
        config
        for found in maps
        for key, text in found.data.items()
        if KIND in text and len(text) <= _MAX_TEXT
        for config in _read(found.metadata, key, text)
    ]


def _read(meta: Meta, key: str, text: str) -> Iterator[SchedulerConfig]:
    try:
        documents = [d for d in yaml.safe_load_all(text) if isinstance(d, dict) and d.get("kind") == KIND]
    except (yaml.YAMLError, ValueError, RecursionError) as e:
        yield SchedulerConfig(meta, key, problem=" ".join(str(e).split()))
        return
    for document in documents:
        yield _converted(meta, key, document)


def _converted(meta: Meta, key: str, document: dict[Any, Any]) -> SchedulerConfig:
    try:
        config = msgspec.convert(document, _Config)
    except (msgspec.ValidationError, RecursionError) as e:
        return SchedulerConfig(meta, key, problem=str(e))
    profiles, extenders = config.profiles or (Profile(),), config.extenders or ()
    return SchedulerConfig(meta, key, profiles, extenders, config.percentage_of_nodes_to_score, _lease(config))


def _lease(config: _Config) -> str:
    found = config.leader_election or LeaderElection()
    if found.leader_elect is False:
        return ""
    return f"{found.resource_namespace or 'kube-system'}/{found.resource_name or 'kube-scheduler'}"


def duration_s(text: str | int | None) -> float:
    """Seconds of a duration as Go writes it, such as 1m30s or 200ms; 0 where there is none, or none can be read."""
    if not isinstance(text, str) or _PART.sub("", text) != "":
        return 0.0
    return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))

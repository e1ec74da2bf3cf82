"""The few fields of pods, and of what makes them, that the checks read."""

import msgspec

from neilats.doctor.affinity import Affinity
from neilats.doctor.objects import Condition, Meta, Node, Object, Taint

__all__ = ["Container", "PodItem", "PodSpec", "Toleration", "Workload"]


class Port(Object, frozen=True):
    """A port that a container says it serves."""

    container_port: int
    name: str = ""


class Resources(Object, frozen=True):
    """What a container asks for and may have."""

    limits: dict[str, str | int | float] = msgspec.field(default_factory=dict)


class Container(Object, frozen=True):
    """A container of a pod."""

    name: str
    image: str = ""
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    ports: tuple[Port, ...] = ()
    resources: Resources = Resources()


class Toleration(Object, frozen=True):
    """Which taints a pod does not mind."""

    key: str = ""
    operator: str = "Equal"
    value: str = ""
    effect: str = ""

    def covers(self, taint: Taint) -> bool:
        """Whether it is about this taint."""
        same = not self.key or self.key == taint.key
        value = self.operator == "Exists" or self.value == taint.value
        return same and value and self.effect in ("", taint.effect)


class ConfigMapVolume(Object, frozen=True):
    """The ConfigMap behind a volume."""

    name: str = ""


class Volume(Object, frozen=True):
    """A volume of a pod."""

    name: str = ""
    config_map: ConfigMapVolume | None = None


class PodSpec(Object, frozen=True):
    """What a pod is made of."""

    node_name: str = ""
    scheduler_name: str = ""
    containers: tuple[Container, ...] = ()
    init_containers: tuple[Container, ...] = ()
    tolerations: tuple[Toleration, ...] = ()
    node_selector: dict[str, str] = msgspec.field(default_factory=dict)
    affinity: Affinity | None = None
    volumes: tuple[Volume, ...] = ()

    @property
    def all_containers(self) -> tuple[Container, ...]:
        """With those that start first: a sidecar is one of them."""
        return (*self.init_containers, *self.containers)

    def is_for(self, node: Node) -> bool:
        """Whether its nodeSelector and its affinity let it onto a node, taints aside."""
        chosen = self.node_selector.items() <= node.metadata.labels.items()
        return chosen and (self.affinity is None or self.affinity.admits(node))


class Ended(Object, frozen=True):
    """Why a container is not running."""

    reason: str | None = None
    message: str | None = None
    finished_at: str | None = None


class State(Object, frozen=True):
    """What a container does."""

    waiting: Ended | None = None
    terminated: Ended | None = None


class ContainerStatus(Object, frozen=True):
    """How a container fares."""

    name: str
    ready: bool = False
    restart_count: int = 0
    state: State = State()
    last_state: State = State()


class PodStatus(Object, frozen=True):
    """How a pod fares."""

    phase: str = ""
    conditions: tuple[Condition, ...] = ()
    container_statuses: tuple[ContainerStatus, ...] = ()
    init_container_statuses: tuple[ContainerStatus, ...] = ()

    @property
    def all_statuses(self) -> tuple[ContainerStatus, ...]:
        """With those of the containers that start first."""
        return (*self.init_container_statuses, *self.container_statuses)


class PodItem(Object, frozen=True):
    """A pod."""

    metadata: Meta
    spec: PodSpec = PodSpec()
    status: PodStatus = PodStatus()

    @property
    def living(self) -> bool:
        """Whether it runs or will run."""
        return self.status.phase not in ("Succeeded", "Failed") and not self.metadata.deletion_timestamp

    @property
    def ready(self) -> bool:
        """Whether it says that it is ready."""
        return any(c.type == "Ready" and c.status == "True" for c in self.status.conditions)


class Template(Object, frozen=True):
    """The pods that a workload makes."""

    spec: PodSpec = PodSpec()


class WorkloadSpec(Object, frozen=True):
    """What a workload is to be."""

    template: Template = Template()
    replicas: int | None = None


class WorkloadStatus(Object, frozen=True):
    """How many pods a workload has."""

    ready_replicas: int = 0
    desired_number_scheduled: int = 0
    number_ready: int = 0


class Workload(Object, frozen=True):
    """A Deployment or a DaemonSet."""

    metadata: Meta
    spec: WorkloadSpec = WorkloadSpec()
    status: WorkloadStatus = WorkloadStatus()

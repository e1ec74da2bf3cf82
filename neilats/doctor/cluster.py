"""Checks of the cluster around neilats: clocks and versions."""

from collections.abc import Iterator
from statistics import median_high
from typing import Final

from neilats.doctor.facts import Facts, Source
from neilats.doctor.finding import Trouble, check
from neilats.doctor.objects import seconds_of
from neilats.doctor.scheduler import is_kube_scheduler
from neilats.doctor.versions import image_tag, minor_of
from neilats.doctor.words import few

__all__ = ["CHECKS", "cluster_time", "renewals"]

_OFF_S: Final = 60.0  # a kubelet renews every 10 s, and is no longer Ready about 50 s after its last renewal


def renewals(facts: Facts) -> dict[str, float]:
    """When each ready node last renewed its lease, by its own clock, in seconds since 1970."""
    ready = {n.metadata.name for n in facts.nodes if n.ready}
    times = {lease.metadata.name: seconds_of(lease.spec.renew_time) for lease in facts.leases}
    return {node: time for node, time in times.items() if node in ready and time is not None}


def cluster_time(facts: Facts) -> float | None:
    """What most nodes' clocks say, as of their last renewal; None without any."""
    times = renewals(facts).values()
    return median_high(times) if times else None


@check(
    "node-clock-off",
    "error",
    Source.NODES,
    Source.LEASES,
    about="A ready node's lease is more than a minute off those of the others: its clock is.",
    why="Tokens and certificates are judged by the clock: its prober's reports, or its own calls, are refused.",
    fix="set the node's clock: chronyc makestep, timedatectl set-ntp true",
)
def clock_off(facts: Facts) -> Iterator[Trouble]:
    """Leases are renewed every 10 s, so that clocks show in them."""
    middle = cluster_time(facts)
    for node, time in sorted(renewals(facts).items()):
        if middle is not None and abs(time - middle) > _OFF_S:
            direction = "behind" if time < middle else "ahead of"
            yield Trouble(
                f"node {node}",
                f"its lease was renewed {abs(time - middle):.0f} s {direction} the others, though it is Ready",
                "on the node: chronyc tracking (or timedatectl), then chronyc makestep",
            )


@check(
    "kube-scheduler-version-skew",
    "warning",
    Source.VERSION,
    Source.OWN_PODS,
    about="A kube-scheduler that is newer than the API server, or more than one minor version older.",
    why="Kubernetes supports neither: the scheduler may miss or misread what the API server has.",
    fix="use the image of the API server's version (helm: scheduler.image.tag)",
)
def scheduler_skew(facts: Facts) -> Iterator[Trouble]:
    """kube-schedulers' image tags against the API server's version."""
    server = minor_of(facts.version)
    images: dict[str, list[str]] = {}
    for pod in facts.pods or facts.own_pods:
        for container in pod.spec.all_containers if pod.living else ():
            if is_kube_scheduler(container.image):
                images.setdefault(container.image, []).append(str(pod.metadata))
    for image, pods in sorted(images.items()):
        version = minor_of(image_tag(image))
        if server is None or version is None or version[0] != server[0]:
            continue
        if version[1] > server[1] or version[1] < server[1] - 1:
            relation = "newer than" if version[1] > server[1] else "more than one minor version older than"
            yield Trouble(
                f"pod {few(pods)}",
                f"kube-scheduler {image_tag(image)} is {relation} the API server {facts.version}",
            )


@check(
    "neilats-versions-differ",
    "warning",
    Source.OWN_PODS,
    about="Extenders and probers of different versions.",
    why="They speak to each other; only equal versions are tested together.",
    fix="kubectl -n neilats rollout status of the Deployment and the DaemonSet; helm upgrade with one image",
)
def versions_differ(facts: Facts) -> Iterator[Trouble]:
    """What the components say they are, or else their images."""
    versions: dict[str, list[str]] = {}
    for scrapes, name in ((facts.extenders, "neilats_build_info"), (facts.probers, "neilats_prober_build_info")):
        for scrape in scrapes:
            for version in scrape.now.by(name, "version"):
                versions.setdefault(version, []).append(scrape.pod)
    if not versions:
        for pod in (*facts.extender_pods, *facts.prober_pods):
            for container in pod.spec.all_containers:
                if container.name in ("extender", "prober"):
                    versions.setdefault(container.image, []).append(str(pod.metadata))
    if len(versions) > 1:
        shown = "; ".join(f"{version}: {few(pods, 3)}" for version, pods in sorted(versions.items()))
        yield Trouble(
            f"namespace {facts.namespace}",
            shown,
            f"kubectl -n {facts.namespace} rollout status deployment,daemonset "
            "--selector app.kubernetes.io/part-of=neilats",
        )


CHECKS = (clock_off, scheduler_skew, versions_differ)

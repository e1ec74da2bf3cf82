"""What is good to know about a cluster and is nothing wrong."""

from collections.abc import Iterator

from neilats import __version__
from neilats.doctor.coverage import left_out
from neilats.doctor.facts import Facts
from neilats.doctor.scheduler import hidden_configs
from neilats.doctor.versions import minor_of
from neilats.doctor.words import few

__all__ = ["remarks"]


def remarks(facts: Facts) -> Iterator[str]:
    """A line each."""
    yield from facts.notes
    for config in facts.configs:
        if config.problem:
            yield f"{config.where}: looks like a KubeSchedulerConfiguration and cannot be read: {config.problem}"
    for pod, file in hidden_configs(facts).items():
        yield f"kube-scheduler {pod} reads {file} on its host, which the API server cannot show: not checked"
    if nodes := left_out(facts):
        yield f"node {few(nodes)}: no prober, as the DaemonSet's nodeSelector and affinity have it: paths are unknown"
    yield from _kubernetes(facts.version)
    if facts.settings.shadow:
        yield "shadow is true: neilats computes and records everything, and answers neutrally"
    versions = {v for s in facts.extenders for v in s.now.by("neilats_build_info", "version")}
    if versions and __version__ not in versions:
        yield f"this is neilats {__version__}, and the extenders are {few(versions)}: the doctor may not know all of it"


def _kubernetes(version: str) -> Iterator[str]:
    found = minor_of(version)
    if found is not None and found < (1, 30):
        yield f"Kubernetes {version}: tokens do not name nodes before 1.30; a prober's node is found by its pod's name"
    if found is not None and found < (1, 36):
        yield f"Kubernetes {version}: MutatingAdmissionPolicy needs 1.36; set schedulerName in the workloads"

"""Checks of the extender's pods and of what each replica's metrics say."""

from collections.abc import Iterator
from typing import Final

from neilats.doctor import helm
from neilats.doctor.facts import Facts, Source
from neilats.doctor.finding import Trouble, check
from neilats.doctor.samples import Scrape
from neilats.doctor.words import percent, plural, pod_trouble

__all__ = ["CHECKS"]

_P: Final = "neilats_extender_"
_STALE_SHARE: Final = 0.2
_BLIND_SHARE: Final = 0.2
_LATE_SHARE: Final = 0.01
_REFUSED_SHARE: Final = 0.01  # of all reports since the start: a forged one now and then is no trouble
_FEW_CALLS: Final = 10  # a share of less says nothing


@check(
    "extender-missing",
    "error",
    Source.OWN_PODS,
    about="No pod runs an extender.",
    why="Nobody scores nodes: kube-scheduler places pods as if neilats were not there.",
    fix=helm.install("neilats", "neilats"),
)
def missing(facts: Facts) -> Iterator[Trouble]:
    """No extender at all."""
    if not facts.extender_pods:
        what = "no pod has the label neilats.io/extender=true"
        yield Trouble(f"namespace {facts.namespace}", what, helm.install(facts.release, facts.namespace))


@check(
    "extender-not-ready",
    "error",
    Source.OWN_PODS,
    about="An extender's pod, with kube-scheduler in it, is not ready.",
    why="Pods of its scheduler wait, or are placed without regard to latency, while no replica is ready.",
    fix="look at the pod: kubectl describe, kubectl logs",
)
def not_ready(facts: Facts) -> Iterator[Trouble]:
    """Replicas that do not answer; a warning while another one does."""
    ready = any(p.ready for p in facts.extender_pods)
    for pod in facts.extender_pods:
        if not pod.ready:
            meta = pod.metadata
            yield Trouble(
                f"pod {meta}",
                pod_trouble(pod),
                f"kubectl -n {meta.namespace} describe pod {meta.name}\n"
                f"kubectl -n {meta.namespace} logs {meta.name} --all-containers --tail=50",
                "warning" if ready else "error",
            )


@check(
    "extender-not-synced",
    "error",
    Source.EXTENDERS,
    about="A running extender says itself that it is not ready (`neilats_extender_ready` is 0).",
    why="It does not know the nodes yet, or too few probers have reported: its answers are neutral.",
    fix="look at the extender's log",
)
def not_synced(facts: Facts) -> Iterator[Trouble]:
    """/readyz says no."""
    for scrape in facts.extenders:
        if scrape.now.value(f"{_P}ready") == 0:
            yield Trouble(f"pod {scrape.pod}", "neilats_extender_ready is 0", _logs(facts, scrape))


@check(
    "extender-windows-stale",
    "warning",
    Source.EXTENDERS,
    about="More than a fifth of the paths that are to be measured, and were, are stale.",
    why="A stale path counts as unknown: nodes are scored without it, and `require` waits for it.",
    fix="see which probers do not report, in the other findings or the probers' logs",
)
def windows_stale(facts: Facts) -> Iterator[Trouble]:
    """Paths that were measured once and no longer are, although they should be."""
    for scrape in facts.extenders:
        # Windows also hold paths that nobody is told to measure any more; older extenders count nothing else.
        states = scrape.now.by(f"{_P}probe_paths", "state") or scrape.now.by(f"{_P}windows", "state")
        stale, known = states.get("stale", 0.0), states.get("stale", 0.0) + states.get("fresh", 0.0)
        if known and stale / known > _STALE_SHARE:
            yield Trouble(
                f"pod {scrape.pod}",
                f"{stale:.0f} of {known:.0f} measured paths are stale",
                f"kubectl -n {facts.namespace} logs --selector app.kubernetes.io/component=prober --tail=20",
            )


def _calls(scrape: Scrape, outcome: str = "") -> float:
    """Calls about pods with an intent, or those with one outcome."""
    verbs = scrape.now.by(f"{_P}calls_total", "outcome")
    return verbs.get(outcome, 0.0) if outcome else sum(v for k, v in verbs.items() if k != "no_intent")


@check(
    "extender-decides-blindly",
    "warning",
    Source.EXTENDERS,
    about="More than a fifth of the answers about pods with an intent were neutral for lack of data.",
    why="These pods were placed without regard to latency.",
    fix="see that probers run on all nodes and that their reports are accepted",
)
def decides_blindly(facts: Facts) -> Iterator[Trouble]:
    """Answers without data since the start."""
    for scrape in facts.extenders:
        blind, calls = _calls(scrape, "no_data"), _calls(scrape)
        if calls >= _FEW_CALLS and blind / calls > _BLIND_SHARE:
            yield Trouble(
                f"pod {scrape.pod}",
                f"{percent(blind / calls)} of {calls:.0f} calls had no data",
                f"kubectl -n {facts.namespace} get pods --selector app.kubernetes.io/component=prober -o wide",
            )


@check(
    "extender-late",
    "warning",
    Source.EXTENDERS,
    about="More than 1 % of the calls reached the deadline, and got a neutral answer.",
    why="These pods were placed without regard to latency, although it was known.",
    fix="give the extender more CPU, or raise deadline_ms and kube-scheduler's httpTimeout",
)
def late(facts: Facts) -> Iterator[Trouble]:
    """Answers that were not ready in time."""
    for scrape in facts.extenders:
        late_calls, calls = _calls(scrape, "deadline"), _calls(scrape)
        if calls >= _FEW_CALLS and late_calls / calls > _LATE_SHARE:
            what = f"{percent(late_calls / calls)} of {calls:.0f} calls took longer than the deadline"
            yield Trouble(f"pod {scrape.pod}", what)


_REFUSED: Final = {
    "unauthenticated": "without a valid token (401)",
    "refused": "for a row that they may not write (403)",
    "unknown_node": "from nodes that the cluster does not have",
    "invalid": "that could not be read",
    "too_large": "that were too large",
}


@check(
    "extender-refuses-reports",
    "warning",
    Source.EXTENDERS,
    about="Reports of probers are refused (an error while that goes on).",
    why="What these probers measure is not known: their nodes' paths become stale. Or somebody forges reports.",
    fix="see the extender's log for who sent them and why they are refused",
)
def refuses_reports(facts: Facts) -> Iterator[Trouble]:
    """Refused while the doctor watched, or often since the start."""
    for scrape in facts.extenders:
        all_reports = scrape.now.total(f"{_P}reports_total")
        total, recent = (s.by(f"{_P}reports_total", "outcome") for s in (scrape.now, scrape.recent))
        watched = scrape.before is not None
        for outcome, words in _REFUSED.items():
            goes_on = watched and recent.get(outcome, 0.0) > 0
            count = total.get(outcome, 0.0)
            if goes_on or count > _REFUSED_SHARE * all_reports:
                what = f"{plural(round(count), 'report')} refused {words}" + (", and more are coming" * goes_on)
                yield Trouble(f"pod {scrape.pod}", what, _logs(facts, scrape), "error" if goes_on else "warning")


@check(
    "extender-probers-silent",
    "warning",
    Source.EXTENDERS,
    about="Ready nodes whose prober has not reported lately.",
    why="Paths from these nodes are unknown, and paths to them only as far as the others measure them.",
    fix="see the probers on these nodes",
)
def probers_silent(facts: Facts) -> Iterator[Trouble]:
    """Nodes that a replica has not heard."""
    for scrape in facts.extenders:
        if (silent := scrape.now.total(f"{_P}probers", state="silent")) > 0:
            yield Trouble(
                f"pod {scrape.pod}",
                f"{plural(round(silent), 'ready node')} without a recent report",
                f"kubectl -n {facts.namespace} get pods --selector app.kubernetes.io/component=prober -o wide",
            )


def _logs(facts: Facts, scrape: Scrape) -> str:
    return f"kubectl -n {facts.namespace} logs {scrape.pod.rpartition('/')[2]} -c extender --tail=100"


CHECKS = (
    missing,
    not_ready,
    not_synced,
    windows_stale,
    decides_blindly,
    late,
    refuses_reports,
    probers_silent,
)

"""Checks of what makes an extender worse over time: its models, its certificates, its rights, its restarts."""

from collections.abc import Iterator
from typing import Final

from neilats.doctor.facts import Facts, Source
from neilats.doctor.finding import Trouble, check
from neilats.doctor.objects import seconds_of
from neilats.doctor.pods import Ended
from neilats.doctor.words import plural

__all__ = ["CHECKS"]

_P: Final = "neilats_extender_"
_DAY_S: Final = 86_400
_SOON_S: Final = 7 * _DAY_S
_RESTARTS: Final = 3
_LATELY_S: Final = 900

_RIGHTS: Final = {
    "token_reviews_total": ("token reviews", "create tokenreviews.authentication.k8s.io"),
    "access_reviews_total": ("access reviews", "create subjectaccessreviews.authorization.k8s.io"),
    "events_total": ("events", "create and patch events"),
    "pod_wakes_total": ("wakes of refused pods", "patch pods"),
}


@check(
    "extender-lacks-rights",
    "warning",
    Source.EXTENDERS,
    about="The extender's requests to the API server fail: token and access reviews, events, wakes of refused pods.",
    why="Without reviews no prober is heard; without wakes a refused pod waits up to five minutes for its next try.",
    fix="see the extender's log, and give its service account the right",
)
def lacks_rights(facts: Facts) -> Iterator[Trouble]:
    """Requests that failed while the doctor watched, or ever where it looked once."""
    for scrape in facts.extenders:
        for name, (words, right) in _RIGHTS.items():
            if failed := scrape.recent.total(f"{_P}{name}", outcome="failed"):
                yield Trouble(
                    f"pod {scrape.pod}",
                    f"{failed:.0f} {words} failed",
                    f"kubectl -n {facts.namespace} logs {scrape.pod.rpartition('/')[2]} -c extender --tail=100   "
                    f"# its service account needs: {right}",
                )


@check(
    "model-not-loaded",
    "warning",
    Source.EXTENDERS,
    about="A promoted model could not be loaded.",
    why="The one before goes on serving, which is not what was promoted.",
    fix="the log names the file: promote a model that can be read, or roll back",
)
def model_not_loaded(facts: Facts) -> Iterator[Trouble]:
    """A model that is missing, corrupt or of another shape."""
    for scrape in facts.extenders:
        if failed := scrape.now.total(f"{_P}model_loads_total", outcome="failed"):
            yield Trouble(
                f"pod {scrape.pod}",
                f"{plural(round(failed), 'model load')} failed",
                f"kubectl -n {facts.namespace} logs {scrape.pod.rpartition('/')[2]} -c extender   "
                "# names the file; then: neilats models promote NAME",
            )


@check(
    "model-worse-than-naive",
    "warning",
    Source.EXTENDERS,
    about="The forecasts of the network are worse than the naive ones (`neilats_forecast_skill_ratio` below 0).",
    why="Where they lose they are not used, so nothing is placed worse; but they cost CPU and help nobody.",
    fix="train on a recording of this network: neilats record, neilats models train",
)
def worse_than_naive(facts: Facts) -> Iterator[Trouble]:
    """Negative skill over all nodes."""
    for scrape in facts.extenders:
        if (skill := scrape.now.value("neilats_forecast_skill_ratio")) < 0:
            yield Trouble(
                f"pod {scrape.pod}",
                f"neilats_forecast_skill_ratio is {skill:.2f}",
                "neilats record --out mine --duration 86400 && neilats models train mine --name mine "
                "--recipe violation   # then evaluate and promote it",
            )


@check(
    "certificate-expires",
    "warning",
    Source.EXTENDERS,
    about="A certificate of the extender has less than a week left (an error once it has expired), or a renewed one "
    "cannot be read.",
    why="With an expired certificate no prober reports, and kube-scheduler's calls over TLS fail.",
    fix="tls.type generated: delete the Secrets NAME-tls and NAME-webhook-client, then helm upgrade; cert-manager: see "
    "kubectl describe certificate",
)
def certificate_expires(facts: Facts) -> Iterator[Trouble]:
    """Old certificates, and files that could not be taken over."""
    for scrape in facts.extenders:
        where = f"pod {scrape.pod}"
        for listener, end in scrape.now.by(f"{_P}certificate_expiry_timestamp_seconds", "listener").items():
            left = end - facts.now
            if left < 0:
                yield Trouble(where, f"the certificate of {listener} has expired", severity="error")
            elif left < _SOON_S:
                yield Trouble(where, f"the certificate of {listener} expires in {left / _DAY_S:.1f} days")
        if failed := scrape.recent.total(f"{_P}tls_reloads_total", outcome="failed"):
            yield Trouble(where, f"{plural(round(failed), 'renewed certificate')} could not be read")


@check(
    "pod-restarts",
    "warning",
    Source.OWN_PODS,
    about="A container of neilats was killed for its memory, failed within 15 minutes, or restarts again and again.",
    why="An extender forgets its decisions and is blind until probers report again; a prober's node is not measured.",
    fix="see the log of the run before: kubectl logs --previous",
)
def pod_restarts(facts: Facts) -> Iterator[Trouble]:
    """Crash loops and OOM kills in any pod of neilats."""
    for pod in (p for p in facts.own_pods if p.living):
        for status in pod.status.all_statuses:
            ended = status.last_state.terminated
            killed = ended is not None and ended.reason == "OOMKilled"
            if not killed and not _failed_lately(ended, facts.now) and status.restart_count < _RESTARTS:
                continue
            meta = pod.metadata
            why = f", last: {ended.reason}" if ended and ended.reason else ""
            remedy = "   # then raise its memory limit" if killed else ""
            yield Trouble(
                f"pod {meta}, container {status.name}",
                plural(status.restart_count, "restart") + why,
                f"kubectl -n {meta.namespace} logs {meta.name} -c {status.name} --previous{remedy}",
            )


def _failed_lately(ended: Ended | None, now: float) -> bool:
    if ended is None or ended.reason == "Completed":
        return False
    at = seconds_of(ended.finished_at)
    return at is not None and now - at < _LATELY_S


CHECKS = (lacks_rights, model_not_loaded, worse_than_naive, certificate_expires, pod_restarts)

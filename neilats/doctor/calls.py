"""Checks of how kube-scheduler calls neilats: with which nodes, how safely, how long it waits, what it makes of it."""

from collections.abc import Iterator

from neilats.doctor.facts import Facts, Source
from neilats.doctor.finding import Trouble, check
from neilats.doctor.kubescheduler import Entry
from neilats.doctor.scheduler import entries
from neilats.doctor.weight import POINT, enough, rivals

__all__ = ["CHECKS"]


@check(
    "scheduler-samples-nodes",
    "warning",
    Source.CONFIGS,
    about="`percentageOfNodesToScore` is not 100.",
    why="From 100 nodes on kube-scheduler shows an extender only a sample of them, and a node that keeps the promise "
    "may not be in it.",
    fix="set percentageOfNodesToScore: 100 in the profile",
)
def samples_nodes(facts: Facts) -> Iterator[Trouble]:
    """The profile's own percentage goes before that of the whole."""
    for config in (c for c in facts.configs if c.neilats):
        for profile in config.profiles:
            own = profile.percentage_of_nodes_to_score
            percentage = own if own is not None else config.percentage
            if percentage != 100:
                shown = "not set" if percentage is None else percentage
                yield Trouble(
                    config.where,
                    f"profile {profile.scheduler_name}: percentageOfNodesToScore is {shown}",
                    config.fix(
                        f"set percentageOfNodesToScore: 100 in the profile {profile.scheduler_name}",
                        "scheduler.percentageOfNodesToScore=100",
                    ),
                )


@check(
    "scheduler-trusts-anybody",
    "error",
    Source.CONFIGS,
    about="`enableHTTPS` without a CA, or `tlsConfig.insecure`.",
    why="kube-scheduler then takes any certificate, without a word: whoever answers decides where pods run.",
    fix="set tlsConfig.caFile or tlsConfig.caData",
)
def trusts_anybody(facts: Facts) -> Iterator[Trouble]:
    """Certificates are not verified."""
    for config, entry in entries(facts):
        if problem := _unverified(entry):
            fix = config.fix("set tlsConfig.caFile or tlsConfig.caData to the CA of the webhooks")
            yield Trouble(config.where, f"extender {entry.url_prefix}: {problem}", fix)


def _unverified(entry: Entry) -> str:
    tls = entry.tls_config
    if tls is not None and tls.insecure:
        return "tlsConfig.insecure is true"
    if entry.enable_https and (tls is None or not (tls.ca_file or tls.ca_data)):
        return "enableHTTPS is true, but tlsConfig has neither caFile nor caData"
    return ""


@check(
    "scheduler-calls-in-plain",
    "error",
    Source.CONFIGS,
    about="A plain http `urlPrefix` that is not loopback.",
    why="Pods' names, labels and annotations cross the network readable, and whoever answers decides where pods run.",
    fix="run the extender beside kube-scheduler, or use TLS with client certificates",
)
def calls_in_plain(facts: Facts) -> Iterator[Trouble]:
    """Calls leave the host without TLS."""
    for config, entry in entries(facts):
        if entry.url_prefix.lower().startswith("http://") and not entry.is_local:
            yield Trouble(
                config.where,
                f"extender {entry.url_prefix}: plain http to another host",
                config.fix("urlPrefix: http://127.0.0.1:8888/scheduler, or https with tlsConfig (helm: split=true)"),
            )


@check(
    "scheduler-weighs-little",
    "warning",
    Source.CONFIGS,
    about="The extender's `weight` is low against the profile's other score plugins.",
    why="kube-scheduler adds score x weight x 10 to the other plugins' totals: where one point is worth less than "
    "what these can differ by, they outvote latency (docs/scoring.md).",
    fix="set weight: 100",
)
def weighs_little(facts: Facts) -> Iterator[Trouble]:
    """Other plugins decide."""
    for config, entry in entries(facts):
        for profile in config.profiles if entry.prioritize_verb else ():
            least = enough(profile)
            if entry.weight < least:
                yield Trouble(
                    config.where,
                    f"extender {entry.url_prefix}: with weight {entry.weight} one point is worth "
                    f"{POINT * entry.weight}, and the other score plugins of profile {profile.scheduler_name} "
                    f"can differ by {rivals(profile)}",
                    config.fix(f"set weight: {least}", f"scheduler.weight={least}"),
                )


@check(
    "scheduler-hangs-up-early",
    "error",
    Source.CONFIGS,
    about="`httpTimeout` is not longer than the extender's deadline (200 ms by default).",
    why="kube-scheduler gives up before the extender's neutral answer comes: the call counts as failed, and with it "
    "filters are skipped and scores lost.",
    fix="set httpTimeout: 1s",
)
def hangs_up_early(facts: Facts) -> Iterator[Trouble]:
    """kube-scheduler waits less long than the extender takes."""
    deadline_ms = facts.settings.deadline_ms
    for config, entry in entries(facts):
        if entry.timeout_s * 1e3 <= deadline_ms:
            enough_s = f"{max(1, round(5 * deadline_ms / 1e3))}s"
            yield Trouble(
                config.where,
                f"extender {entry.url_prefix}: httpTimeout {entry.http_timeout} is not longer than "
                f"deadline_ms: {deadline_ms:g}",
                config.fix(f"set httpTimeout: {enough_s}", f"scheduler.httpTimeout={enough_s}"),
            )


CHECKS = (
    samples_nodes,
    trusts_anybody,
    calls_in_plain,
    weighs_little,
    hangs_up_early,
)

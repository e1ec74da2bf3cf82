"""Checks of what the probers' metrics say: are they heard, do they hear each other, and is what they hear true?"""

import math
from collections import defaultdict
from collections.abc import Iterator
from statistics import median
from typing import Final

from neilats.doctor import helm
from neilats.doctor.facts import Facts, Source
from neilats.doctor.finding import Trouble, check
from neilats.doctor.samples import Samples, Scrape
from neilats.doctor.words import few, percent

__all__ = ["CHECKS"]

_P: Final = "neilats_prober_"
_HEARD: Final = ("accepted", "resync", "duplicate")
_UNHEARD_SHARE: Final = 0.3
_LOW_COVERAGE: Final = 0.8
_CUT_LOSS: Final = 0.9
_FEW_PROBES: Final = 2  # without an answer; with fewer, the next may just be on its way
_NOISY_SHARE: Final = 0.05
_FEW_NOISES: Final = 10  # of a prober's whole life: while its node starts other things it is slow for a moment
_STEPPED_SHARE: Final = 0.01
_NOISES: Final = ("control", "lag", "preempted")

_REPORT_FIXES: Final = {
    "unauthorized": "compare the prober's service account with the extender's setting reporters, and the token's "
    "audience with audiences",
    "busy": "the extender has too much to do: more CPU, no CPU limit, a longer interval",
    "unreachable": "see that the Service of the extender has endpoints and that no NetworkPolicy is in between",
}


@check(
    "prober-unheard",
    "warning",
    Source.PROBERS,
    about="A prober's reports are not accepted (an error where none is): unauthorized, unreachable, rejected.",
    why="What it measures does not arrive: the paths of its node become stale.",
    fix="see the prober's log, and the extender's for the same time",
)
def unheard(facts: Facts) -> Iterator[Trouble]:
    """Probers by what becomes of their reports."""
    found: dict[tuple[str, bool], list[str]] = defaultdict(list)
    for scrape in facts.probers:
        outcomes = scrape.recent.by(f"{_P}reports_total", "outcome")
        bad = {k: v for k, v in outcomes.items() if k not in _HEARD and v > 0}
        share = sum(bad.values()) / (sum(outcomes.values()) or 1)
        if share > _UNHEARD_SHARE:
            found[max(bad, key=lambda k: bad[k]), share == 1].append(scrape.node)
    for (outcome, none_accepted), nodes in sorted(found.items()):
        words = "no report is accepted" if none_accepted else "many reports are not accepted"
        log = f"kubectl -n {facts.namespace} logs --selector app.kubernetes.io/component=prober --tail=5"
        remedy = _REPORT_FIXES.get(outcome, "see also the extender's log")
        yield Trouble(
            f"prober on {few(nodes)}",
            f"{words}: {outcome}",
            f"{log}   # {remedy}",
            "error" if none_accepted else "warning",
        )


@check(
    "prober-coverage-low",
    "warning",
    Source.PROBERS,
    about="A prober measured less than 80 % of the samples that were due.",
    why="What is not measured is left out: forecasts rest on less, and `require` waits for samples.",
    fix="see the other findings about this prober; it needs a CPU request and no CPU limit",
)
def coverage_low(facts: Facts) -> Iterator[Trouble]:
    """Samples that were not taken."""
    for scrape in facts.probers:
        if (coverage := scrape.now.value(f"{_P}coverage_ratio")) < _LOW_COVERAGE:
            yield Trouble(f"prober on {scrape.node}", f"coverage is {percent(coverage)}{_reasons(scrape.now)}")


def _reasons(samples: Samples) -> str:
    counts = {k: v for k, v in samples.by(f"{_P}probes_unmeasured_total", "reason").items() if v > 0}
    most = sorted(counts, key=lambda k: -counts[k])[:3]
    return f"; unmeasured for: {', '.join(most)}" if most else ""


def _loss(scrape: Scrape) -> float:
    """The share of probes without an answer, lately if enough were sent to say; NaN where there never were."""
    for samples in (scrape.recent, scrape.now):
        received, lost = (samples.total(f"{_P}probes_{what}_total") for what in ("received", "lost"))
        if lost + received >= _FEW_PROBES:
            return lost / (lost + received)
    return math.nan


def _losses(facts: Facts) -> dict[str, float]:
    found = {s.node: _loss(s) for s in facts.probers}
    return {node: loss for node, loss in found.items() if not math.isnan(loss)}


@check(
    "probes-blocked",
    "error",
    Source.PROBERS,
    about="Probers send and none of them gets an answer: blocked ICMP, as a rule.",
    why="Every path looks dead: scores say nothing, and `require` refuses every node.",
    fix=helm.upgrade("neilats", "neilats", "prober.mode=udp"),
)
def blocked(facts: Facts) -> Iterator[Trouble]:
    """Nobody hears anybody."""
    losses = _losses(facts)
    if losses and min(losses.values()) == 1:
        fix = helm.upgrade(facts.release, facts.namespace, "prober.mode=udp")
        yield Trouble(f"prober on {few(losses)}", "none of their probes is answered", fix)


@check(
    "node-cut-off",
    "error",
    Source.PROBERS,
    about="A node whose prober loses nearly everything while others do not.",
    why="The node is cut off from the others, or a firewall on it drops probes; its kubelet may still look healthy.",
    fix="see the node's network: its CNI pod, routes, firewall and cable",
)
def cut_off(facts: Facts) -> Iterator[Trouble]:
    """One node's losses against everybody's."""
    losses = _losses(facts)
    cut = [node for node, loss in losses.items() if loss >= _CUT_LOSS]
    if not cut or min(losses.values()) == 1 or len(cut) == len(losses):
        return
    others = median(loss for node, loss in losses.items() if node not in cut)
    for node in cut:
        yield Trouble(
            f"node {node}",
            f"its prober loses {percent(losses[node])} of its probes; the others lose {percent(others)}",
            f"kubectl get pods --all-namespaces --field-selector spec.nodeName={node} -o wide   "
            "# its CNI pod first; then its routes and firewall",
        )


@check(
    "prober-without-targets",
    "warning",
    Source.PROBERS,
    about="A prober has nothing to probe, or cannot probe some of what it is told.",
    why="Its node's paths are not measured.",
    fix="see that its reports are accepted (the reply names the targets) and that nodes have internal addresses",
)
def without_targets(facts: Facts) -> Iterator[Trouble]:
    """No targets, or targets without a usable address."""
    for scrape in facts.probers:
        where = f"prober on {scrape.node}"
        if scrape.now.value(f"{_P}targets") == 0 and len(facts.probers) > 1:
            yield Trouble(where, "it has no targets")
        for reason, count in scrape.now.by(f"{_P}targets_ignored", "reason").items():
            if count > 0:
                words = {"address": "no usable address", "limit": "more than max_targets"}.get(reason, reason)
                yield Trouble(where, f"{count:.0f} targets are not probed: {words}")


@check(
    "prober-noisy",
    "warning",
    Source.PROBERS,
    about="More than 5 % of a prober's samples were dropped as its own noise (loopback RTT, lag, preemption).",
    why="The prober gets too little CPU to measure well; what it drops lowers the coverage.",
    fix="remove its CPU limit and raise its CPU request (helm: prober.resources)",
)
def noisy(facts: Facts) -> Iterator[Trouble]:
    """Samples that a busy node spoilt."""
    for scrape in facts.probers:
        dropped = scrape.now.by(f"{_P}probes_unmeasured_total", "reason")
        noise = sum(dropped.get(reason, 0.0) for reason in _NOISES)
        sent = scrape.now.total(f"{_P}probes_sent_total")
        if noise >= _FEW_NOISES and noise > _NOISY_SHARE * sent:
            rtt, lag = (scrape.now.value(f"{_P}{name}") for name in ("control_rtt_seconds", "loop_lag_seconds"))
            yield Trouble(
                f"prober on {scrape.node}",
                f"{noise:.0f} samples dropped as noise beside {sent:.0f} probes; "
                f"now: loopback {1e3 * rtt:.2f} ms, event loop late by {1e3 * lag:.0f} ms",
            )


@check(
    "prober-clock-steps",
    "warning",
    Source.PROBERS,
    about="A node's clock steps while its prober measures.",
    why="Samples across a step are dropped; tokens and certificates are judged by this clock too.",
    fix="let chrony or systemd-timesyncd slew the node's clock: chronyc tracking, timedatectl",
)
def clock_steps(facts: Facts) -> Iterator[Trouble]:
    """Samples that a clock spoilt, now or often."""
    for scrape in facts.probers:
        steps = scrape.now.total(f"{_P}probes_unmeasured_total", reason="clock")
        sent = scrape.now.total(f"{_P}probes_sent_total")
        if steps > _STEPPED_SHARE * max(sent, 1):
            yield Trouble(f"prober on {scrape.node}", f"{steps:.0f} samples dropped because the clock stepped")


CHECKS = (
    unheard,
    coverage_low,
    blocked,
    cut_off,
    without_targets,
    noisy,
    clock_steps,
)

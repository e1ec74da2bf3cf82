"""What fails leaves scheduling at work, and shows: in metrics, in alerts, to the doctor and on the pods."""

from collections.abc import Iterator

import pytest

from tests.controlplane.kube import Kube
from tests.e2e.chart.conftest import restore_links
from tests.e2e.chart.processes import kill
from tests.e2e.chart.prometheus import Prometheus, fires, prometheus
from tests.e2e.chart.release import EXTENDER_METRICS, Release, eventually, placed, promise
from tests.e2e.live import LiveCluster

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(500)]


BUSY = {"prober-noisy", "prober-coverage-low"}
"""What the doctor may say of a healthy release here: all nodes share this machine, and other tests were busy on it."""


def probers(release: Release, state: str) -> float:
    return release.extender_metric("neilats_extender_probers", state=state)


@pytest.fixture(scope="module")
def scraping(release: Release, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    with prometheus(release.cluster, tmp_path_factory.mktemp("prometheus")) as server:
        yield server


async def test_both_components_are_scraped_by_their_annotations(scraping: Prometheus, measured: Release) -> None:
    pods = {p["metadata"]["name"] for c in ("scheduler", "prober") for p in measured.pods(c)}
    await eventually("all pods up", lambda: {p for p, up in scraping.up().items() if up} >= pods)
    assert await eventually("fresh windows", lambda: scraping.value('neilats_extender_windows{state="fresh"}') == 12)
    assert scraping.firing() == set()
    assert measured.complaints() <= BUSY


async def test_a_killed_extender_comes_back_and_pods_are_scheduled_meanwhile(
    kube: Kube, measured: Release, scraping: Prometheus
) -> None:
    release, pod = measured, measured.extender()
    kill("extender", release.pods("scheduler")[0])
    assert await placed(kube, "meanwhile", promise("node-1", max_rtt_ms="5"))
    await eventually("its restart", lambda: release.restarts(pod, "extender") == 1)
    assert "pod-restarts" in release.complaints()

    def knows_everything() -> bool:  # from what the probers' rings held
        return release.metrics(pod, EXTENDER_METRICS)["neilats_extender_windows", (("state", "fresh"),)] == 12

    await eventually("all windows again", knows_everything)
    assert release.starts(pod, "extender") == 2
    counted_anew = "max(resets(neilats_extender_report_bytes_total[5m]))"
    await eventually("its restart in the metrics", lambda: scraping.value(counted_anew) == 1, timeout_s=30)
    assert await placed(kube, "afterwards", promise("node-1", max_rtt_ms="5")) == "node-2"


async def test_a_killed_prober_comes_back_and_shows(kube: Kube, measured: Release) -> None:
    release, prober = measured, measured.prober_on("node-3")
    kill("prober", prober)
    assert await placed(kube, "beside", promise("node-1", max_rtt_ms="5")) == "node-2"
    name = prober["metadata"]["name"]
    await eventually("its restart", lambda: release.restarts(name, "prober") == 1)
    assert release.starts(name, "prober") == 2
    assert "pod-restarts" in release.complaints()
    await eventually("its new start in the metrics",
                     lambda: release.extender_metric("neilats_extender_prober_restarts_total") >= 1)  # fmt: skip


async def test_a_node_that_is_cut_off_shows_everywhere(
    kube: Kube, measured: Release, cluster: LiveCluster, scraping: Prometheus
) -> None:
    release = measured
    home = release.pods("scheduler")[0]["spec"]["nodeName"]
    away = next(n for n in ("node-4", "node-3") if n != home)
    here = next(n for n in ("node-1", "node-2") if n != home)
    others = [n for n in ("node-1", "node-2", "node-3", "node-4") if n not in (away, here)]
    assert await placed(kube, "stranded", promise(here, max_rtt_ms="100"), off=(here, *others)) == away
    await eventually("its kept promise", lambda: release.extender_metric("neilats_placed_pods", state="kept") >= 1)
    for other in (here, *others):
        cluster.link(away, other, loss=1)
    try:
        assert await kube.wait_event("stranded", "LatencyPromiseBroken", timeout_s=150)
        await eventually("a silent prober", lambda: probers(release, "silent") == 1)
        assert await placed(kube, "later", promise(here, max_rtt_ms="40"), off=(here,)) != away
        assert {"node-cut-off", "extender-probers-silent"} <= release.complaints()
        for alert in ("NeilatsProbersMissing", "NeilatsPromisesBroken"):
            await fires(scraping, alert)
    finally:
        restore_links(cluster)

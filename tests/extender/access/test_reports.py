"""Reports that must carry a token: whose row they may write, and what is counted."""

import pytest

from extender.cluster.api import ApiError
from extender.cluster.base import ClusterError
from tests.extender.access.fake_reviews import PROBER, of_pod, on_node

RUN = {"age_ms": 0, "step_ms": 10000, "rtt_ms": [1.0]}


def report(node="node-2", seq=1):
    return {"node": node, "boot": "b1", "seq": seq, "interval_ms": 10000, "samples": {"node-1": RUN}}


@pytest.fixture
async def bench(make_bench, server):
    return await make_bench(api=server, report_auth="token", reporters=(PROBER,))


async def send(bench, token=None, body=None, **headers):
    headers |= {"Authorization": f"Bearer {token}"} if token else {}
    response = await bench.api.post("/v1/report", json=body or report(), headers=headers)
    return response.status, await response.json(), response.headers


def outcomes(bench):
    samples = next(m for m in bench.extender.metrics.reports.collect()).samples
    return {s.labels["outcome"]: s.value for s in samples if s.name.endswith("_total") and s.value}


async def test_a_token_of_a_pod_on_the_node_may_write_its_row(bench, server):
    status, _, _ = await send(bench, server.knows("t", extra=on_node("node-2")))
    assert (status, outcomes(bench)) == (200, {"applied": 1})
    assert bench.metric("neilats_extender_token_reviews_total", outcome="authenticated") == 1


async def test_before_node_names_were_in_tokens_the_pod_tells(bench, server):
    server.pods["/api/v1/namespaces/neilats/pods/prober-x"] = {
        "metadata": {"uid": "uid-1"},
        "spec": {"nodeName": "node-2"},
    }
    status, _, _ = await send(bench, server.knows("t", extra=of_pod("prober-x")))
    assert status == 200


async def test_another_nodes_token_may_not_even_from_a_trusted_address(bench, server):
    status, body, _ = await send(bench, server.knows("t", extra=on_node("node-1")))
    assert (status, outcomes(bench)) == (403, {"refused": 1})
    assert "on node node-1 and may not write the row of node node-2" in body["error"]
    assert len(bench.extender.store) == 0


async def test_no_token_is_unauthenticated_even_from_loopback(bench):
    status, body, headers = await send(bench)
    assert (status, outcomes(bench)) == (401, {"unauthenticated": 1})
    assert "set the prober's token_file" in body["error"]
    assert headers["WWW-Authenticate"] == "Bearer"


async def test_a_rejected_token_is_unauthenticated(bench):
    status, _, _ = await send(bench, "garbage")
    assert (status, outcomes(bench)) == (401, {"unauthenticated": 1})
    assert bench.metric("neilats_extender_token_reviews_total", outcome="rejected") == 1


async def test_a_user_who_is_no_reporter_is_refused(bench, server):
    status, body, _ = await send(bench, server.knows("t", "system:serviceaccount:shop:web", extra=on_node("node-2")))
    assert (status, outcomes(bench)) == (403, {"refused": 1})
    assert "system:serviceaccount:shop:web may not report" in body["error"]


async def test_while_tokens_cannot_be_reviewed_the_prober_is_told_to_report_again(bench, server):
    server.failure = ApiError("disconnected", "no route")
    status, body, _ = await send(bench, "t")
    assert (status, outcomes(bench)) == (503, {"not_ready": 1})
    assert "try again in a moment" in body["error"]


async def test_the_body_of_a_report_without_a_token_is_not_read(bench):
    response = await bench.api.post("/v1/report", data=b"{nope")
    assert response.status == 401
    assert bench.metric("neilats_extender_report_bytes_total", encoding="json") == 0


async def test_the_address_decides_where_no_token_is_asked_for(make_bench, server):
    bench = await make_bench(api=server)
    assert (await bench.api.post("/v1/report", json=report())).status == 200
    assert server.asked == []


@pytest.mark.parametrize("settings", [{"report_auth": "token", "reporters": (PROBER,)}, {"api_auth": "required"}])
async def test_without_an_api_server_tokens_cannot_be_asked_for(make_bench, settings):
    with pytest.raises(ClusterError, match="none was found; set cluster"):
        await make_bench(**settings)

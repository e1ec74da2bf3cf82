"""Hostile and broken input: a 4xx that says what and where, nothing applied, everything counted, the process lives."""

import io
import json

import pytest

from tests.extender.conftest import a_pod

JSON = {"Content-Type": "application/json"}
RUN = {"age_ms": 0, "step_ms": 10000, "rtt_ms": [1.0]}


def report(**changes):
    return {"node": "node-2", "boot": "b1", "seq": 1, "interval_ms": 10000, "samples": {"node-1": RUN}} | changes


def samples(**changes):
    return report(samples={"node-1": RUN | changes})


async def refused(client, path, body, status=400, headers=JSON):
    """Post raw bytes; the answer must be this status and say why in JSON; returns the text."""
    response = await client.post(path, data=body, headers=headers)
    assert response.status == status, await response.text()
    error = (await response.json())["error"]
    assert error
    return error


BROKEN = {
    "empty": (b"", "empty"),
    "blank": (b"  \n", "empty"),
    "not JSON": (b"{nope", "malformed"),
    "cut off": (b'{"Pod": {"metadata"', "truncated"),
    "not UTF-8": (b'{"Pod": {"metadata": {"name": "\xff\xfe"}}, "NodeNames": []}', "utf-8"),
    "an array": (b"[]", "object"),
    "Pod null": (b'{"Pod": null, "NodeNames": ["node-1"]}', "Pod"),
    "Pod absent": (b'{"NodeNames": ["node-1"]}', "Pod"),
    "Pod a number": (b'{"Pod": 3, "NodeNames": ["node-1"]}', "Pod"),
    "Pod without a name": (b'{"Pod": {"metadata": {}}, "NodeNames": ["node-1"]}', "metadata.name"),
    "labels a list": (b'{"Pod": {"metadata": {"name": "p", "labels": []}}, "NodeNames": []}', "labels"),
}
ARGS = {
    "neither Nodes nor NodeNames": (b'{"Pod": {"metadata": {"name": "p"}}}', "NodeNames"),
    "both null": (b'{"Pod": {"metadata": {"name": "p"}}, "Nodes": null, "NodeNames": null}', "NodeNames"),
    "names of numbers": (b'{"Pod": {"metadata": {"name": "p"}}, "NodeNames": [1]}', "$[0]"),
    "names a text": (b'{"Pod": {"metadata": {"name": "p"}}, "NodeNames": "node-1"}', "NodeNames"),
    "nodes without names": (
        b'{"Pod": {"metadata": {"name": "p"}}, "Nodes": {"items": [{"metadata": {}}]}}',
        "items[0]",
    ),
}
VICTIMS = {
    "no victims": (b'{"Pod": {"metadata": {"name": "p"}}}', "NodeNameToMetaVictims"),
    "victims a list": (b'{"Pod": {"metadata": {"name": "p"}}, "NodeNameToMetaVictims": []}', "object"),
    "a victim without UID": (
        b'{"Pod": {"metadata": {"name": "p"}}, "NodeNameToMetaVictims": {"n": {"Pods": [{}]}}}',
        "UID",
    ),
}


@pytest.mark.parametrize("verb", ["filter", "prioritize", "preempt"])
@pytest.mark.parametrize(("body", "says"), BROKEN.values(), ids=BROKEN.keys())
async def test_broken_calls_of_every_verb_are_refused_with_the_place(bench, verb, body, says):
    if verb == "preempt":
        body = body.replace(b'"NodeNames": ["node-1"]', b'"NodeNameToMetaVictims": {}')
        body = body.replace(b'"NodeNames": []', b'"NodeNameToMetaVictims": {}')
    error = await refused(bench.webhooks, f"/scheduler/{verb}", body)
    assert says.lower() in error.lower()
    assert bench.metric("neilats_extender_calls_total", verb=verb, outcome="error") == 1


@pytest.mark.parametrize("verb", ["filter", "prioritize"])
@pytest.mark.parametrize(("body", "says"), ARGS.values(), ids=ARGS.keys())
async def test_calls_without_usable_nodes_are_refused(bench, verb, body, says):
    assert says in await refused(bench.webhooks, f"/scheduler/{verb}", body)


@pytest.mark.parametrize(("body", "says"), VICTIMS.values(), ids=VICTIMS.keys())
async def test_preempt_calls_without_usable_victims_are_refused(bench, body, says):
    assert says in await refused(bench.webhooks, "/scheduler/preempt", body)


REPORTS = {
    "empty": (b"", "truncated"),
    "not JSON": (b"{nope", "malformed"),
    "an array": (b"[]", "object"),
    "no node": (json.dumps({k: v for k, v in report().items() if k != "node"}), "node"),
    "node a number": (json.dumps(report(node=3)), "$.node"),
    "sequence zero": (json.dumps(report(seq=0)), "$.seq"),
    "RTT NaN": (json.dumps(samples(rtt_ms=[float("nan")])), "malformed"),
    "RTT infinite": (json.dumps(samples(rtt_ms=[1.0])).replace("1.0", "1e999"), "range"),
    "RTT negative": (json.dumps(samples(rtt_ms=[1.0, -2.5])), "$.samples.node-1[1]"),
    "RTT of an hour": (json.dumps(samples(rtt_ms=[3.6e6])), "$.samples.node-1[0]"),
    "RTT a text": (json.dumps(samples(rtt_ms=["1"])), "rtt_ms"),
    "a future time": (json.dumps(samples(age_ms=-1)), "age_ms"),
    "a time of days ago": (json.dumps(samples(age_ms=2e8)), "age_ms"),
    "a run into days ago": (json.dumps(samples(step_ms=8e7, rtt_ms=[1.0] * 5)), "a day"),
    "no step": (json.dumps(samples(step_ms=0)), "step_ms"),
    "a run of thousands": (json.dumps(samples(rtt_ms=[1.0] * 5000)), "rtt_ms"),
    "itself as target": (json.dumps(report(samples={"node-2": RUN})), "itself"),
    "an interval of days": (json.dumps(report(interval_ms=1e9)), "interval_ms"),
    "an unknown field in a run": (json.dumps(samples(rtt=[1.0])), "rtt"),
}


@pytest.mark.parametrize(("body", "says"), REPORTS.values(), ids=REPORTS.keys())
async def test_broken_reports_are_refused_with_the_place_and_change_nothing(bench, body, says):
    assert says in await refused(bench.api, "/v1/report", body)
    assert len(bench.extender.store) == 0
    assert bench.extender.ingest.sources == {}
    assert bench.metric("neilats_extender_reports_total", outcome="invalid") == 1


async def test_a_report_with_one_bad_target_applies_none_of_its_good_ones(bench):
    body = report(samples={"node-1": RUN, "node-3": RUN | {"rtt_ms": [-7]}})
    await refused(bench.api, "/v1/report", json.dumps(body))
    assert len(bench.extender.store) == 0


async def test_a_report_for_an_unknown_node_is_refused(bench):
    assert "node-9" in await refused(bench.api, "/v1/report", json.dumps(report(node="node-9")), 404)
    assert bench.metric("neilats_extender_reports_total", outcome="unknown_node") == 1


async def test_samples_of_an_unknown_target_are_left_out_and_counted(bench):
    body = report(samples={"node-1": RUN, "node-9": RUN})
    response = await bench.api.post("/v1/report", json=body)
    assert response.status == 200
    assert len(bench.extender.store) == 1
    assert bench.metric("neilats_extender_samples_total", kind="unknown_target") == 1


@pytest.mark.parametrize("seq", [5, 4, 1], ids=["repeated", "older", "first again"])
async def test_replayed_and_out_of_order_reports_are_refused_with_the_last_number(bench, seq):
    assert (await bench.api.post("/v1/report", json=report(seq=5))).status == 200
    before = bench.extender.store.windows(bench.extender.store.rows_of("node-2"), bench.clock.now)
    response = await bench.api.post("/v1/report", json=report(seq=seq))
    assert response.status == 409
    body = await response.json()
    assert body["last_seq"] == 5
    assert "node-2" in body["error"]
    after = bench.extender.store.windows(bench.extender.store.rows_of("node-2"), bench.clock.now)
    assert (before[~(before != before)] == after[~(after != after)]).all()
    assert bench.metric("neilats_extender_reports_total", outcome="replayed") == 1


async def test_a_report_of_an_earlier_boot_is_refused(bench):
    for boot in ("b1", "b2"):
        assert (await bench.api.post("/v1/report", json=report(boot=boot))).status == 200
    assert "ended before" in await refused(bench.api, "/v1/report", json.dumps(report(boot="b1", seq=9)), 409)


async def test_a_prober_cannot_write_another_nodes_row(make_bench):
    bench = await make_bench(trusted_reporters=())
    from extender.cluster.base import NodeInfo

    bench.extender.cluster.nodes = {"node-2": NodeInfo("node-2"), "node-1": NodeInfo("node-1", ("127.0.0.1",))}
    error = await refused(bench.api, "/v1/report", json.dumps(report()), 403)
    assert "127.0.0.1 belongs to node node-1 and may not write the row of node node-2" in error
    assert len(bench.extender.store) == 0
    assert bench.metric("neilats_extender_reports_total", outcome="refused") == 1


@pytest.mark.parametrize("path", ["/v1/report", "/v1/scores", "/predict/node-12node-2", "/adf_score"])
async def test_bodies_of_fifty_megabytes_are_refused_on_the_cluster_listener(bench, path):
    error = await refused(bench.api, path, io.BytesIO(b" " * 50_000_000), 413)
    assert "bytes" in error


@pytest.mark.parametrize("verb", ["filter", "prioritize", "preempt"])
async def test_bodies_of_fifty_megabytes_are_refused_by_the_webhooks(bench, verb):
    await refused(bench.webhooks, f"/scheduler/{verb}", io.BytesIO(b" " * 50_000_000), 413)
    assert bench.metric("neilats_extender_calls_total", verb=verb, outcome="error") == 1


async def test_a_large_body_sent_in_chunks_without_a_length_is_refused_too(make_bench):
    bench = await make_bench(report_max_mib=0.01)

    async def chunks():
        for _ in range(40):
            yield b" " * 1000

    await refused(bench.api, "/v1/report", chunks(), 413)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
@pytest.mark.parametrize("path", ["/v1/report", "/v1/scores", "/predict/node-12node-2", "/adf_score"])
async def test_bodies_that_do_not_say_they_are_json_are_refused(bench, path, kind):
    assert "application/json" in await refused(bench.api, path, b"{}", 415, {"Content-Type": kind})


@pytest.mark.parametrize("verb", ["filter", "prioritize", "preempt"])
async def test_webhook_bodies_that_do_not_say_they_are_json_are_refused(bench, verb):
    await refused(bench.webhooks, f"/scheduler/{verb}", b"{}", 415, {"Content-Type": "text/plain"})


SCORES = {
    "no peer": ({}, 400, "peer"),
    "peer a number": ({"peer": 3}, 400, "peer"),
    "an unknown peer": ({"peer": "node-9"}, 404, "node-9"),
    "a negative SLA": ({"peer": "node-1", "sla_ms": -1}, 400, "sla_ms"),
    "an SLA of zero": ({"peer": "node-1", "sla_ms": 0}, 400, "sla_ms"),
    "an SLA as text": ({"peer": "node-1", "sla_ms": "5"}, 400, "sla_ms"),
    "nodes a text": ({"peer": "node-1", "nodes": "node-2"}, 400, "nodes"),
    "an unknown profile": ({"peer": "node-1", "profile": "best"}, 400, "attainment"),
}


@pytest.mark.parametrize(("body", "status", "says"), SCORES.values(), ids=SCORES.keys())
async def test_broken_what_if_questions_are_refused(bench, body, status, says):
    assert says in await refused(bench.api, "/v1/scores", json.dumps(body), status)


DEEP = b"[" * 100_000


@pytest.mark.parametrize("path", ["/v1/scores", "/v1/report", "/predict/node-12node-2", "/adf_score"])
async def test_deeply_nested_bodies_are_refused(bench, path):
    await refused(bench.api, path, b'{"latency": ' + DEEP)


@pytest.mark.parametrize("verb", ["filter", "prioritize", "preempt"])
async def test_deeply_nested_calls_are_refused(bench, verb):
    await refused(bench.webhooks, f"/scheduler/{verb}", b'{"Pod": {"metadata": {"name": "p", "x": ' + DEEP)


async def test_a_body_that_is_not_the_gzip_it_claims_to_be_is_refused(bench):
    headers = JSON | {"Content-Encoding": "gzip"}
    for client, path in ((bench.api, "/v1/scores"), (bench.webhooks, "/scheduler/filter")):
        assert "headers" in await refused(client, path, b"not gzip", 400, headers)


@pytest.mark.parametrize("value", ["²", "-1", "9" * 5000, "ten"])
async def test_a_limit_that_is_no_number_is_refused(bench, value):
    response = await bench.api.get("/v1/decisions", params={"limit": value})
    assert response.status == 400


@pytest.mark.parametrize("profile", [["attainment"], {"a": 1}, 3])
async def test_a_profile_of_another_type_is_refused(bench, profile):
    assert "profile" in await refused(bench.api, "/v1/scores", json.dumps({"peer": "node-1", "profile": profile}))


async def test_a_question_about_a_hundred_thousand_nodes_is_refused_and_leaves_nothing(bench):
    many = [f"x{i}" for i in range(100_000)]
    assert "10000" in await refused(bench.api, "/v1/scores", json.dumps({"peer": "node-1", "nodes": many[:60_000]}))
    await bench.api.post("/v1/scores", json={"peer": "node-1", "nodes": many[:5000]})
    assert len(bench.extender.decider._probing.wanted) == 0


async def test_a_report_of_many_runs_is_refused(bench):
    body = report(samples={"node-1": [RUN | {"rtt_ms": [1.0] * 100}] * 100})
    assert "runs" in await refused(bench.api, "/v1/report", json.dumps(body))


ADDRESSES = [
    {"ipv4": "evil.example.com; rm"},
    {"ipv4": "fd00::1"},
    {"ipv6": "10.0.0.1"},
    {"ipv4": "0.0.0.0"},
    {"ipv4": "224.0.0.1"},
]


@pytest.mark.parametrize("addresses", ADDRESSES, ids=str)
async def test_addresses_that_nobody_can_probe_are_refused(bench, addresses):
    assert "addresses" in await refused(bench.api, "/v1/report", json.dumps(report(addresses=addresses)))
    assert bench.extender.ingest.sources == {}


async def test_unknown_routes_of_the_webhooks_answer_json_too(bench):
    response = await bench.webhooks.post("/scheduler/bind", json={})
    assert response.status == 404
    assert "error" in await response.json()


async def test_unknown_routes_and_methods_answer_json(bench):
    response = await bench.api.get("/nowhere")
    assert (response.status, (await response.json())["error"]) == (404, "Not Found: GET /nowhere")
    response = await bench.api.get("/v1/report")
    assert response.status == 405
    assert "error" in await response.json()


async def test_after_all_of_this_the_extender_still_answers(bench):
    for body, _ in [*BROKEN.values(), *ARGS.values(), *REPORTS.values()]:
        await bench.webhooks.post("/scheduler/filter", data=body, headers=JSON)
        await bench.api.post("/v1/report", data=body, headers=JSON)
    await bench.star("node-1", {"node-2": 1.0, "node-3": 9.0})
    assert (await bench.scores(a_pod(peer_nodes="node-1"), ("node-2", "node-3"))) == {"node-2": 10, "node-3": 0}

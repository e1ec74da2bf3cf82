"""Who may call the cluster's listener where callers must prove who they are."""

import asyncio

import pytest

from tests.extender.access.fake_reviews import PROBER

PATHS = ("/v1/matrix", "/v1/decisions", "/health", "/openapi.json", "/v1/nothing", "/", "/scheduler/filter")


@pytest.fixture
async def bench(make_bench, server):
    return await make_bench(api=server, api_auth="required", trusted_callers=())


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize("path", PATHS)
async def test_without_a_proof_every_path_is_unauthenticated_whether_it_exists_or_not(bench, path):
    response = await bench.api.get(path)
    assert response.status == 401
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert "kubectl create token ACCOUNT --audience neilats" in (await response.json())["error"]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "HEAD"])
@pytest.mark.parametrize("path", ["/v1/matrix", "/v1/nothing"])
async def test_and_so_is_every_method(bench, method, path):
    assert (await bench.api.request(method, path)).status == 401


async def test_a_user_with_the_right_is_answered(bench, server):
    server.allows("eve", "get", "/v1/matrix")
    response = await bench.api.get("/v1/matrix?source=node-1", headers=bearer(server.knows("t", "eve")))
    assert response.status == 200
    assert bench.metric("neilats_extender_access_reviews_total", outcome="allowed") == 1


async def test_a_user_without_it_is_refused_and_told_which_rule_is_missing(bench, server):
    server.allows("eve", "get", "/v1/matrix")
    response = await bench.api.post("/v1/scores", json={"peer": "node-1"}, headers=bearer(server.knows("t", "eve")))
    assert response.status == 403
    assert "nonResourceURLs: ['/v1/scores'] and verbs: [post]" in (await response.json())["error"]


async def test_a_rejected_token_is_unauthenticated(bench):
    assert (await bench.api.get("/v1/matrix", headers=bearer("garbage"))).status == 401


async def test_a_path_that_does_not_exist_is_unknown_only_to_who_may_ask_there(bench, server):
    server.allows("eve", "get", "/v1/nothing")
    headers = bearer(server.knows("t", "eve"))
    assert (await bench.api.get("/v1/nothing", headers=headers)).status == 404
    assert (await bench.api.get("/v1/other", headers=headers)).status == 403


async def test_head_needs_the_right_to_get(bench, server):
    server.allows("eve", "get", "/v1/matrix")
    assert (await bench.api.head("/v1/matrix", headers=bearer(server.knows("t", "eve")))).status == 200


async def test_the_body_of_a_refused_call_is_not_decoded(bench):
    response = await bench.api.post("/v1/scores", data=b"{nope", headers={"Content-Type": "application/json"})
    assert response.status == 401


async def test_a_trusted_address_needs_no_token(make_bench, server):
    bench = await make_bench(api=server, api_auth="required")
    assert (await bench.api.get("/v1/matrix")).status == 200
    assert server.asked == []


@pytest.mark.parametrize(
    ("open_paths", "answers"),
    [
        (("metrics", "health"), {"/metrics": 200, "/healthz": 200, "/readyz": 503}),
        (("health",), {"/metrics": 401, "/healthz": 200, "/readyz": 503}),
        ((), {"/metrics": 401, "/healthz": 401, "/readyz": 401}),
    ],
)
async def test_metrics_and_health_are_open_as_the_settings_say(make_bench, server, open_paths, answers):
    bench = await make_bench(api=server, api_auth="required", trusted_callers=(), open_paths=open_paths)
    assert {path: (await bench.api.get(path)).status for path in answers} == answers


async def test_reports_keep_their_own_rule(bench):
    run = {"age_ms": 0, "step_ms": 10000, "rtt_ms": [1.0]}
    assert (await bench.report("node-1", {"node-2": run})).status == 200


async def test_a_reporter_has_no_right_to_ask(make_bench, server):
    bench = await make_bench(
        api=server, api_auth="required", trusted_callers=(), report_auth="token", reporters=(PROBER,)
    )
    assert (await bench.api.get("/v1/matrix", headers=bearer(server.knows("t")))).status == 403


async def test_webhooks_and_the_old_plugins_listener_are_not_guarded(bench, aiohttp_client):
    answer = await bench.webhooks.post("/scheduler/filter", json={"Pod": {"metadata": {"name": "p"}}, "NodeNames": []})
    assert answer.status == 200
    legacy = await aiohttp_client(bench.extender.apps.legacy)
    assert (await legacy.post("/adf_score", json={"latency": [1, 2, 3]})).status == 200


async def test_the_browsers_question_is_answered_where_nothing_is_asked(make_bench):
    bench = await make_bench(cors_origin="*")
    assert (await bench.api.options("/adf_score")).status == 204


async def test_the_old_plugins_listener_has_its_calls_only(bench, aiohttp_client):
    legacy = await aiohttp_client(bench.extender.apps.legacy)
    assert (await legacy.get("/health")).status == 200
    assert (await legacy.post("/predict/node-12node-2", json={})).status == 400
    for path in ("/v1/matrix", "/metrics", "/healthz", "/openapi.json"):
        assert (await legacy.get(path)).status == 404
    assert (await legacy.post("/v1/report", json={})).status == 404


async def test_the_listener_of_metrics_has_metrics_and_health_only(bench, aiohttp_client):
    plain = await aiohttp_client(bench.extender.apps.metrics)
    assert b"neilats_extender_reports_total" in await (await plain.get("/metrics")).read()
    assert (await plain.get("/healthz")).status == 200
    for path in ("/v1/matrix", "/health", "/openapi.json", "/scheduler/filter"):
        assert (await plain.get(path)).status == 404


async def test_a_flood_of_made_up_tokens_takes_no_turn_from_the_questions_about_rights(make_bench, server):
    bench = await make_bench(api=server, api_auth="required", trusted_callers=(), token_reviews_per_s=1.0)
    server.allows("eve", "get", "/v1/matrix")
    server.allows("eve", "get", "/v1/decisions")
    headers = bearer(server.knows("t", "eve"))
    assert (await bench.api.get("/v1/matrix", headers=headers)).status == 200
    flood = [asyncio.create_task(bench.api.get("/v1/matrix", headers=bearer(f"t{i}"))) for i in range(4)]
    while not bench.metric("neilats_extender_token_reviews_total", outcome="throttled"):
        await asyncio.sleep(0.001)
    assert (await bench.api.get("/v1/decisions", headers=headers)).status == 200
    await asyncio.gather(*flood)

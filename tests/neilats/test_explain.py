"""`neilats explain` against one extender, several, and none."""

import json

from neilats.commands.client import ask_all
from neilats.commands.explain import merged
from tests.neilats.conftest import neilats


async def test_the_reasons_for_a_choice_are_told(served):
    await served.decided("cart", peer_nodes="gateway", max_rtt_ms="20")
    result = await neilats("explain", "shop/cart", "--url", served.url)
    assert result.exit_code == 0, result.output
    assert "shop/cart  (" in result.output
    assert "asked   prefers to be within 20 ms of gateway" in result.output
    assert "outcome 3 candidates scored" in result.output
    assert "why     node-1 scored 10, like node-2: 0 % of the time expected above 20 ms" in result.output
    assert "node-3 came next with 0: 100 % of the time expected above 20 ms (median 40.0 ms" in result.output
    assert "bound   not seen to be bound" in result.output


async def test_refused_nodes_are_grouped_by_reason(served):
    await served.decided("cart", peer_nodes="gateway", max_rtt_ms="7", mode="require")
    result = await neilats("explain", "shop/cart", "--url", served.url)
    assert "must be within 7 ms of gateway" in result.output
    assert "refused 2 nodes: path to gateway breaks 7 ms: node-2, node-3" in result.output


async def test_shadow_mode_is_said(serve):
    extender = await serve(shadow=True)
    await extender.star("gateway", {"node-1": 5.0, "node-2": 9.0})
    await extender.decided("cart", peer_nodes="gateway")
    result = await neilats("explain", "shop/cart", "--url", extender.url)
    assert "SHADOW" in result.output
    assert "neutral answer" in result.output


async def test_an_unreadable_intent_is_shown_with_its_mistake(served):
    await served.decided("cart", peer_nodes="gateway", max_rtt_ms="soon")
    result = await neilats("explain", "shop/cart", "--url", served.url)
    assert "MISTAKES" in result.output
    assert "neutral: all 3 candidates alike" in result.output


async def test_the_node_that_a_pod_got_and_a_vote_that_was_lost_are_told(served):
    from extender.pods import Pod

    await served.decided("cart", peer_nodes="gateway", max_rtt_ms="20")
    uid = f"uid-cart-{served.url}"
    served.extender.decisions.bound(Pod("shop", "cart", uid=uid, node="node-3"))
    result = await neilats("explain", "shop/cart", "--url", served.url)
    assert "shop/cart → node-3" in result.output
    assert "OUTVOTED: it scored 0, the best 10" in result.output
    assert "node-3 ←" in result.output


async def test_all_replicas_are_asked_and_the_newest_decision_comes_first(serve):
    one, two = await serve("127.0.0.1"), await serve("127.0.0.2")
    for extender, rtt_ms in ((one, 5.0), (two, 6.0)):
        await extender.star("gateway", {"node-1": rtt_ms, "node-2": 50.0})
        await extender.decided("cart", peer_nodes="gateway")
    urls = ("--url", one.url, "--url", two.url)
    result = await neilats("explain", "shop/cart", *urls, "--json")
    answer = json.loads(result.stdout)
    assert [d["replica"] for d in answer["decisions"]] == [two.url, one.url]
    assert answer["unheard"] == {}
    told = await neilats("explain", "shop/cart", *urls)
    assert "1 earlier; --all shows them in full:" in told.output
    everything = await neilats("explain", "shop/cart", *urls, "--all")
    assert everything.output.count("shop/cart  (") == 2


async def test_every_address_behind_a_name_is_asked_with_the_name_as_host(serve, unused_tcp_port):
    one, two = await serve("127.0.0.1", unused_tcp_port), await serve("127.0.0.2", unused_tcp_port)
    for extender in (one, two):
        await extender.star("gateway", {"node-1": 5.0})
        await extender.decided("cart", peer_nodes="gateway")

    async def resolve(host, port):
        assert host == "neilats-extender.test"
        return [(2, "127.0.0.1"), (2, "127.0.0.2"), (2, "127.0.0.3"), (10, "::1")]

    url = f"http://neilats-extender.test:{unused_tcp_port}"
    answers = await ask_all([url], "/v1/decisions/shop/cart", resolve)
    assert [(a.address, a.body is not None) for a in answers] == [
        ("127.0.0.1", True),
        ("127.0.0.2", True),
        ("127.0.0.3", False),
    ]
    assert len(merged(answers)) == 2
    assert answers[0].where == f"{url} (127.0.0.1)"


async def test_one_replica_met_under_two_urls_counts_once(served):
    await served.decided("cart", peer_nodes="gateway")
    port = served.url.rpartition(":")[2]
    result = await neilats("explain", "shop/cart", "--url", served.url, "--url", f"http://localhost:{port}", "--json")
    answer = json.loads(result.stdout)
    assert len(answer["decisions"]) == 1
    assert answer["unheard"] == {}


async def test_a_replica_that_is_not_heard_is_a_warning(served, unused_tcp_port):
    await served.decided("cart", peer_nodes="gateway")
    silent = f"http://127.0.0.1:{unused_tcp_port}"
    result = await neilats("explain", "shop/cart", "--url", silent, "--url", served.url)
    assert result.exit_code == 0
    assert f"Warning: {silent} was not heard (Connection refused)" in result.stderr


async def test_a_pod_that_nobody_knows_fails_with_what_to_check(served):
    result = await neilats("explain", "shop/cart", "--url", served.url)
    assert result.exit_code == 1
    assert "no extender knows a decision about the pod shop/cart" in result.stderr
    assert "schedulerName" in result.stderr
    assert "neilats.io/peer-nodes" in result.stderr


async def test_no_replica_at_all_fails_with_how_to_reach_one(unused_tcp_port):
    result = await neilats("explain", "shop/cart", "--url", f"http://127.0.0.1:{unused_tcp_port}")
    assert result.exit_code == 1
    assert "port-forward" in result.stderr


async def test_a_name_that_does_not_resolve_is_named():
    result = await neilats("explain", "shop/cart", "--url", "http://neilats-extender.invalid:8080")
    assert result.exit_code == 1
    assert "neilats-extender.invalid does not resolve" in result.stderr


async def placed(served):
    """Let the pod have its node, as the watch of placed pods sees it."""
    pod = {
        "metadata": {
            "name": "cart",
            "namespace": "shop",
            "uid": "u",
            "annotations": {"neilats.io/peer-nodes": "gateway", "neilats.io/max-rtt-ms": "5"},
        },
        "spec": {"nodeName": "node-1"},
    }
    served.extender.placed.table.put(pod)
    await served.extender.placed.keeper.look()


NOW = "now     kept for 0.0 s on node-1: path to gateway keeps 5 ms: 10 of 10 recent samples within (median 5 ms)"


async def test_whether_the_promise_is_kept_now_comes_last(served):
    await served.decided("cart", peer_nodes="gateway", max_rtt_ms="5")
    await placed(served)
    result = await neilats("explain", "shop/cart", "--url", served.url)
    assert result.output.splitlines()[-1].strip() == NOW
    answer = json.loads((await neilats("explain", "shop/cart", "--url", served.url, "--json")).stdout)
    assert answer["now"]["state"] == "kept"


async def test_the_replica_that_has_measured_the_promise_is_believed(serve):
    one, two = await serve("127.0.0.1"), await serve("127.0.0.2")
    await two.star("gateway", {"node-1": 5.0})
    for extender in (one, two):
        await extender.decided("cart", peer_nodes="gateway", max_rtt_ms="5")
        await placed(extender)
    for first, second in ((one, two), (two, one)):
        result = await neilats("explain", "shop/cart", "--url", first.url, "--url", second.url)
        assert result.output.splitlines()[-1].strip() == NOW


async def test_a_promise_is_told_also_when_the_decision_is_forgotten(served):
    await placed(served)
    result = await neilats("explain", "shop/cart", "--url", served.url)
    assert result.exit_code == 0
    assert [line.strip() for line in result.output.splitlines()] == [
        "shop/cart → node-1",
        "outcome forgotten: each replica keeps its latest decisions only, until it restarts",
        NOW,
    ]
    answer = json.loads((await neilats("explain", "shop/cart", "--url", served.url, "--json")).stdout)
    assert (answer["decisions"], answer["now"]["state"]) == ([], "kept")


async def test_a_pod_that_is_not_placed_has_no_line_about_now(served):
    await served.decided("cart", peer_nodes="gateway", max_rtt_ms="5")
    result = await neilats("explain", "shop/cart", "--url", served.url)
    assert "  now  " not in result.output
    assert json.loads((await neilats("explain", "shop/cart", "--url", served.url, "--json")).stdout)["now"] is None


async def test_a_pod_is_named_with_its_namespace():
    assert (await neilats("explain", "a/b/c")).exit_code == 2

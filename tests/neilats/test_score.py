"""`neilats score` and `neilats matrix` against an extender that listens."""

import json

import pytest

from neilats.commands.cells import UNKNOWN
from tests.neilats.conftest import neilats


async def test_the_best_node_comes_first_and_is_named_in_the_headline(served):
    result = await neilats("score", "gateway", "--sla-ms", "20", "--url", served.url)
    assert result.exit_code == 0, result.output
    headline, *lines = result.output.splitlines()
    assert headline.startswith("node-1 is the best choice to stay within 20 ms of gateway: 0 % of the time expected")
    names = [line.split()[0] for line in lines if line.startswith(("gateway", "node"))]
    assert names == ["node", "gateway", "node-1", "node-2", "node-3"]


async def test_without_an_sla_the_nearest_node_is_best(served):
    result = await neilats("score", "gateway", "--url", served.url)
    assert result.output.startswith("node-1 is nearest to gateway: 5.0 ms expected; node-2 is next (9.0 ms expected).")


async def test_losses_and_unmeasured_paths_can_be_seen(serve):
    extender = await serve()
    await extender.measured("node-1", "gateway", [5.0] * 10 + [-1.0] * 10)
    await extender.measured("node-2", "gateway", [-1.0] * 10)
    result = await neilats("score", "gateway", "--sla-ms", "20", "--url", extender.url)
    rows = {line.split()[0]: line.split() for line in result.output.splitlines() if line.startswith("node-")}
    assert {"lost", "50"} < set(rows["node-1"])
    assert {"lost", "100"} < set(rows["node-2"])
    assert rows["node-3"].count(UNKNOWN) > 4
    assert "?" in rows["node-3"]


async def test_only_the_named_nodes_are_scored(served):
    result = await neilats("score", "gateway", "-n", "node-3", "-n", "node-9", "--url", served.url, "--json")
    assert sorted(json.loads(result.output)["nodes"]) == ["node-3", "node-9"]


async def test_json_is_one_document_as_the_extender_sent_it(served):
    result = await neilats("score", "gateway", "--sla-ms", "20", "--json", "--url", served.url)
    answer = json.loads(result.stdout)
    assert next(iter(answer["nodes"])) == "gateway"
    assert answer["nodes"]["node-2"]["median_ms"] == 9.0


async def test_nothing_measured_is_said_in_words(serve):
    result = await neilats("score", "gateway", "--url", (await serve()).url)
    assert result.output.startswith("No path to gateway is measured yet")


async def test_nodes_that_cannot_be_told_apart_are_not_called_best(serve):
    extender = await serve()
    await extender.star("gateway", {"node-1": 5.0, "node-2": 5.0})
    nodes = ("-n", "node-1", "-n", "node-2")
    result = await neilats("score", "gateway", *nodes, "--sla-ms", "20", "--url", extender.url)
    assert result.output.startswith("No node is clearly within 20 ms of gateway: all 2 measured ones score 5.")


async def test_every_profile_can_be_shown(served):
    result = await neilats("score", "gateway", "--sla-ms", "20", "--profile", "seed", "--url", served.url)
    assert result.exit_code == 0
    assert "profile seed" in result.output


async def test_the_url_may_come_from_the_environment(served, monkeypatch):
    monkeypatch.setenv("NEILATS_URL", f"{served.url}/")
    assert (await neilats("score", "gateway")).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "answer"),
    [(("nowhere",), "peer 'nowhere' is no known node"), (("gateway", "--profile", "best"), "profile 'best' does not")],
    ids=["unknown peer", "unknown profile"],
)
async def test_what_the_extender_refuses_is_shown_and_fails(served, arguments, answer):
    result = await neilats("score", *arguments, "--url", served.url)
    assert result.exit_code == 1
    assert f"the extender at {served.url} says: {answer}" in result.stderr


async def test_an_extender_that_is_not_there_is_named_with_a_remedy(unused_tcp_port):
    url = f"http://127.0.0.1:{unused_tcp_port}"
    result = await neilats("score", "gateway", "--url", url)
    assert result.exit_code == 1
    assert f"cannot reach the extender at {url}: Connection refused" in result.stderr
    assert "kubectl -n neilats port-forward" in result.stderr


async def test_something_else_that_answers_is_not_taken_for_an_extender(aiohttp_server):
    from aiohttp import web

    server = await aiohttp_server(web.Application())
    result = await neilats("score", "gateway", "--url", str(server.make_url("")))
    assert result.exit_code == 1
    assert "is no extender: HTTP 404 without a JSON object" in result.stderr


@pytest.mark.parametrize("arguments", [("--url", "127.0.0.1:8080"), ("--url", ""), ("--sla-ms", "0")], ids=str)
async def test_misuse_is_refused_before_anybody_is_asked(arguments):
    assert (await neilats("score", "gateway", *arguments)).exit_code == 2


@pytest.mark.parametrize("arguments", [(), ("--last",)], ids=["median", "last"])
async def test_the_matrix_has_a_line_for_every_node(served, arguments):
    result = await neilats("matrix", *arguments, "--url", served.url)
    lines = {
        line.split()[0]: line.split()[1:] for line in result.output.splitlines() if line.startswith(("gate", "node"))
    }
    assert lines["node-2"] == ["9.0", UNKNOWN, "·", UNKNOWN]
    assert lines["gateway"] == ["·", UNKNOWN, UNKNOWN, UNKNOWN]


@pytest.mark.parametrize(
    ("arguments", "columns", "lines"),
    [
        (("--from", "node-1"), ["gateway"], ["node-1"]),
        (("--to", "gateway"), ["gateway"], ["node-1", "node-2", "node-3"]),
        (("--to", "node-2"), [], []),
        (("--from", "node-1", "--to", "gateway", "--last"), ["gateway"], ["node-1"]),
    ],
)
async def test_the_matrix_of_one_node_has_only_the_nodes_of_its_paths(served, arguments, columns, lines):
    result = await neilats("matrix", *arguments, "--url", served.url)
    assert result.exit_code == 0, result.output
    header = next(line for line in result.output.splitlines() if "from" in line)
    assert header.split()[3:] == columns
    assert [line.split()[0] for line in result.output.splitlines() if line.startswith("node-")] == lines

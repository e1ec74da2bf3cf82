"""Talking to an API server: credentials, errors, and settings that cannot work."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from extender.cluster import kube
from extender.cluster.api import ApiError
from extender.cluster.base import ClusterError
from extender.cluster.choose import open_cluster
from extender.cluster.kube import KubeApi
from extender.cluster.live import KubeCluster
from extender.cluster.static import StaticCluster
from extender.intents import Intent, Pod
from extender.selectors import parse_selector
from neilats.settings import ExtenderSettings
from tests.extender.cluster.fake_api import PODS, FakeApi, pod


async def test_a_list_comes_as_raw_json(fake: FakeApi, api: KubeApi) -> None:
    await fake.put(PODS, pod("a"))
    assert b'"uid": "uid-a"' in await api.get(PODS, {"limit": "5"})
    assert fake.asked == [(PODS, {"limit": "5"})]


async def test_the_token_file_is_read_again_after_a_minute(fake: FakeApi, kubeconfig: Path) -> None:
    now = [0.0]
    api = await KubeApi.open(str(kubeconfig), clock=lambda: now[0])
    await api.get(PODS, {})
    kubeconfig.with_name("token").write_text("secret-2\n")
    for now[0] in (59, 61):
        await api.get(PODS, {})
    await api.close()
    assert fake.tokens == ["Bearer secret-1", "Bearer secret-1", "Bearer secret-2"]


@pytest.mark.parametrize(
    ("status", "reason"), [(410, "gone"), (403, "refused"), (404, "refused"), (429, "refused"), (500, "refused")]
)
async def test_an_error_status_carries_the_servers_message(
    fake: FakeApi, api: KubeApi, status: int, reason: str
) -> None:
    fake.fail_next(PODS, status, message="no such luck")
    with pytest.raises(ApiError, match=f"^{status} no such luck$") as raised:
        await api.get(PODS, {})
    assert (raised.value.reason, raised.value.status) == (reason, status)


async def test_an_error_page_of_a_proxy_is_cut_short(fake: FakeApi, api: KubeApi) -> None:
    fake.answers[PODS].append(lambda: web.Response(status=502, text="<html>" + "x" * 10_000))
    with pytest.raises(ApiError, match=r"502 <html>x+$") as raised:
        await api.get(PODS, {})
    assert len(str(raised.value)) < 400


async def test_a_server_that_is_not_there_is_disconnected(fake: FakeApi, api: KubeApi) -> None:
    await fake.server.close()
    with pytest.raises(ApiError) as raised:
        await api.get(PODS, {})
    assert raised.value.reason == "disconnected"


async def test_credentials_that_cannot_be_renewed_are_an_api_error(fake: FakeApi, kubeconfig: Path) -> None:
    now = [0.0]
    api = await KubeApi.open(str(kubeconfig), clock=lambda: now[0])
    kubeconfig.with_name("token").write_bytes(b"\xff\xfe")
    now[0] = 61
    with pytest.raises(ApiError, match="UnicodeDecodeError") as raised:
        await api.get(PODS, {})
    assert raised.value.reason == "disconnected"
    now[0] = 122
    assert not await KubeCluster(api).annotate("shop", "web", {})
    await api.close()


async def test_a_patch_is_given_up_soon(fake: FakeApi, api: KubeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    assert kube._WRITE_S == 5
    monkeypatch.setattr(kube, "_WRITE_S", 0.05)
    fake.patch_delay_s = 1
    with pytest.raises(ApiError, match="in time") as raised:
        await api.patch(f"{PODS}/a", {})
    assert raised.value.reason == "silent"


@pytest.mark.parametrize("method", ["post", "put"])
async def test_what_is_created_or_replaced_comes_back_as_stored(fake: FakeApi, api: KubeApi, method: str) -> None:
    stored = await getattr(api, method)(PODS, {"metadata": {"name": "a"}})
    assert json.loads(stored) == {"metadata": {"name": "a"}}
    assert fake.written == [(method.upper(), PODS, {"metadata": {"name": "a"}})]


async def test_a_refused_write_says_the_servers_reason(fake: FakeApi, api: KubeApi) -> None:
    fake.answers[PODS] = [lambda: web.json_response({"message": "exists"}, status=409)]
    with pytest.raises(ApiError, match="409 exists") as refused:
        await api.post(PODS, {})
    assert refused.value.status == 409


async def test_a_patch_is_a_merge_patch(fake: FakeApi, api: KubeApi) -> None:
    await api.patch(f"{PODS}/a", {"metadata": {"annotations": {"x": "1"}}})
    assert fake.patches == [
        (f"{PODS}/a", "application/merge-patch+json", {"metadata": {"annotations": {"x": "1"}}}),
    ]


async def test_an_object_is_deleted_with_its_options(fake: FakeApi, api: KubeApi) -> None:
    await api.delete(f"{PODS}/a", {"gracePeriodSeconds": "0"})
    assert fake.deleted == [(f"{PODS}/a", {"gracePeriodSeconds": "0"})]


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"current-context": "x", "contexts": []}'])
async def test_a_kubeconfig_that_is_none_is_refused_by_name(content: str, tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text(content)
    with pytest.raises(ClusterError, match=r"kubeconfig='.*'.*check the file"):
        await KubeApi.open(str(path))


async def test_being_in_no_pod_is_said_with_the_remedy() -> None:
    with pytest.raises(ClusterError, match=r"cluster='in-cluster'.*outside a pod set kubeconfig or cluster: none"):
        await KubeApi.open()


# -- which cluster the settings mean ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "kind"),
    [
        ({"cluster": "none"}, StaticCluster),
        ({"cluster": "auto"}, StaticCluster),
        ({"cluster": "auto", "kubeconfig": "FILE"}, KubeCluster),
        ({"cluster": "kubeconfig", "kubeconfig": "FILE"}, KubeCluster),
        ({"cluster": "none", "kubeconfig": "FILE"}, StaticCluster),
    ],
)
async def test_the_settings_choose_the_cluster(
    settings: dict[str, Any], kind: type[object], kubeconfig: Path, tmp_path: Path
) -> None:
    given: dict[str, Any] = {k: str(kubeconfig) if v == "FILE" else v for k, v in settings.items()}
    cluster = await open_cluster(ExtenderSettings(**given), service_account=tmp_path / "absent")
    assert isinstance(cluster, kind)
    await cluster.close()


async def test_a_service_account_means_in_cluster(kubeconfig: Path) -> None:
    settings = ExtenderSettings(kubeconfig=str(kubeconfig))
    with pytest.raises(ClusterError, match="in-cluster"):
        await open_cluster(settings, service_account=kubeconfig)


async def test_a_static_cluster_knows_only_its_nodes(caplog: pytest.LogCaptureFixture) -> None:
    cluster = StaticCluster([("a", "10.0.0.1"), ("b", "")])
    assert {n.name: n.addresses for n in cluster.nodes.values()} == {"a": ("10.0.0.1",), "b": ()}
    intent = Intent(peer_nodes=("a", "z"), peer_services=(("shop", "db"),), peer_pods=parse_selector("app=db"))
    found = await cluster.wait_resolved(intent, Pod("shop", "p"), 1)
    assert (found.nodes, found.weights, found.pending) == (("a",), (1.0,), "")
    assert found.unresolved == (
        "node z does not exist; service shop/db: no cluster to ask; pods app=db: no cluster to ask"
    )
    with caplog.at_level(logging.DEBUG):
        assert not await cluster.annotate("shop", "p", {"a": "b"})

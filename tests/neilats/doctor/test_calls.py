"""How kube-scheduler calls neilats, and what it makes of the scores."""

import pytest

from neilats.doctor.calls import calls_in_plain, hangs_up_early, samples_nodes, trusts_anybody, weighs_little
from neilats.doctor.facts import Facts
from neilats.settings import ExtenderSettings
from tests.neilats.doctor.builders import GOOD_EXTENDER, asking_neilats, found, scheduler_config, texts


def profiled(**profile):
    return Facts(configs=[scheduler_config(GOOD_EXTENDER, profile=profile)])


@pytest.mark.parametrize("check", [samples_nodes, trusts_anybody, calls_in_plain, weighs_little, hangs_up_early])
def test_the_charts_configuration_is_in_order(check):
    assert found(check, Facts(configs=[asking_neilats()])) == []


def test_a_profiles_percentage_goes_before_the_global_one():
    sampled = profiled(percentageOfNodesToScore=None)
    assert "percentageOfNodesToScore is not set" in texts(samples_nodes, sampled)[0]
    assert "is 30" in texts(samples_nodes, profiled(percentageOfNodesToScore=30))[0]
    of_all = scheduler_config(GOOD_EXTENDER, profile={"percentageOfNodesToScore": None}, percentageOfNodesToScore=100)
    assert found(samples_nodes, Facts(configs=[of_all])) == []
    own = scheduler_config(GOOD_EXTENDER, profile={"percentageOfNodesToScore": 0}, percentageOfNodesToScore=100)
    assert "is 0" in texts(samples_nodes, Facts(configs=[own]))[0]


def test_a_scheduler_without_neilats_may_sample():
    assert found(samples_nodes, Facts(configs=[scheduler_config(profile={"percentageOfNodesToScore": 10})])) == []


@pytest.mark.parametrize("tls", [None, {}, {"certFile": "c"}, {"insecure": True, "caFile": "ca"}])
def test_https_without_a_ca_trusts_anybody(tls):
    config = asking_neilats(urlPrefix="https://e:8443/scheduler", enableHTTPS=True, tlsConfig=tls)
    assert len(found(trusts_anybody, Facts(configs=[config]))) == 1


@pytest.mark.parametrize("tls", [{"caFile": "ca"}, {"caData": "Y2E="}])
def test_https_with_a_ca_is_fine(tls):
    config = asking_neilats(urlPrefix="https://e:8443/scheduler", enableHTTPS=True, tlsConfig=tls)
    assert found(trusts_anybody, Facts(configs=[config])) == []


@pytest.mark.parametrize("host", ["10.0.0.1", "neilats-extender.neilats.svc", "[fd00::1]"])
def test_plain_http_to_another_host_is_an_error(host):
    assert len(found(calls_in_plain, Facts(configs=[asking_neilats(urlPrefix=f"http://{host}:8888/scheduler")]))) == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "localhost", "[::1]"])
def test_plain_http_on_loopback_is_fine(host):
    assert found(calls_in_plain, Facts(configs=[asking_neilats(urlPrefix=f"http://{host}:8888/scheduler")])) == []


def test_a_low_weight_is_told_in_points():
    (text,) = texts(weighs_little, Facts(configs=[asking_neilats(weight=10)]))
    assert "one point is worth 100" in text
    assert "can differ by 500" in text
    assert "set weight: 100" in found(weighs_little, Facts(configs=[asking_neilats(weight=99)]))[0].fix


@pytest.mark.parametrize(
    ("plugins", "span"),
    [
        ({"score": {"enabled": [{"name": "NodeResourcesFit", "weight": 10}]}}, 1400),
        ({"score": {"enabled": [{"name": "Strangers", "weight": 3}]}}, 800),
        ({"multiPoint": {"enabled": [{"name": "Strangers", "weight": 3}]}}, 500),
        ({"multiPoint": {"enabled": [{"name": "ImageLocality", "weight": 5}]}}, 900),
        ({"score": {"enabled": [{"name": "NodeAffinity", "weight": 50}]}}, 500),
        ({"score": {"disabled": [{"name": "*"}], "enabled": [{"name": "NodeResourcesFit"}]}}, 100),
    ],
)
def test_the_profiles_own_plugin_weights_count(plugins, span):
    facts = Facts(configs=[scheduler_config(GOOD_EXTENDER | {"weight": 1}, profile={"plugins": plugins})])
    assert f"can differ by {span}" in texts(weighs_little, facts)[0]


def test_a_weight_of_100_is_enough_where_other_plugins_are_few():
    assert found(weighs_little, profiled(plugins={"score": {"disabled": [{"name": "*"}]}})) == []


def test_an_extender_that_is_not_asked_for_scores_needs_no_weight():
    assert found(weighs_little, Facts(configs=[asking_neilats(prioritizeVerb="", weight=0)])) == []


def test_kube_scheduler_must_wait_longer_than_the_extender_takes():
    short, exact = asking_neilats(httpTimeout="100ms"), asking_neilats(httpTimeout="200ms")
    assert len(found(hangs_up_early, Facts(configs=[short, exact]))) == 2
    slow = ExtenderSettings(deadline_ms=2000)
    (finding,) = found(hangs_up_early, Facts(configs=[asking_neilats()], settings=slow))
    assert "deadline_ms: 2000" in finding.what
    assert "set httpTimeout: 10s" in finding.fix
    assert found(hangs_up_early, Facts(configs=[asking_neilats(httpTimeout=None)], settings=slow)) == []

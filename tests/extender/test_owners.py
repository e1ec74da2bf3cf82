"""Which address may write which row."""

from types import SimpleNamespace

import pytest

from extender.cluster.base import NodeInfo
from extender.errors import Refused
from extender.owners import RowOwners, Sender, TokenOwners


@pytest.fixture
def cluster():
    nodes = [
        NodeInfo("a", ("10.0.0.1", "fd00::1"), ("10.244.1.0/24", "fd01:1::/64")),
        NodeInfo("b", ("10.0.0.2",), ("10.244.2.0/24",)),
        NodeInfo("c"),
    ]
    return SimpleNamespace(nodes={n.name: n for n in nodes}, nodes_version=1)


@pytest.fixture
def owners(cluster):
    return RowOwners(cluster, ("127.0.0.0/8",), silence_s=40)


@pytest.mark.parametrize(
    "remote", ["10.0.0.1", "fd00::1", "::ffff:10.0.0.1", "10.244.1.77", "fd01:1::abc", "127.0.0.9"]
)
def test_a_nodes_own_addresses_its_pods_and_trusted_networks_may_write(owners, remote):
    owners.check("a", Sender(remote), 0)


@pytest.mark.parametrize("remote", ["10.0.0.2", "10.244.2.77"])
def test_another_nodes_addresses_and_pods_may_not(owners, remote):
    with pytest.raises(Refused, match="belongs to node b"):
        owners.check("a", Sender(remote), 0)


@pytest.mark.parametrize("remote", ["", "nonsense", "10.0.0"])
def test_an_address_that_cannot_be_read_may_not(owners, remote):
    with pytest.raises(Refused, match="cannot be read"):
        owners.check("a", Sender(remote), 0)


@pytest.mark.parametrize("node", ["a", "c"])
def test_of_unknown_addresses_the_first_keeps_the_row_while_it_writes(owners, node):
    owners.check(node, Sender("10.9.0.7"), 0)
    owners.check(node, Sender("10.9.0.7"), 39)
    with pytest.raises(Refused, match=r"10\.9\.0\.7 wrote it 30 s ago"):
        owners.check(node, Sender("10.9.0.8"), 69)


def test_a_silent_writer_loses_the_row(owners):
    owners.check("c", Sender("10.9.0.7"), 0)
    owners.check("c", Sender("10.9.0.8"), 41)
    with pytest.raises(Refused):
        owners.check("c", Sender("10.9.0.7"), 42)


@pytest.mark.parametrize("home", ["10.0.0.1", "10.244.1.77"])
def test_an_unknown_address_may_not_take_the_row_of_a_node_that_writes_itself(owners, home):
    owners.check("a", Sender(home), 0)
    with pytest.raises(Refused, match=rf"10\.9\.0\.7 belongs to no known node.*{home} wrote it 39 s ago"):
        owners.check("a", Sender("10.9.0.7"), 39)
    owners.check("a", Sender("10.9.0.7"), 40)


def test_a_nodes_own_address_takes_its_row_back_at_once_and_keeps_it(owners):
    owners.check("a", Sender("10.9.0.7"), 0)
    owners.check("a", Sender("fd00::1"), 1)
    owners.check("a", Sender("10.0.0.1"), 2)
    with pytest.raises(Refused, match=r"10\.0\.0\.1 wrote it"):
        owners.check("a", Sender("10.9.0.7"), 3)


def test_trusted_networks_write_beside_the_rows_owner(owners):
    owners.check("a", Sender("10.0.0.1"), 0)
    owners.check("a", Sender("127.0.0.9"), 1)
    owners.check("a", Sender("10.0.0.1"), 2)


def test_a_nodes_own_address_counts_before_another_nodes_pod_range_around_it(owners, cluster):
    cluster.nodes["c"] = NodeInfo("c", ("10.244.1.9", "fd01:1::9"), ("10.244.0.0/16", "fd01::/16"))
    for address in ("10.244.1.9", "fd01:1::9", "10.244.7.7", "fd01:7::7"):
        owners.check("c", Sender(address), 0)
        with pytest.raises(Refused, match="belongs to node c"):
            owners.check("a", Sender(address), 0)
    owners.check("a", Sender("10.244.1.8"), 0)


def test_a_forgotten_node_has_no_owner(owners):
    owners.check("c", Sender("10.9.0.7"), 0)
    owners.forget("c")
    owners.check("c", Sender("10.9.0.8"), 1)


def test_changed_nodes_are_noticed(owners, cluster):
    owners.check("c", Sender("10.0.0.3"), 0)
    cluster.nodes["b"] = NodeInfo("b", ("10.0.0.3",))
    cluster.nodes_version = 2
    with pytest.raises(Refused, match="belongs to node b"):
        owners.check("c", Sender("10.0.0.3"), 1)


def test_a_token_writes_the_row_of_its_node_from_anywhere():
    TokenOwners().check("a", Sender("203.0.113.9", "a"), 0)


@pytest.mark.parametrize("node", ["b", ""])
def test_a_token_writes_no_other_row_not_even_from_loopback(node):
    with pytest.raises(Refused, match="may not write the row of node a"):
        TokenOwners().check("a", Sender("127.0.0.1", node), 0)

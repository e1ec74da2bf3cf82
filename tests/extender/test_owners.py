"""Which address may write which row."""

import pytest

from extender.cluster.base import NodeInfo
from extender.errors import Refused
from extender.owners import RowOwners

KNOWN = NodeInfo("a", ("10.0.0.1", "fd00::1"), ("10.244.1.0/24",))
BLANK = NodeInfo("b")


@pytest.fixture
def owners():
    return RowOwners(("127.0.0.0/8",), silence_s=40)


@pytest.mark.parametrize("remote", ["10.0.0.1", "fd00::1", "::ffff:10.0.0.1", "10.244.1.77", "127.0.0.9"])
def test_a_nodes_own_addresses_its_pods_and_trusted_networks_may_write(owners, remote):
    owners.check(KNOWN, remote, 0)


@pytest.mark.parametrize("remote", ["10.0.0.2", "10.244.2.77", "fd00::2", "", "nonsense"])
def test_others_may_not(owners, remote):
    with pytest.raises(Refused):
        owners.check(KNOWN, remote, 0)


def test_where_nothing_is_known_the_first_writer_keeps_the_row_while_it_writes(owners):
    owners.check(BLANK, "10.0.0.7", 0)
    owners.check(BLANK, "10.0.0.7", 39)
    with pytest.raises(Refused, match=r"10\.0\.0\.7 wrote it 30 s ago"):
        owners.check(BLANK, "10.0.0.8", 69)


def test_a_silent_writer_loses_the_row(owners):
    owners.check(BLANK, "10.0.0.7", 0)
    owners.check(BLANK, "10.0.0.8", 41)
    with pytest.raises(Refused):
        owners.check(BLANK, "10.0.0.7", 42)


def test_a_forgotten_node_has_no_owner(owners):
    owners.check(BLANK, "10.0.0.7", 0)
    owners.forget("b")
    owners.check(BLANK, "10.0.0.8", 1)

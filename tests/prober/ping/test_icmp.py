import json
import os
import socket
import statistics
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prober.ping import Pinger, SocketsRefusedError, open_pinger
from prober.ping.icmp import IcmpChannel, parse_reply
from tests.missing import missing

TOKEN = b"8 bytes!"


def _reply(**changes: Any) -> bytes:
    fields = {"kind": 0, "code": 0, "identity": 7, "sequence": 9, "token": TOKEN, "number": 9} | changes
    header = struct.pack("!BBHHH", fields["kind"], fields["code"], 0, fields["identity"], fields["sequence"])
    return header + struct.pack("!8sQ", fields["token"], fields["number"]) + bytes(40)


@given(st.binary(max_size=120), st.integers(0, 60))
def test_random_bytes_never_raise(data: bytes, offset: int) -> None:
    parse_reply(data, offset, 0, 7, TOKEN)


def test_a_reply_gives_the_probes_number() -> None:
    assert parse_reply(_reply(), 0, 0, 7, TOKEN) == 9
    assert parse_reply(bytes(20) + _reply(number=65536 + 9), 20, 0, 7, TOKEN) == 65545


@pytest.mark.parametrize(
    "changes",
    [{"kind": 8}, {"kind": 3}, {"code": 1}, {"identity": 8}, {"sequence": 10}, {"token": b"another!"}, {"number": 10}],
    ids=str,
)
def test_what_is_not_ours_is_refused(changes: dict[str, Any]) -> None:
    assert parse_reply(_reply(**changes), 0, 0, 7, TOKEN) is None


def test_a_short_packet_is_refused() -> None:
    assert parse_reply(_reply()[:23], 0, 0, 7, TOKEN) is None


@pytest.fixture
def raw(need_root: None) -> Iterator[Pinger]:
    pinger = open_pinger("raw")
    yield pinger
    pinger.close()


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.77", "::1"])
async def test_raw_icmp_measures_the_loopback(raw: Pinger, exchange: Any, address: str) -> None:
    try:
        to = raw.destination(address)
    except ValueError:
        missing("this host has no IPv6 loopback: enable it")
    replies = await exchange(raw, to, 12)
    assert [e.number for e, _, _ in replies] == list(range(65_530, 65_542))
    assert {e.source for e, _, _ in replies} == {address}
    assert 0 < statistics.median(rtt for _, rtt, _ in replies) < 5_000_000


async def test_raw_icmp_ignores_the_replies_of_other_pings(raw: Pinger, exchange: Any) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as other:
        from_other = IcmpChannel(socket.AF_INET, raw=True, bind=None, identity=1, token=TOKEN)
        other.sendto(from_other.request(1), ("127.0.0.1", 0))
        from_other.close()
    replies = await exchange(raw, raw.control(), 3)
    assert [e.number for e, _, _ in replies] == [65_530, 65_531, 65_532]


async def test_a_bound_raw_socket_sends_from_its_address(need_root: None, exchange: Any) -> None:
    pinger = open_pinger("raw", bind=["127.0.0.11"])
    try:
        assert pinger.control().address == "127.0.0.11"
        assert pinger.listening[0].startswith("127.0.0.11/icmp")
        assert len(await exchange(pinger, pinger.destination("127.0.0.12"), 3)) == 3
        with pytest.raises(ValueError, match="address family"):
            pinger.destination("::1")
    finally:
        pinger.close()


async def test_two_raw_pingers_side_by_side_keep_their_replies_apart(need_root: None, exchange: Any) -> None:
    one, two = open_pinger("raw"), open_pinger("raw")
    try:
        assert len(await exchange(one, one.control(), 5)) == 5
        assert len(await exchange(two, two.control(), 5)) == 5
    finally:
        one.close()
        two.close()


_IN_NAMESPACE = """
import asyncio, json, sys
from prober.ping import open_pinger, SocketsRefusedError
from tests.prober.ping.conftest import _exchange

async def measure():
    try:
        pinger = open_pinger(sys.argv[1])
    except SocketsRefusedError as e:
        return {"refused": str(e)}
    found = {}
    for address in ("127.0.0.1", "::1"):
        found[address] = [r[1] for r in await _exchange(pinger, pinger.destination(address), 10)]
    pinger.close()
    return {"mode": pinger.mode, "rtts": found}

print(json.dumps(asyncio.run(measure())))
"""


def _in_namespace(mode: str, groups: str, drop: str = "") -> dict[str, Any]:
    """Ping in a network namespace of its own, where these groups may use datagram ICMP."""
    setup = f"ip link set lo up && echo '{groups}' > /proc/sys/net/ipv4/ping_group_range"
    command = f'{setup} && exec {drop} {sys.executable} -W error -c "$0" {mode}'
    root = Path(__file__).parents[3]
    done = subprocess.run(
        ["unshare", "--net", "sh", "-c", command, _IN_NAMESPACE],
        capture_output=True,
        text=True,
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        timeout=20,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("mode", ["auto", "dgram"])
def test_datagram_icmp_comes_first_where_the_group_may(need_root: None, mode: str) -> None:
    found = _in_namespace(mode, "0 0")
    assert found["mode"] == "dgram"
    for rtts in found["rtts"].values():
        assert len(rtts) == 10
        assert 0 < statistics.median(rtts) < 5_000_000


def test_raw_icmp_is_the_fallback(need_root: None) -> None:
    found = _in_namespace("auto", "1 0")
    assert found["mode"] == "raw"
    assert all(len(rtts) == 10 for rtts in found["rtts"].values())


@pytest.mark.parametrize("mode", ["auto", "dgram", "raw"])
def test_a_refusal_names_the_remedies(need_root: None, mode: str) -> None:
    without = "setpriv --bounding-set=-net_raw --inh-caps=-net_raw --ambient-caps=-net_raw"
    found = _in_namespace(mode, "1 0", without)
    for remedy in ("ping_group_range", "NET_RAW", "probe_mode=udp"):
        assert remedy in found["refused"]


def test_an_address_that_is_not_here_cannot_be_bound(need_root: None) -> None:
    with pytest.raises(SocketsRefusedError, match="192\\.0\\.2\\.1"):
        open_pinger("raw", bind=["192.0.2.1"])

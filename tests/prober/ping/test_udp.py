import asyncio
import math
import socket
import statistics
import time
from collections.abc import Iterator
from typing import Any

import pytest

from prober.ping import Echo, NotSentError, Pinger, UnreachableError, echo, open_pinger, round_trip
from prober.ping.channel import Channel, resolve_numeric
from prober.ping.routes import source_towards
from tests.missing import missing


@pytest.fixture
def pingers() -> Iterator[list[Pinger]]:
    """Close what a test opened."""
    opened: list[Pinger] = []
    yield opened
    for pinger in opened:
        pinger.close()


def _open(pingers: list[Pinger], **options: Any) -> Pinger:
    pingers.append(open_pinger("udp", **options))
    return pingers[-1]


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.77", "::1"])
async def test_the_echo_measures_the_loopback(pingers: list[Pinger], exchange: Any, address: str) -> None:
    pinger = _open(pingers)
    try:
        to = pinger.destination(address, pinger.udp_port)
    except ValueError:
        missing("this host has no IPv6 loopback: enable it")
    replies = await exchange(pinger, to, 10)
    assert len(replies) == 10
    assert {e.source for e, _, _ in replies} == {address}  # also from a socket that is bound to every address
    assert 0 < statistics.median(rtt for _, rtt, _ in replies) < 5_000_000


async def test_each_prober_answers_on_its_own_address(pingers: list[Pinger], exchange: Any) -> None:
    one, two = _open(pingers, bind=["127.0.0.11"]), _open(pingers, bind=["127.0.0.12"])
    two.start(lambda _: None)
    assert len(await exchange(one, one.destination("127.0.0.12", two.udp_port), 5)) == 5
    assert one.control().address == "127.0.0.11"
    assert one.listening == (f"127.0.0.11:{one.udp_port}/udp",)


async def test_the_responders_own_delay_is_not_measured(pingers: list[Pinger]) -> None:
    one, two = _open(pingers, bind=["127.0.0.11"]), _open(pingers, bind=["127.0.0.12"])
    found: list[Echo] = []
    one.start(found.append)
    two.start(lambda _: None)
    sent = one.send(1, one.destination("127.0.0.12", two.udp_port))
    time.sleep(0.02)  # noqa: ASYNC251 - the responder's event loop stands still
    await asyncio.sleep(0.02)
    one.drain()
    assert found[0].residence_ns > 15_000_000
    assert round_trip(sent, found[0])[0] < 5_000_000


async def test_an_injected_delay_is_measured_but_not_by_the_control_probe(pingers: list[Pinger], exchange: Any) -> None:
    one = _open(pingers, bind=["127.0.0.11"])
    two = _open(pingers, bind=["127.0.0.12"], delay=lambda source: 0.02 if source == "127.0.0.11" else 0.05)
    replies = await exchange(two, two.control(), 3)
    assert max(rtt for _, rtt, _ in replies) < 20_000_000
    replies = await exchange(one, one.destination("127.0.0.12", two.udp_port), 5)
    assert 20_000_000 <= statistics.median(rtt for _, rtt, _ in replies) < 25_000_000


async def test_an_infinite_delay_drops(pingers: list[Pinger], exchange: Any) -> None:
    one, two = _open(pingers, bind=["127.0.0.11"]), _open(pingers, bind=["127.0.0.12"], delay=lambda _: math.inf)
    two.start(lambda _: None)
    found: list[Any] = []
    one.start(found.append)
    one.send(1, one.destination("127.0.0.12", two.udp_port))
    await asyncio.sleep(0.1)
    one.drain()
    assert found == []


async def test_the_responder_is_silent_to_everything_but_requests(pingers: list[Pinger]) -> None:
    pinger = _open(pingers, bind=["127.0.0.1"])
    pinger.start(lambda _: None)
    packet = echo.decode(echo.request(b"t" * 8, 1))
    assert packet is not None
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        for data in (b"", b"x", bytes(64), bytes(1500), echo.reply(packet, 5), echo.request(b"t" * 8, 1) + b"x"):
            sock.sendto(data, ("127.0.0.1", pinger.udp_port))
        await asyncio.sleep(0.05)
        with pytest.raises(BlockingIOError):
            sock.recv(2048)
        sock.sendto(echo.request(b"t" * 8, 1), ("127.0.0.1", pinger.udp_port))
        await asyncio.sleep(0.05)
        answer = echo.decode(sock.recv(2048))
        assert answer is not None
        assert (answer.token, answer.number, answer.is_request) == (b"t" * 8, 1, False)


async def test_replies_with_another_token_are_not_ours(pingers: list[Pinger]) -> None:
    pinger = _open(pingers, bind=["127.0.0.1"])
    found: list[Any] = []
    pinger.start(found.append)
    packet = echo.decode(echo.request(b"t" * 8, 1))
    assert packet is not None
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as forger:
        forger.bind(("127.0.0.1", 0))
        pinger.send(1, pinger.destination("127.0.0.1", forger.getsockname()[1]))
        _, source = forger.recvfrom(2048)
        forger.sendto(echo.reply(packet, 0), source)
        forger.sendto(b"junk", source)
        await asyncio.sleep(0.02)
    pinger.drain()
    assert found == []


async def test_a_port_without_a_responder_is_silence_not_an_error(pingers: list[Pinger]) -> None:
    pinger = _open(pingers, bind=["127.0.0.1"])
    found: list[Any] = []
    pinger.start(found.append)
    for number in range(5):
        pinger.send(number, pinger.destination("127.0.0.1", 1))
        await asyncio.sleep(0.005)
        pinger.drain()
    assert found == []


def test_both_families_share_one_port(pingers: list[Pinger]) -> None:
    pinger = _open(pingers)
    assert {listening.rpartition(":")[2] for listening in pinger.listening} == {f"{pinger.udp_port}/udp"}


def test_a_taken_port_is_an_error_that_names_it(pingers: list[Pinger]) -> None:
    port = _open(pingers, bind=["127.0.0.1"]).udp_port
    with pytest.raises(OSError, match=f"port {port}"):
        open_pinger("udp", bind=["127.0.0.1"], udp_port=port)


def test_a_network_without_route_is_unreachable_and_a_refused_packet_not_sent() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        channel = Channel(sock)
        with pytest.raises(NotSentError):
            channel.send(bytes(70_000), ("127.0.0.1", 9))
        with pytest.raises((UnreachableError, NotSentError)):
            channel.send(b"x", ("255.255.255.255", 9))


@pytest.mark.parametrize("address", ["", "localhost", "node-1", "1.2.3.4.5", "\0", "a" * 300, "\ud800"])
def test_only_ip_addresses_are_destinations(address: str) -> None:
    with pytest.raises(ValueError, match="no IP address"):
        resolve_numeric(address, 0)


def test_addresses_take_the_form_in_which_sockets_report_them() -> None:
    assert resolve_numeric("::0001", 0).address == "::1"


def test_the_source_address_towards_the_loopback_is_the_loopback() -> None:
    assert source_towards("127.0.0.1") == "127.0.0.1"
    assert source_towards("nowhere") is None

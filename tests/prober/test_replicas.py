import socket

import pytest
from yarl import URL

from prober.replicas import PinnedResolver, Replica, replicas_of, system_resolve

V4, V6 = int(socket.AF_INET), int(socket.AF_INET6)


async def _resolve(host: str, port: int) -> list[tuple[int, str]]:
    return {"extender": [(V4, "10.0.0.1"), (V4, "10.0.0.2")], "both": [(V6, "fd00::1"), (V4, "10.0.0.1")]}[host]


async def test_every_address_behind_a_name_is_a_replica() -> None:
    found = await replicas_of("http://extender:8080", _resolve)
    assert [r.name for r in found] == ["http://10.0.0.1:8080", "http://10.0.0.2:8080"]
    assert {str(r.url) for r in found} == {"http://extender:8080"}


async def test_a_dual_stack_name_counts_by_ipv4_only() -> None:
    assert [r.name for r in await replicas_of("https://both", _resolve)] == ["https://10.0.0.1:443"]


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080", "http://[::1]:8080"])
async def test_an_ip_literal_is_its_own_replica(url: str) -> None:
    (found,) = await replicas_of(url, system_resolve)
    assert found.name == url


async def test_an_unknown_name_is_an_os_error() -> None:
    with pytest.raises(OSError):  # noqa: PT011 - whatever the resolver says
        await replicas_of("http://no-such-host.invalid:8080", system_resolve)


async def test_a_connection_goes_to_the_replica_whatever_the_name() -> None:
    resolver = PinnedResolver(Replica(URL("http://extender:8080"), V4, "10.0.0.2"))
    (found,) = await resolver.resolve("extender", 8080)
    assert (found["host"], found["hostname"], found["port"]) == ("10.0.0.2", "extender", 8080)

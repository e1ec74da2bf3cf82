import pytest

from prober.addresses import AddressBook
from prober.wire import Addresses

ROUTES = {"10.1.0.1": "10.0.0.5", "192.0.2.1": "172.16.0.5", "2001:db8::1": "fd00::5", "fe80::2": "fe80::1%eth0"}


def _book(
    advertise: tuple[str, ...] = (), bind: tuple[str, ...] = (), env: dict[str, str] | None = None, udp_port: int = 0
) -> AddressBook:
    return AddressBook(advertise=advertise, bind=bind, env=env or {}, source_towards=ROUTES.get, udp_port=udp_port)


@pytest.mark.parametrize(
    ("advertise", "bind", "env", "expected"),
    [
        (("10.9.9.9",), ("10.8.8.8",), {"POD_IP": "10.7.7.7"}, Addresses("10.9.9.9")),
        ((), ("127.0.0.11",), {"POD_IP": "10.7.7.7"}, Addresses("127.0.0.11")),
        ((), (), {"POD_IP": "10.7.7.7"}, Addresses("10.7.7.7")),
        ((), (), {"POD_IP": "10.7.7.7", "POD_IPS": "10.7.7.7, fd00::7"}, Addresses("10.7.7.7", "fd00::7")),
        ((), (), {"POD_IPS": "fd00::7"}, Addresses(None, "fd00::7")),
        ((), (), {}, Addresses("172.16.0.5", "fd00::5")),
    ],
    ids=["set", "bound", "pod", "dual-stack pod", "ipv6 pod", "default routes"],
)
def test_where_the_addresses_come_from(
    advertise: tuple[str, ...], bind: tuple[str, ...], env: dict[str, str], expected: Addresses
) -> None:
    assert _book(advertise, bind, env).current == expected


def test_the_route_to_the_extender_counts_before_the_default_one() -> None:
    book = _book(udp_port=9428)
    book.look_up(["10.1.0.1"])
    assert book.current == Addresses("10.0.0.5", "fd00::5", 9428)


def test_fixed_addresses_are_not_looked_up_again() -> None:
    book = _book(("10.9.9.9",))
    book.look_up(["10.1.0.1"])
    assert book.current == Addresses("10.9.9.9")


def test_an_address_that_only_this_link_knows_is_not_advertised() -> None:
    book = AddressBook(advertise=(), bind=(), env={}, source_towards={"fe80::2": "fe80::1%eth0"}.get)
    book.look_up(["fe80::2"])
    assert book.current == Addresses()

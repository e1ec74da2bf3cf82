"""At which addresses the others shall probe this node. Pure, but for the routing-table look-up that is passed in."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from prober.wire import Addresses

__all__ = ["AddressBook"]

_ANYWHERE = ("192.0.2.1", "2001:db8::1")
"""Documentation addresses: packets there would take the default routes."""


class AddressBook:
    """The advertised addresses: as set, else bound, else the pod's, else those that route to the extenders.

    `source_towards` gives the source address that packets to an address would carry, None without a route.
    """

    def __init__(
        self,
        *,
        advertise: Sequence[str],
        bind: Sequence[str],
        env: Mapping[str, str],
        source_towards: Callable[[str], str | None],
        udp_port: int = 0,
    ) -> None:
        self._fixed = advertise or bind or _pod_addresses(env)
        self._source_towards = source_towards
        self._udp_port = udp_port
        self.current = self._of(self._fixed)
        self.look_up(())

    def look_up(self, extenders: Iterable[str]) -> None:
        """Ask the routing table again, with these addresses of the extenders."""
        if self._fixed:
            return
        towards = [*extenders, *_ANYWHERE]
        self.current = self._of([source for to in towards if (source := self._source_towards(to))])

    def _of(self, addresses: Iterable[str]) -> Addresses:
        """The first address of each family."""
        found = list(addresses)
        return Addresses(
            ipv4=next((a for a in found if ":" not in a), None),
            ipv6=next((a for a in found if ":" in a and "%" not in a), None),
            udp_port=self._udp_port,
        )


def _pod_addresses(env: Mapping[str, str]) -> list[str]:
    """What the downward API says; POD_IPS is the dual-stack form."""
    listed = env.get("POD_IPS") or env.get("POD_IP") or ""
    return [address.strip() for address in listed.split(",") if address.strip()]

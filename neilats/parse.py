"""Parsers of setting values, from text or YAML values; each raises ValueError with a remedy."""

import ipaddress
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

__all__ = [
    "addresses",
    "boolean",
    "choice",
    "choices",
    "endpoint",
    "existing_file",
    "integer",
    "is_loopback",
    "names",
    "networks",
    "nodes",
    "number",
    "optional_endpoint",
    "split_endpoint",
    "text",
    "urls",
]

_TRUE, _FALSE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off", ""}


def text(raw: Any) -> str:
    """Any scalar as text."""
    if raw is None:
        return ""
    if isinstance(raw, (dict, list)):
        raise ValueError(f"expected text, found a {type(raw).__name__}")
    return str(raw)


def boolean(raw: Any) -> bool:
    """true/false, yes/no, on/off, 1/0."""
    word = str(raw).strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise ValueError("expected true or false")


def number(low: float, high: float) -> Callable[[Any], float]:
    """A number in [low, high]."""

    def parse(raw: Any) -> float:
        try:
            value = float(raw)
        except (TypeError, ValueError):
            raise ValueError(f"expected a number from {low:g} to {high:g}") from None
        if not low <= value <= high:
            raise ValueError(f"expected a number from {low:g} to {high:g}")
        return value

    return parse


def integer(low: int, high: int) -> Callable[[Any], int]:
    """A whole number in [low, high]."""

    def parse(raw: Any) -> int:
        try:
            value = int(str(raw).strip())
        except ValueError:
            raise ValueError(f"expected a whole number from {low} to {high}") from None
        if not low <= value <= high:
            raise ValueError(f"expected a whole number from {low} to {high}")
        return value

    return parse


def choice(*words: str) -> Callable[[Any], str]:
    """One of the given words, case-insensitively."""

    def parse(raw: Any) -> str:
        word = str(raw).strip().lower()
        if word not in words:
            raise ValueError(f"expected one of {', '.join(words)}")
        return word

    return parse


def choices(*words: str) -> Callable[[Any], tuple[str, ...]]:
    """Any of the given words, none twice, in the order given."""

    def parse(raw: Any) -> tuple[str, ...]:
        found = dict.fromkeys(item.lower() for item in _items(raw))
        if unknown := [w for w in found if w not in words]:
            raise ValueError(f"{', '.join(unknown)}: expected some of {', '.join(words)}")
        return tuple(found)

    return parse


def split_endpoint(value: str) -> tuple[str | None, int]:
    """`host:port` or `[v6]:port` as (host, port); of `:port` the host is None: all addresses of both families.

    Port 0 picks one for each family.
    """
    host, colon, port = value.rpartition(":")
    if not colon or not (port.isascii() and port.isdigit()) or int(port) > 65535:
        raise ValueError("expected HOST:PORT, such as 0.0.0.0:8080, or :8080 for all addresses")
    return host.strip("[]") or None, int(port)


def endpoint(raw: Any) -> str:
    """A listening address."""
    value = text(raw).strip()
    split_endpoint(value)
    return value


def optional_endpoint(raw: Any) -> str:
    """A listening address, or nothing."""
    return endpoint(raw) if text(raw).strip() else ""


def is_loopback(listen: str) -> bool:
    """Whether only this host reaches a listening address."""
    host, _ = split_endpoint(listen)
    if host is None:
        return False
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _items(raw: Any) -> list[str]:
    """A YAML list, or text split at commas."""
    if raw is None:
        return []
    parts: Iterable[Any] = raw if isinstance(raw, (list, tuple)) else str(raw).split(",")
    return [str(p).strip() for p in parts if str(p).strip()]


def urls(raw: Any) -> tuple[str, ...]:
    """Base URLs with http or https."""
    found = tuple(u.rstrip("/") for u in _items(raw))
    for url in found:
        try:
            parts = urlsplit(url)
            good = parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port > 0)
        except ValueError:  # a port that is no number, or above 65535; a bracket that is not closed
            good = False
        if not good:
            raise ValueError(f"{url!r} is no URL such as http://neilats-extender:8080")
    return found


def addresses(raw: Any) -> tuple[str, ...]:
    """IP addresses."""
    found = tuple(_items(raw))
    for address in found:
        try:
            ipaddress.ip_address(address)
        except ValueError:
            raise ValueError(f"{address!r} is no IP address") from None
    return found


def names(raw: Any) -> tuple[str, ...]:
    """A list of names, each once."""
    return tuple(dict.fromkeys(_items(raw)))


def networks(raw: Any) -> tuple[str, ...]:
    """IP networks in CIDR notation."""
    found = tuple(_items(raw))
    for network in found:
        try:
            ipaddress.ip_network(network, strict=False)
        except ValueError:
            raise ValueError(f"{network!r} is no network such as 10.0.0.0/8") from None
    return found


def nodes(raw: Any) -> tuple[tuple[str, str], ...]:
    """Static nodes: `name=address,name`, or a YAML list of such or of {name, address}, or a mapping name: address."""
    if isinstance(raw, dict):
        pairs = [(str(k), str(v or "")) for k, v in raw.items()]
    elif isinstance(raw, list):
        pairs = [(str(n.get("name", "")), str(n.get("address", ""))) if isinstance(n, dict) else _pair(n) for n in raw]
    else:
        pairs = [_pair(n) for n in _items(raw)]
    names = [name for name, _ in pairs]
    if not all(names):
        raise ValueError("a node has no name")
    if twice := sorted({n for n in names if names.count(n) > 1}):
        raise ValueError(f"named twice: {', '.join(twice)}")
    addresses([a for _, a in pairs if a])
    return tuple(pairs)


def _pair(item: Any) -> tuple[str, str]:
    name, _, address = str(item).partition("=")
    return name.strip(), address.strip()


def existing_file(raw: Any) -> str:
    """A path to a readable file, or nothing."""
    value = text(raw).strip()
    if value and not Path(value).is_file():
        raise ValueError("no such file")
    return value

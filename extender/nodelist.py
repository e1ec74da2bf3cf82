"""Whole nodes as kube-scheduler sends them: where each lies in the call, and what its name is, from one look at it."""

from collections.abc import Iterator, Sequence

import numpy as np
from msgspec import Raw
from numpy.typing import NDArray

__all__ = ["names_as_go_writes", "runs"]

_BEGIN = b'{"metadata":{"name":"'
_LONGEST = 256
"""Bytes in which a name ends; those of nodes have at most 253."""


def names_as_go_writes(nodes: Sequence[Raw]) -> list[str] | None:
    """The names of nodes that begin as Go's encoder has them; None where one does not.

    The nodes are whole JSON objects, so what is between these quotes is a string unless there is a backslash. Go writes
    no field twice; of one that comes twice this is the first, and a decoder may take the last.
    """
    begin, names = len(_BEGIN), []
    try:
        for node in nodes:
            head = memoryview(node)[: begin + _LONGEST].tobytes()
            end = head.index(b'"', begin)
            if not head.startswith(_BEGIN) or b"\\" in (name := head[begin:end]):
                return None
            names.append(name.decode())
    except ValueError:  # also UnicodeDecodeError
        return None
    return names


def runs(text: bytes | memoryview, nodes: Sequence[Raw], kept: NDArray[np.bool_]) -> Iterator[bytes | memoryview]:
    """The kept nodes as they lie in the text that they were decoded from, with the commas between them.

    Neighbours come as one piece. Where there are spaces between the nodes each one is a piece.
    """
    edges = np.flatnonzero(np.diff(kept, prepend=False, append=False)).reshape(-1, 2)
    begins = _begins(text, nodes)
    if begins is None:
        whole = [piece for node, keep in zip(nodes, kept.tolist(), strict=True) if keep for piece in (b",", node)]
        yield from (memoryview(piece) for piece in whole[1:])
        return
    view = memoryview(text)
    for k, (first, behind) in enumerate(zip(begins[edges[:, 0]].tolist(), begins[edges[:, 1]].tolist(), strict=True)):
        if k:
            yield b","
        yield view[first : behind - 1]


def _begins(text: bytes | memoryview, nodes: Sequence[Raw]) -> NDArray[np.intp] | None:
    """[n + 1]: where each begins, and where another one would; None unless single commas are between them."""
    if not nodes:
        return None
    start, first, last = map(_address, (text, nodes[0], nodes[-1]))
    begins = np.cumsum([first - start, *map(len, nodes)]) + np.arange(len(nodes) + 1)
    return begins if begins[-2] == last - start and begins[-1] <= len(text) else None


def _address(data: bytes | memoryview | Raw) -> int:
    return int(np.frombuffer(data, np.uint8).__array_interface__["data"][0])

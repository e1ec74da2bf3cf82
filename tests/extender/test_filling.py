"""A body that comes in pieces of any size is whole when its bytes are there, and what is beyond is not in it."""

from hypothesis import given
from hypothesis import strategies as st

from extender.filling import Filling
from extender.http import LARGE


@given(st.lists(st.binary(min_size=1, max_size=20), min_size=1, max_size=10), st.data())
def test_pieces_fill_a_body_and_the_rest_is_given_back(pieces, data):
    stream = b"".join(pieces)
    body, beyond = Filling(data.draw(st.integers(1, len(stream)))), b""
    length = body.left
    for piece in pieces:
        beyond += body.put(piece)
    assert (body.left, body.whole(), beyond) == (0, stream[:length], stream[length:])


def test_a_large_body_is_not_copied():
    body = Filling(LARGE)
    assert body.put(b"x" * (LARGE + 1)) == b"x"
    assert isinstance(body.whole(), memoryview)
    assert bytes(body.whole()) == b"x" * LARGE

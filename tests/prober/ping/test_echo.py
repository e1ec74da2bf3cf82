from hypothesis import given
from hypothesis import strategies as st

from prober.ping import echo

tokens, numbers = st.binary(min_size=8, max_size=8), st.integers(0, 2**64 - 1)


@given(
    st.binary(max_size=100) | st.binary(min_size=64, max_size=64) | st.binary(max_size=60).map(b"NLEP\x01\x01".__add__)
)
def test_random_bytes_never_raise(data: bytes) -> None:
    echo.decode(data)


@given(tokens, numbers)
def test_a_request_comes_back_as_it_was(token: bytes, number: int) -> None:
    assert echo.decode(echo.request(token, number)) == echo.EchoPacket(True, token, number, 0)


@given(tokens, numbers, numbers)
def test_a_reply_is_as_long_as_its_request_and_carries_the_residence(token: bytes, number: int, held: int) -> None:
    asked = echo.request(token, number)
    packet = echo.decode(asked)
    assert packet is not None
    answer = echo.reply(packet, held)
    assert len(answer) == len(asked) == echo.PACKET_BYTES
    assert echo.decode(answer) == echo.EchoPacket(False, token, number, held)


def test_only_the_exact_form_is_taken() -> None:
    good = echo.request(b"t" * 8, 1)
    assert echo.decode(good[:-1]) is None
    assert echo.decode(good + b"x") is None
    assert echo.decode(b"NLEX" + good[4:]) is None
    assert echo.decode(good[:4] + b"\x02" + good[5:]) is None
    assert echo.decode(good[:5] + b"\x03" + good[6:]) is None
    assert echo.decode(good[:6] + b"\x01" + good[7:]) is None

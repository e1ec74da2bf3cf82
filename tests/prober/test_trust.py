import ssl
from pathlib import Path

import pytest

from prober.trust import trusting, trusting_nobody, trusting_the_system
from tests.certificates import Authority


def _shake(client: ssl.SSLContext, server: ssl.SSLContext) -> None:
    """A handshake in memory; raises SSLError where the client does not trust the server."""
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    asks = client.wrap_bio(down, up, server_hostname="extender.test")
    serves = server.wrap_bio(up, down, server_side=True)
    for _ in range(4):
        for side in (asks, serves):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue


def test_a_ca_that_is_signed_by_another_ends_a_chain(tmp_path: Path) -> None:
    below = Authority(tmp_path, "below", Authority(tmp_path, "above"))
    _shake(trusting(below.ca.read_bytes()), below.server("DNS:extender.test"))


def test_only_the_given_cas_are_trusted(tmp_path: Path) -> None:
    ours, theirs = Authority(tmp_path, "ours"), Authority(tmp_path, "theirs")
    _shake(trusting(ours.ca.read_bytes() + theirs.ca.read_bytes()), theirs.server("DNS:extender.test"))
    for context in (trusting(ours.ca.read_bytes()), trusting_nobody(), trusting_the_system()):
        with pytest.raises(ssl.SSLCertVerificationError):
            _shake(context, theirs.server("DNS:extender.test"))


def test_comments_between_the_certificates_may_hold_any_letters(tmp_path: Path) -> None:
    ours = Authority(tmp_path, "ours")
    _shake(
        trusting("# F\u0151tan\u00fas\u00edtv\u00e1ny\n".encode() + ours.ca.read_bytes()),
        ours.server("DNS:extender.test"),
    )


@pytest.mark.parametrize("raw", [b"", b"nonsense", b"-----BEGIN CERTIFICATE-----\nnonsense", b"-----BEGIN\xff"])
def test_what_holds_no_certificate_is_an_error(raw: bytes) -> None:
    with pytest.raises((ValueError, OSError)):
        trusting(raw)

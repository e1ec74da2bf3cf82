"""When a certificate ends."""

import subprocess
import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extender.certificates import not_after
from tests.certificates import ADDRESS, Authority


@pytest.mark.parametrize("days", [1, 30, 365 * 40])
def test_the_end_is_what_openssl_says(tmp_path, days):
    cert, _ = Authority(tmp_path).issue(ADDRESS, days=days)
    shown = subprocess.run(
        ["openssl", "x509", "-in", cert, "-noout", "-enddate", "-dateopt", "iso_8601"], capture_output=True, text=True
    ).stdout
    found = time.strftime("notAfter=%Y-%m-%d %H:%M:%SZ\n", time.gmtime(not_after(cert.read_bytes())))
    assert found == shown


def test_of_a_chain_the_first_counts(tmp_path):
    authority = Authority(tmp_path)
    cert, _ = authority.issue(ADDRESS, days=2)
    chain = b"text before\n" + cert.read_bytes() + authority.ca.read_bytes()
    assert not_after(chain) == not_after(cert.read_bytes()) != not_after(authority.ca.read_bytes())


@pytest.mark.parametrize("pem", [b"", b"text", b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----"])
def test_what_is_no_certificate_is_a_value_error(pem):
    with pytest.raises(ValueError, match="certificate"):
        not_after(pem)


def test_a_damaged_certificate_is_a_value_error_or_a_time(tmp_path):
    cert, _ = Authority(tmp_path).issue(ADDRESS)
    whole = cert.read_bytes()

    @given(st.integers(0, len(whole) - 1), st.integers(0, 255))
    def damaged(at, byte):
        with suppress(ValueError):
            not_after(whole[:at] + bytes([byte]) + whole[at + 1 :])

    damaged()

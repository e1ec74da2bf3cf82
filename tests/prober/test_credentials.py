import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prober.credentials import Credentials
from tests.certificates import Authority


@pytest.fixture
def token(tmp_path: Path) -> Path:
    """A token file as Kubernetes projects it: a link to a link that is swapped."""
    for name, word in (("1", "first"), ("2", "second")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "token").write_text(f"{word}\n")
    (tmp_path / "data").symlink_to("1")
    (tmp_path / "token").symlink_to("data/token")
    return tmp_path / "token"


def _swap(token: Path) -> None:
    (token.parent / "new").symlink_to("2")
    (token.parent / "new").rename(token.parent / "data")


def _write(file: Path, content: str) -> None:
    file.write_text(content)


def _bearer(word: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {word}"}


async def test_without_files_there_is_no_header_and_the_system_is_trusted() -> None:
    credentials = Credentials()
    await credentials.refresh()
    assert (credentials.headers, credentials.tls) == ({}, True)


async def test_a_swapped_token_is_seen_after_the_time_between_two_looks(token: Path, clock: Any) -> None:
    credentials = Credentials(str(token), look_s=5.0, clock=clock)
    await credentials.refresh()
    assert credentials.headers == _bearer("first")
    _swap(token)
    clock.now += 4.9
    await credentials.refresh()
    assert credentials.headers == _bearer("first")
    clock.now += 0.2
    await credentials.refresh()
    assert credentials.headers == _bearer("second")


async def test_a_token_in_doubt_is_read_at_once(token: Path, clock: Any) -> None:
    credentials = Credentials(str(token), clock=clock)
    await credentials.refresh()
    _swap(token)
    credentials.doubt()
    await credentials.refresh()
    assert credentials.headers == _bearer("second")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.unlink(),
        lambda path: path.write_bytes(b" \n"),
        lambda path: path.write_bytes(b"two words"),
        lambda path: path.write_bytes(b"\xff\xfe"),
        lambda path: path.write_bytes(b"x" * 2_000_000),
    ],
    ids=["gone", "empty", "two words", "no ASCII", "too large"],
)
async def test_a_token_file_of_no_use_keeps_the_last_token_and_is_logged_once(
    token: Path, caplog: pytest.LogCaptureFixture, spoil: Callable[[Path], None]
) -> None:
    credentials = Credentials(str(token), look_s=0.0)
    await credentials.refresh()
    spoil(token)
    for _ in range(3):
        await credentials.refresh()
    assert credentials.headers == _bearer("first")
    assert [r.message for r in caplog.records] == ["file is of no use; its last good content stays"]
    _write(token, "third")
    await credentials.refresh()
    assert credentials.headers == _bearer("third")


async def test_a_token_is_never_logged(token: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    _write(token, "secret secret")
    credentials = Credentials(str(token), look_s=0.0)
    await credentials.refresh()
    _write(token, "secret")
    await credentials.refresh()
    credentials.warn_of_plain_http(["http://extender"])
    assert len(caplog.records) == 3
    assert not any("secret" in str(vars(record)) for record in caplog.records)


@given(st.binary(max_size=40))
async def test_no_content_makes_a_header_that_could_not_be_sent(raw: bytes) -> None:
    from tempfile import NamedTemporaryFile

    with NamedTemporaryFile() as file:
        file.write(raw)
        file.flush()
        credentials = Credentials(file.name)
        await credentials.refresh()
    for value in credentials.headers.values():
        word = value.removeprefix("Bearer ")
        assert word == raw.strip().decode()
        assert word.isascii()
        assert word.isprintable()
        assert " " not in word


async def test_a_changed_ca_makes_another_context_and_a_broken_one_keeps_the_old(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    one, two = Authority(tmp_path, "one"), Authority(tmp_path, "two")
    file = tmp_path / "ca.crt"
    file.write_bytes(one.ca.read_bytes())
    credentials = Credentials(ca_file=str(file), look_s=0.0)
    await credentials.refresh()
    first = credentials.tls
    for broken in (b"", b"nonsense", b"-----BEGIN CERTIFICATE-----\nnonsense", b"-----BEGIN\xff"):
        file.write_bytes(broken)
        await credentials.refresh()
        assert credentials.tls is first
    assert len(caplog.records) == 1
    file.write_bytes(two.ca.read_bytes())
    await credentials.refresh()
    assert credentials.tls is not first
    assert _subjects(credentials.tls) == ["two"]


async def test_a_ca_file_that_was_never_good_trusts_nobody(tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_text("")
    credentials = Credentials(ca_file=str(tmp_path / "ca.crt"))
    await credentials.refresh()
    assert _subjects(credentials.tls) == []


def _subjects(context: ssl.SSLContext | bool) -> list[str]:
    assert isinstance(context, ssl.SSLContext)
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    found: list[Any] = context.get_ca_certs()
    return [ca["subject"][0][0][1] for ca in found]


@pytest.mark.parametrize(
    ("token_file", "urls", "warnings"),
    [
        ("token", ["https://a", "http://b", "http://c"], 1),
        ("token", ["https://a"], 0),
        ("", ["http://a"], 0),
    ],
    ids=["a token over http", "a token over https", "no token"],
)
def test_a_token_over_plain_http_is_warned_of(
    caplog: pytest.LogCaptureFixture, token_file: str, urls: list[str], warnings: int
) -> None:
    Credentials(token_file).warn_of_plain_http(urls)
    assert caplog.text.count("token_file is set, but extender_urls has http") == warnings

import gzip

import pytest
from hypothesis import given

from prober.compact import MEDIA_TYPE, pack
from prober.forms import COMPRESS_FROM, PLAIN, Form, body_of
from prober.wire import Report, Run, encode
from tests.prober.conftest import unpacked
from tests.prober.test_wire import reports


def _report(targets: int) -> Report:
    return Report("me", "b", 1, 10_000.0, {f"node-{i:04}": Run(0.0, 10_000.0, [i / 8] * 8) for i in range(targets)})


@given(reports)
def test_the_compact_form_says_what_was_packed(report: Report) -> None:
    read = unpacked(pack(report))
    found = {t: runs for t, runs in report.samples.items() if runs != []}
    assert list(read.samples) == list(found)
    for (_, run), (_, packed) in zip(report.runs(), read.runs(), strict=True):
        assert packed.age_ms == pytest.approx(run.age_ms, abs=0.051)
        assert packed.step_ms == pytest.approx(run.step_ms, rel=1e-7)
        assert packed.rtt_ms == pytest.approx(run.rtt_ms, abs=0.000126)
    read.samples = report.samples
    assert read == report


def test_plain_is_json() -> None:
    report = _report(1000)
    body = body_of(report, PLAIN)
    assert (body.content, body.encoding) == (encode(report), "json")
    assert body.headers == {"Content-Type": "application/json"}


@pytest.mark.parametrize("compact", [False, True], ids=["json", "compact"])
def test_only_large_bodies_are_compressed(compact: bool) -> None:
    write, name = (pack, "compact") if compact else (encode, "json")
    small, large = (body_of(_report(n), Form(compact, gzip=True)) for n in (5, 1000))
    assert len(small.content) < COMPRESS_FROM
    assert (small.content, small.encoding) == (write(_report(5)), name)
    assert "Content-Encoding" not in small.headers
    assert gzip.decompress(large.content) == write(_report(1000))
    assert (large.encoding, large.headers["Content-Encoding"]) == (f"{name}+gzip", "gzip")
    assert large.headers["Content-Type"] == (MEDIA_TYPE if compact else "application/json")
    assert len(large.content) < len(write(_report(1000)))

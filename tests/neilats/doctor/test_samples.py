"""Metrics of components, whatever they send."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neilats.doctor.samples import Samples, SamplesError

TEXT = 'calls_total{verb="filter",outcome="ok"} 3\ncalls_total{verb="preempt",outcome="ok"} 4\nready 1\n'


def test_samples_are_summed_by_label():
    samples = Samples.parse(TEXT)
    assert samples.total("calls_total") == 7
    assert samples.total("calls_total", verb="filter") == 3
    assert samples.by("calls_total", "outcome") == {"ok": 7}
    assert samples.value("ready") == 1
    assert math.isnan(samples.value("nothing"))


def test_counters_count_what_came_since():
    now, before = Samples.parse(TEXT), Samples.parse(TEXT.replace(" 4", " 1"))
    assert now.since(before).by("calls_total", "verb") == {"filter": 0, "preempt": 3}


def test_a_counter_that_fell_began_anew():
    assert Samples.parse("a_total 2\n").since(Samples.parse("a_total 9\n")).total("a_total") == 2


@pytest.mark.parametrize("text", ["<html>", "a{", "a{b=c} 1"])
def test_what_is_no_exposition_is_refused(text):
    with pytest.raises(SamplesError):
        Samples.parse(text + "\n")


@given(st.text() | st.text(alphabet='ab{}=", 1\n#+e'))
def test_any_text_is_read_or_refused(text):
    try:
        Samples.parse(text).total("a")
    except SamplesError as e:
        assert "no metrics" in str(e)

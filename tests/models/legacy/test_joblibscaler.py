"""Scalers read without joblib or scikit-learn."""

import gzip
import io
import pickle
import zlib
from contextlib import suppress

import joblib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from models.errors import LegacyError
from models.legacy.joblibscaler import read_scaler
from tests.models.legacy.seed import SeedModel, fitted, rtts, write_pair


def dumped(tmp_path, thing, **how):
    joblib.dump(thing, tmp_path / "scaler_a2b.pkl", **how)
    return tmp_path / "scaler_a2b.pkl"


def agrees(path, scaler):
    ours = read_scaler(path)
    rows = rtts(5)[:, : scaler.n_features_in_]
    np.testing.assert_allclose((rows - ours.mean_ms) / ours.scale_ms, scaler.transform(rows), rtol=1e-12)
    return ours


def refused(path, says):
    with pytest.raises(LegacyError, match=says) as caught:
        read_scaler(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("features", [1, 30])
@pytest.mark.parametrize("how", [{}, {"protocol": 2}, {"protocol": 3}, {"protocol": 5}, {"compress": True},
                                 {"compress": ("gzip", 3)}], ids=str)  # fmt: skip
def test_every_way_of_joblib_to_write_is_read(tmp_path, features, how):
    scaler = fitted(features=features)
    ours = agrees(dumped(tmp_path, scaler, **how), scaler)
    assert ours.samples == scaler.n_samples_seen_
    assert ours.version is not None


@pytest.mark.parametrize(
    "how", [{"with_mean": False}, {"with_std": False}, {"with_mean": False, "with_std": False}], ids=str
)
def test_scalers_that_only_centre_or_only_scale_are_read(tmp_path, how):
    scaler = fitted(features=30, **how)
    agrees(dumped(tmp_path, scaler), scaler)


def test_a_plain_pickle_is_read_too(tmp_path):
    for protocol in (2, 3, 4):
        (tmp_path / "s.pkl").write_bytes(pickle.dumps(fitted(), protocol))
        agrees(tmp_path / "s.pkl", fitted())


def test_counts_per_feature_which_gaps_cause_are_read(tmp_path):
    gappy = rtts()
    gappy[::7, 3] = np.nan
    ours = agrees(dumped(tmp_path, fitted(gappy, features=30)), fitted(gappy, features=30))
    assert ours.samples == 300


def test_names_of_features_are_read_past(tmp_path):
    scaler = fitted()
    scaler.feature_names_in_ = np.array(["latency"], dtype=object)
    ours = read_scaler(dumped(tmp_path, scaler))
    assert ours.mean_ms == pytest.approx(scaler.mean_)


def test_float32_and_big_endian_vectors_are_read(tmp_path):
    for kind in ("<f4", ">f8"):
        scaler = fitted(features=30)
        scaler.mean_ = scaler.mean_.astype(kind)
        assert read_scaler(dumped(tmp_path, scaler)).mean_ms == pytest.approx(scaler.mean_)


def renamed(path, *names):
    """The dump as another version would have written it; only names of the same length, so that all else holds."""
    content = path.read_bytes()
    for old, new in names:
        assert old in content
        content = content.replace(old, new)
    path.write_bytes(content)
    return path


def test_dumps_of_numpy_1_are_read(tmp_path):
    path = dumped(tmp_path, fitted(), protocol=2)
    agrees(renamed(path, (b"numpy._core.multiarray", b"numpy.core.multiarray")), fitted())


def test_dumps_of_joblib_before_1_2_have_no_padding(tmp_path):
    scaler = fitted()
    head = b"\x80\x02csklearn.preprocessing._data\nStandardScaler\n)\x81}("
    dtype = pickle.dumps(np.dtype("f8"), 2)[2:-1]
    for name, vector in (("mean_", scaler.mean_), ("scale_", scaler.scale_)):
        head += pickle.dumps(name, 2)[2:].split(b"q\x00")[0]
        head += b"cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81}("
        head += b"X\x05\x00\x00\x00shapeK\x01\x85X\x05\x00\x00\x00orderX\x01\x00\x00\x00CX\x05\x00\x00\x00dtype" + dtype
        head += b"ub" + vector.tobytes()
    (tmp_path / "s.pkl").write_bytes(head + b"ub.")
    ours = read_scaler(tmp_path / "s.pkl")
    assert (ours.mean_ms, ours.scale_ms) == (scaler.mean_, scaler.scale_)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"scale_": np.zeros(1)}, "zero or less"),
        ({"scale_": np.array([np.nan])}, "NaN"),
        ({"mean_": np.array([np.inf])}, "NaN or infinity"),
        ({"mean_": np.array([1e300])}, "beyond"),
        ({"mean_": np.array(["x"], dtype=object)}, "objects instead of numbers"),
        ({"mean_": np.array(["x"])}, "instead of numbers"),
        ({"mean_": np.array([1j])}, "instead of numbers"),
        ({"mean_": np.ones((1, 1))}, "no vector"),
        ({"mean_": np.ones(2)}, "2 features"),
        ({"mean_": [1.0]}, "no vector"),
        ({"mean_": None}, "before it was fitted"),
        ({"n_features_in_": 7}, "says 7"),
        ({"n_features_in_": "1"}, "no number of features"),
        ({"with_mean": "yes"}, "neither True nor False"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_scaler_that_makes_no_sense_is_refused(tmp_path, change, says):
    scaler = fitted()
    vars(scaler).update(change)
    refused(dumped(tmp_path, scaler), says)


def test_an_unfitted_scaler_is_refused(tmp_path):
    refused(dumped(tmp_path, StandardScaler()), "before it was fitted")


def test_other_things_are_refused_by_name(tmp_path):
    refused(dumped(tmp_path, MinMaxScaler().fit(rtts())), r"StandardScaler.*MinMaxScaler")
    refused(dumped(tmp_path, [fitted()]), "found none")
    refused(dumped(tmp_path, rtts(3)), "found none")
    refused(dumped(tmp_path, fitted(), protocol=0), "protocols 0 and 1")


def test_hostile_scalers_are_refused_and_nothing_runs(tmp_path):
    class Evil:
        def __reduce__(self):
            return exec, (f"open({str(tmp_path / 'ran')!r}, 'w')",)

    scaler = fitted()
    scaler.mean_ = np.array([Evil()], dtype=object)  # joblib reads such an array by an unpickler of its own
    refused(dumped(tmp_path, scaler), "exec")
    refused(dumped(tmp_path, Evil()), "exec")
    assert not (tmp_path / "ran").exists()


def test_a_compressed_bomb_is_not_unpacked(tmp_path):
    for squeeze in (zlib.compress, gzip.compress):
        (tmp_path / "s.pkl").write_bytes(squeeze(b"\x80\x04" + bytes(64 * 2**20)))
        refused(tmp_path / "s.pkl", "more than 4 MiB")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"<html>", "web page"),
        (b"PK\x03\x04", "swapped"),
        (b"\x1f\x8bnothing", "damaged"),
        (b"?", "expected"),
    ],
)
def test_a_file_that_is_something_else_is_named_for_what_it_is(tmp_path, content, says):
    (tmp_path / "s.pkl").write_bytes(content)
    refused(tmp_path / "s.pkl", says)


@pytest.mark.parametrize("how", [{}, {"compress": True}], ids=str)
def test_every_truncation_is_refused(tmp_path, how):
    content = dumped(tmp_path, fitted(), **how).read_bytes()
    for size in range(len(content) - 1):
        (tmp_path / "s.pkl").write_bytes(content[:size])
        refused(tmp_path / "s.pkl", "expected a StandardScaler|truncated|without")


def base():
    out = io.BytesIO()
    joblib.dump(fitted(), out)
    return out.getvalue()


BASE = base()


@given(st.data())
def test_damaged_files_are_read_or_refused_but_never_crash(tmp_path_factory, data):
    content = bytearray(BASE)
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "damaged.pkl"
    path.write_bytes(content)
    with suppress(LegacyError):
        scaler = read_scaler(path)
        assert np.isfinite(scaler.mean_ms).all()
        assert (scaler.scale_ms > 0).all()


def test_the_seeds_own_pair_of_files_fits_together(tmp_path):
    _, pkl = write_pair(tmp_path, SeedModel())
    agrees(pkl, fitted())

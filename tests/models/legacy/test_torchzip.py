"""State dicts read without torch: what torch reads, and a clear refusal of everything else."""

import io
import zipfile
from contextlib import suppress

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from models.errors import LegacyError
from models.legacy.lstm import recognise
from models.legacy.torchzip import read_state_dict
from tests.models.legacy.seed import SeedModel


def saved(tmp_path, state, name="lstm_a2b.pth", **how):
    torch.save(state, tmp_path / name, **how)
    return tmp_path / name


def rewritten(path, replace=lambda name, content: content, extra=(), compression=zipfile.ZIP_STORED):
    """The same zip with other content."""
    with zipfile.ZipFile(path) as old:
        entries = [(name, replace(name, old.read(name))) for name in old.namelist()]
    with zipfile.ZipFile(path, "w", compression) as new:
        for name, content in [*entries, *extra]:
            if content is not None:
                new.writestr(name, content)
    return path


def refused(path, says):
    with pytest.raises(LegacyError, match=says) as caught:
        recognise(str(path), read_state_dict(path))
    assert str(path) in str(caught.value)


@pytest.fixture
def path(tmp_path):
    return saved(tmp_path, SeedModel().state_dict())


def test_every_tensor_is_torchs(path):
    ours, theirs = read_state_dict(path), torch.load(path, weights_only=True)
    assert ours.keys() == theirs.keys()
    assert all(np.array_equal(ours[name], theirs[name].numpy()) for name in theirs)


@pytest.mark.parametrize("kind", [torch.float64, torch.float16, torch.bfloat16])
def test_other_floats_become_float32(tmp_path, kind):
    state = {"w": torch.randn(5, 3).to(kind)}
    np.testing.assert_array_equal(read_state_dict(saved(tmp_path, state))["w"], state["w"].float().numpy())


def test_views_are_read_as_what_they_show(tmp_path):
    base = torch.arange(24.0).reshape(4, 6)
    state = {"turned": base.T, "part": base[1:3, ::2], "scalar": base[2, 3]}
    ours = read_state_dict(saved(tmp_path, state))
    assert all(np.array_equal(ours[name], state[name].numpy()) for name in state)


def test_prefixes_of_wrapped_models_and_checkpoints_are_taken_off(tmp_path):
    state = {f"module.{name}": w for name, w in SeedModel().state_dict().items()}
    checkpoint = {"epoch": 3, "model_state_dict": state, "loss": 0.1, "rates": [1, 2.5]}
    assert recognise("x", read_state_dict(saved(tmp_path, checkpoint))).hidden == 8


def test_big_endian_files_are_read(tmp_path):
    path = saved(tmp_path, {"w": torch.tensor([1.5, -2.0])})
    turned = {"byteorder": b"big", "data/0": np.array([1.5, -2.0], ">f4").tobytes()}
    rewritten(path, lambda name, content: turned.get(name.partition("/")[2], content))
    assert read_state_dict(path)["w"].tolist() == [1.5, -2.0]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "the file is empty"),
        (b"\n<!DOCTYPE html><html>404</html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid", "git lfs pull"),
        (b"\x80\x04\x95\x8b", "swapped"),
        (b"PK\x03\x04 and no more", "truncated or damaged zip"),
        (b"noise", "expected a state dict"),
    ],
)
def test_a_file_that_is_something_else_is_named_for_what_it_is(tmp_path, content, says):
    (tmp_path / "lstm_a2b.pth").write_bytes(content)
    refused(tmp_path / "lstm_a2b.pth", says)


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    refused(tmp_path / "none.pth", "No such file")
    refused(tmp_path, "directory")


def test_torchs_old_format_comes_with_the_way_out(tmp_path):
    refused(saved(tmp_path, SeedModel().state_dict(), _use_new_zipfile_serialization=False), "before 1.6")


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9, 0.999])
def test_a_truncated_download_is_refused(path, share):
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    refused(path, "truncated or damaged zip")


def test_a_whole_pickled_model_is_refused_with_the_way_out(tmp_path):
    refused(saved(tmp_path, SeedModel()), r"model\.state_dict\(\).*SeedModel")


def state_with(**changes):
    state = SeedModel().state_dict()
    for name, value in changes.items():
        key = name.replace("__", ".")
        if value is None:
            del state[key]
        else:
            state[key] = value
    return state


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"fc__bias": None}, "missing: fc.bias"),
        ({"lstm__weight_hh_l0": None}, "missing: lstm.weight_hh_l0"),
        ({"fc__bias": torch.zeros(29)}, r"fc.bias has shape \(29,\), expected \(30,\)"),
        ({"fc__weight": torch.zeros(8)}, "no matrix"),
        ({"fc__weight": torch.zeros(12, 8), "fc__bias": torch.zeros(12)}, "forecasts 12 slots"),
        ({"lstm__weight_ih_l0": torch.zeros(32, 5)}, "takes 5 inputs"),
        ({"lstm__weight_hh_l1": torch.zeros(31, 8)}, "expected"),
        ({"lstm__weight_ih_l0_reverse": torch.zeros(32, 1)}, "another network"),
        ({"fc__bias": torch.full((30,), torch.nan)}, "fc.bias.*NaN"),
        ({"fc__bias": torch.zeros(30, dtype=torch.int64)}, "weights are floats"),
        ({"fc__bias": torch.zeros(0)}, "do not fit"),
        ({"fc__bias": torch.zeros(1).expand(30)}, "do not fit"),
        ({"fc__bias": 3}, "no tensor"),
    ],
)
def test_another_network_is_refused_for_its_first_difference(tmp_path, changes, says):
    refused(saved(tmp_path, state_with(**changes)), says)


def test_no_state_dict_at_all_is_refused(tmp_path):
    for thing in ([1, 2], {}, "text", {"weights": torch.zeros(2)}):
        refused(saved(tmp_path, thing), "expected")


def test_a_storage_of_another_size_is_refused(path):
    rewritten(path, lambda name, content: content[:-4] if name.endswith("data/3") else content)
    refused(path, "bytes instead of")


def test_a_missing_storage_is_refused(path):
    refused(rewritten(path, lambda name, content: None if name.endswith("data/3") else content), "data/3")


def test_compressed_entries_which_could_be_bombs_are_refused(path):
    bomb = (path.stem + "/data/99", b"\0" * (40 * 2**20))
    refused(rewritten(path, compression=zipfile.ZIP_DEFLATED), "compressed")
    refused(rewritten(path, extra=[bomb], compression=zipfile.ZIP_DEFLATED), "bytes unpacked; refused")


@pytest.mark.parametrize("name", ["../../evil", "/etc/passwd", "lstm_a2b/../../evil", "other/data.pkl", "evil"])
def test_names_that_lead_elsewhere_are_refused(path, name):
    refused(rewritten(path, extra=[(name, b"x")]), "unsafe")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_entries_of_one_name_are_refused(path):
    refused(rewritten(path, extra=[("lstm_a2b/data.pkl", b"x")]), "two entries of one name")


def test_too_many_entries_are_refused(path):
    refused(rewritten(path, extra=[(f"lstm_a2b/{i}", b"") for i in range(3000)]), "entries")


def test_one_storage_may_not_unfold_to_many_tensors(tmp_path):
    shared = torch.zeros(2**22, dtype=torch.float16)
    refused(saved(tmp_path, {str(i): shared for i in range(5)}), "more than 8,388,608 weights")
    refused(saved(tmp_path, {str(i): shared[:1].clone() for i in range(150)}), "150 tensors")


def test_a_tensor_may_not_reach_beyond_its_storage(tmp_path):
    path = saved(tmp_path, {"w": torch.zeros(20)})
    for old, new in (
        (b"K\x14\x85", b"K\x15\x85"),
        (b"K\x00K\x14\x85", b"K\x01K\x14\x85"),
        (b"K\x01\x85", b"K\x02\x85"),
    ):
        saved(tmp_path, {"w": torch.zeros(20)})
        rewritten(path, lambda name, c, old=old, new=new: c.replace(old, new) if name.endswith(".pkl") else c)
        with pytest.raises(LegacyError, match="elements"):
            read_state_dict(path)


def base():
    buffer = io.BytesIO()
    torch.save(SeedModel(hidden=2, layers=1, outputs=1).state_dict(), buffer)
    return buffer.getvalue()


BASE = base()


@given(st.data())
def test_damaged_files_are_read_or_refused_but_never_crash(tmp_path_factory, data):
    content = bytearray(BASE)
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    check(tmp_path_factory, bytes(content[: data.draw(st.integers(0, 2 * len(content)))]))


@given(st.data())
def test_damaged_pickles_in_a_sound_zip_are_read_or_refused_but_never_crash(tmp_path_factory, data):
    with zipfile.ZipFile(io.BytesIO(BASE)) as old:
        entries = {name: old.read(name) for name in old.namelist()}
    name = next(n for n in entries if n.endswith("data.pkl"))
    content = bytearray(entries[name])
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    new = io.BytesIO()
    with zipfile.ZipFile(new, "w") as archive:
        for entry, old_content in entries.items():
            archive.writestr(entry, bytes(content) if entry == name else old_content)
    check(tmp_path_factory, new.getvalue())


def check(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "damaged.pth"
    path.write_bytes(content)
    with suppress(LegacyError):
        recognise(str(path), read_state_dict(path))

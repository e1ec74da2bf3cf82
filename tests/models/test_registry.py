"""The registry: what is there, what serves, and that nothing broken ever does."""

import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import artefact
from models.errors import ArtefactError
from models.promoted import decode
from models.registry import Registry, packaged_directory
from tests.models.networks import manifest, network


def add(directory, name, seed=0, **changes):
    artefact.write(directory, manifest(name, **changes), network(seed))


@pytest.fixture
def registry(tmp_path):
    add(tmp_path, "one")
    add(tmp_path, "two", seed=1)
    add(tmp_path, "lone", seed=2, pair="a2b")
    return Registry(tmp_path)


def test_a_directory_that_is_not_there_is_empty(tmp_path):
    registry = Registry(tmp_path / "none")
    assert registry.names() == []
    assert registry.serving().names() == set()
    assert registry.token() == ()


def test_models_are_listed_and_leftovers_of_writes_are_not(registry):
    (registry.directory / ".three.json.x7").write_text("")
    (registry.directory / "..data").mkdir()
    registry.promote("one")
    assert registry.names() == ["lone", "one", "two"]


def test_a_promoted_model_serves_all_pairs_and_a_pairs_model_its_pair(registry):
    registry.promote("one")
    serving = registry.promote("lone")
    assert (serving.shared, serving.pairs) == ("one", {"a2b": "lone"})
    assert registry.serving() == serving


def test_a_shared_model_may_serve_one_pair_but_a_pairs_model_no_other(registry):
    assert registry.promote("one", "c2d").pairs == {"c2d": "one"}
    with pytest.raises(ArtefactError, match="model of the pair a2b"):
        registry.promote("lone", "c2d")
    with pytest.raises(ArtefactError, match="no pair"):
        registry.promote("one", "../x")


def test_rollback_goes_back_step_by_step(registry):
    for name in ("one", "two", "lone"):
        registry.promote(name)
    assert registry.rollback().pairs == {}
    assert registry.rollback().shared == "one"
    assert registry.rollback().shared is None
    with pytest.raises(ArtefactError, match="no earlier promotion"):
        registry.rollback()


def test_promoting_what_serves_already_is_no_step(registry):
    registry.promote("one")
    registry.promote("two")
    registry.promote("two")
    assert registry.rollback().shared == "one"


def test_demoting_leaves_the_other_pairs_alone(registry):
    registry.promote("one")
    registry.promote("lone")
    assert registry.demote("a2b").names() == {"one"}
    assert registry.demote().names() == set()
    assert registry.rollback().shared == "one"


@pytest.mark.parametrize("damage", ["truncated", "missing", "wrong shape", "no manifest"])
def test_a_broken_model_is_not_promoted_and_the_old_one_stays(registry, damage):
    registry.promote("one")
    path = registry.directory / "two.onnx"
    if damage == "truncated":
        path.write_bytes(path.read_bytes()[:100])
    elif damage == "missing":
        path.unlink()
    elif damage == "wrong shape":
        for file in ("two.onnx", "two.json"):
            (registry.directory / file).unlink()
        add(registry.directory, "two", window=64, inputs={"window": ["n", 64]})
    else:
        (registry.directory / "two.json").write_text("<html>")
    with pytest.raises(ArtefactError, match="two"):
        registry.promote("two")
    assert registry.serving().shared == "one"


def test_rollback_to_a_model_that_broke_meanwhile_is_refused(registry):
    registry.promote("one")
    registry.promote("two")
    (registry.directory / "one.onnx").write_bytes(b"")
    with pytest.raises(ArtefactError, match=r"one\.onnx"):
        registry.rollback()
    assert registry.serving().shared == "two"


def test_the_packaged_model_serves_until_the_user_promotes_one(tmp_path):
    packaged, own = tmp_path / "packaged", tmp_path / "own"
    add(packaged, "shipped")
    Registry(packaged).promote("shipped")
    add(own, "mine", seed=1)
    add(own, "lone", seed=2, pair="a2b")
    registry = Registry(own, packaged)
    assert registry.serving().shared == "shipped"
    assert registry.promote("lone").shared == "shipped"
    assert registry.promote("mine").shared == "mine"
    assert registry.names() == ["lone", "mine", "shipped"]
    assert [registry.is_packaged(n) for n in ("mine", "shipped", "absent")] == [False, True, False]
    assert registry.promote("shipped").shared == "shipped"
    assert sorted(os.listdir(packaged)) == ["promoted.json", "shipped.json", "shipped.onnx"]


def test_the_packages_own_directory_can_be_read():
    registry = Registry.standard(packaged_directory() / "none")
    for name in registry.serving().names():
        registry.load(name)


def test_the_token_changes_with_every_change_and_only_then(registry):
    tokens = [registry.token()]
    assert registry.token() == tokens[0]
    registry.promote("one")
    tokens.append(registry.token())
    add(registry.directory, "three")
    tokens.append(registry.token())
    os.utime(registry.directory / "one.onnx")
    tokens.append(registry.token())
    assert len(set(tokens)) == 4


@pytest.mark.parametrize(
    "content", ["", "[]", '{"shared": 3}', '{"shared": "../x"}', '{"pairs": {"x": "y"}}', '{"a": 1}']
)
def test_a_broken_list_of_promoted_models_is_named(registry, content):
    (registry.directory / "promoted.json").write_text(content)
    with pytest.raises(ArtefactError, match=r"promoted\.json"):
        registry.serving()


def test_a_hand_written_list_needs_only_the_names(registry):
    (registry.directory / "promoted.json").write_text(json.dumps({"shared": "one", "pairs": {"a2b": "lone"}}))
    assert registry.serving().names() == {"one", "lone"}


@given(st.binary(max_size=200))
def test_any_bytes_in_the_list_are_refused_without_a_crash(content):
    with pytest.raises(ArtefactError):
        decode(content, "promoted.json")

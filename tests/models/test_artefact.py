"""Artefacts on disk: whole or refused."""

import os
import threading

import pytest

from models import artefact
from models.errors import ArtefactError
from tests.models.networks import manifest, network


@pytest.fixture
def written(tmp_path):
    artefact.write(tmp_path, manifest(), network())
    return tmp_path


def test_what_is_written_is_read_back_with_its_hash(written):
    found = artefact.read(written, "tiny")
    assert found.network == network()
    assert len(found.manifest.sha256) == 64
    assert sorted(os.listdir(written)) == ["tiny.json", "tiny.onnx"]


def test_other_users_may_read_it(written):
    assert all(os.stat(written / f).st_mode & 0o444 == 0o444 for f in os.listdir(written))


def test_a_truncated_network_is_refused(written):
    (written / "tiny.onnx").write_bytes(network()[:-7])
    with pytest.raises(ArtefactError, match=r"tiny\.onnx: its sha256.*truncated or altered"):
        artefact.read(written, "tiny")


def test_a_missing_network_is_named(written):
    (written / "tiny.onnx").unlink()
    with pytest.raises(ArtefactError, match=r"tiny\.onnx: no such file"):
        artefact.read(written, "tiny")


def test_a_renamed_manifest_is_refused(written):
    (written / "tiny.json").rename(written / "other.json")
    with pytest.raises(ArtefactError, match=r"other\.json: the manifest of 'tiny'"):
        artefact.read(written, "other")


def test_a_name_never_leaves_the_directory(written):
    with pytest.raises(ArtefactError, match="no usable name"):
        artefact.read(written / "sub", "../tiny")


def test_an_artefact_may_be_written_again_but_not_changed(written):
    artefact.write(written, manifest(), network())
    with pytest.raises(ArtefactError, match="another network"):
        artefact.write(written, manifest(), network(seed=1))
    assert artefact.read(written, "tiny").network == network()


def test_a_directory_that_cannot_be_is_reported(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ArtefactError, match="cannot be written"):
        artefact.write(tmp_path / "file" / "models", manifest(), network())


def test_a_failed_write_leaves_nothing_behind(tmp_path):
    (tmp_path / "tiny.onnx").mkdir()
    with pytest.raises(ArtefactError, match="cannot be written"):
        artefact.write(tmp_path, manifest(), network())
    assert os.listdir(tmp_path) == ["tiny.onnx"]


def test_a_reader_beside_a_writer_meets_no_half(tmp_path):
    seen, done = [], threading.Event()

    def read():
        while not done.is_set():
            try:
                seen.append(artefact.read(tmp_path, "tiny"))
            except ArtefactError as e:
                seen.append(e)

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(30):
        artefact.write(tmp_path, manifest(), network())
    done.set()
    reader.join()
    assert all("no such file" in str(s) for s in seen if isinstance(s, ArtefactError))
    assert artefact.read(tmp_path, "tiny").network == network()

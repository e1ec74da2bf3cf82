"""models.aside"""

from pathlib import Path

import pytest

from models.aside import check_writable
from models.errors import ArtefactError


def test_a_directory_that_can_be_written_to_is_made_and_left_empty(tmp_path: Path) -> None:
    check_writable(tmp_path / "new" / "one")
    assert list((tmp_path / "new" / "one").iterdir()) == []


def test_a_directory_below_a_file_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ArtefactError, match="file/models: cannot be written to: Not a directory"):
        check_writable(tmp_path / "file" / "models")

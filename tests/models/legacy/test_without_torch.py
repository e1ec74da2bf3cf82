"""The import works in an image without torch, scikit-learn and joblib."""

import subprocess
import sys
from pathlib import Path

from tests.models.legacy.seed import write_pair

BLOCKED = ("torch", "sklearn", "joblib", "scipy", "statsmodels")

ISOLATED = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Absent())
from neilats.cli import main
status = main({args!r})
assert not set({blocked!r}) & set(sys.modules), "imported after all"
sys.exit(status)
"""


def isolated(*args):
    code = ISOLATED.format(blocked=BLOCKED, args=[str(a) for a in args])
    root = Path(__file__).parents[3]
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=25, cwd=root)


def test_the_command_imports_where_torch_is_not_installed(tmp_path):
    done = isolated("models", "import", *write_pair(tmp_path), "--models-dir", tmp_path / "models")
    assert done.returncode == 0, done.stderr
    assert "It serves a2b now." in done.stdout
    assert len(list((tmp_path / "models").glob("lstm-a2b-*.onnx"))) == 1


def test_serving_an_imported_model_does_not_load_the_library_that_builds_it(tmp_path):
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, models.registry, models.legacy.forecaster; sys.exit('onnx' in sys.modules)",
        ],
        capture_output=True,
        text=True,
        timeout=25,
        cwd=Path(__file__).parents[3],
    )
    assert done.returncode == 0, done.stderr

"""ONNX Runtime says nothing to anybody."""

import os
import subprocess
import sys

LOAD_A_NETWORK = """
from models.registry import Registry, packaged_directory
registry = Registry(packaged_directory())
registry.load(registry.names()[0], 1)
"""
SILENCED = ("CI", "ORT_DISABLE_TELEMETRY", "TF_BUILD", "GITHUB_ACTIONS", "PYTEST_CURRENT_TEST")


def test_loading_a_network_leaves_no_telemetry_behind(tmp_path):
    # Where it may speak it keeps an identifier of the machine below the home directory before it sends anything.
    environment = {name: value for name, value in os.environ.items() if name not in SILENCED}
    environment |= {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path)}
    subprocess.run([sys.executable, "-c", LOAD_A_NETWORK], check=True, env=environment, timeout=25)
    assert list(tmp_path.rglob("*")) == []


def test_the_switch_is_set_for_whoever_imports_the_runtime():
    said = subprocess.run(
        [sys.executable, "-c", "import models.runtime.session, os; print(os.environ['ORT_DISABLE_TELEMETRY'])"],
        check=True, capture_output=True, text=True, timeout=25,
    )  # fmt: skip
    assert said.stdout.strip() == "1"

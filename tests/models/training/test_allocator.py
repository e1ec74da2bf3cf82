"""Keeping memory between the steps of a training."""

import subprocess
import sys

STEPS = """
import resource
import sys

import numpy as np

from models.training.allocator import keep_memory

if sys.argv[1] == "keep":
    assert keep_memory()


def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


np.ones(4_000_000, np.float32)
before = faults()
for _ in range(100):
    np.ones(4_000_000, np.float32)
print(faults() - before)
"""


def page_faults(way):
    done = subprocess.run([sys.executable, "-c", STEPS, way], capture_output=True, check=True, text=True)
    return int(done.stdout)


def test_memory_that_is_kept_is_not_cleared_anew_by_the_kernel():
    assert page_faults("keep") < 0.5 * page_faults("let go")

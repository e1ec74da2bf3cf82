"""What programs take of the processors is read where the kernel says it."""

import subprocess
import sys
import time
from pathlib import Path

from bench.cpu import Cpu

SPIN = "import time\nwhile time.process_time() < 0.3: pass\nprint(flush=True)\ntime.sleep(60)"


def name_of(child: "subprocess.Popen[bytes]") -> str:
    return Path(f"/proc/{child.pid}/comm").read_text().strip()


def test_a_childs_seconds_are_counted_and_the_cores_were_busy_meanwhile() -> None:
    before = Cpu.now()
    with subprocess.Popen([sys.executable, "-c", SPIN], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        spent = Cpu.now().since(before)
        name = name_of(child)
        child.kill()
    assert 0.25 <= spent.by_program[name] <= 0.6
    assert 0 < spent.busy <= 1


def test_what_ended_before_the_second_look_is_left_out() -> None:
    with subprocess.Popen(["sleep", "60"]) as child:
        time.sleep(0.05)
        before, name = Cpu.now(), name_of(child)
        assert name in Cpu.now().since(before).by_program
        child.kill()
    assert name not in Cpu.now().since(before).by_program

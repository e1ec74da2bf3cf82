"""What programs take of the processors is read where the kernel says it."""

import subprocess
import sys
import time

from bench.cpu import Cpu

SPIN = "import time\nwhile time.process_time() < 0.3: pass\nprint(flush=True)\ntime.sleep(60)"


def test_a_childs_seconds_are_counted_and_the_cores_were_busy_meanwhile() -> None:
    before = Cpu.now()
    with subprocess.Popen([sys.executable, "-c", SPIN], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        spent = Cpu.now().since(before)
        child.kill()
    assert 0.25 <= spent.total_s <= 0.6
    assert 0 < spent.busy <= 1


def test_what_ended_before_the_second_look_is_left_out() -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as child:
        time.sleep(0.05)
        before = Cpu.now()
        child.kill()
    assert not Cpu.now().since(before).by_program

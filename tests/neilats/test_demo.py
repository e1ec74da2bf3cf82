"""The demo: its parts, and the whole as a user starts it."""

import io
import json
import os
import signal
import subprocess
import sys
import time

import pytest
from rich.console import Console

from neilats.demo.children import ChildError, Children, free_port
from neilats.demo.node import Links
from neilats.demo.plan import ADDRESSES, PEER, Plan
from neilats.demo.screen import LiveScreen, PlainScreen, View
from neilats.demo.story import Story, StoryError
from neilats.demo.trace import Trace
from tests.neilats.conftest import neilats_process


def test_the_bundled_trace_covers_every_pair_and_holds_its_licence():
    trace = Trace.bundled()
    assert len(trace) >= 60
    pairs = [(a, b) for a in ADDRESSES for b in ADDRESSES if a != b]
    assert all(10 <= trace.rtt_ms(a, b, k) <= 1000 for a, b in pairs for k in range(len(trace)))
    from importlib.resources import files

    assert "Copyright (c) 2016 uofa-rzhu3" in files("neilats.demo").joinpath("seattle.csv").read_text()


def test_a_trace_starts_over_at_its_end():
    trace = Trace.read(["# a comment", "slice,source,target,rtt_ms", "0,a,b,5", "1,a,b,7"])
    assert [trace.rtt_ms("a", "b", k) for k in range(3)] == [5.0, 7.0, 5.0]
    assert trace.rtt_ms("b", "a", 0) == 0.0


def test_a_node_answers_as_late_as_the_trace_and_the_orders_say():
    links = Links(PEER, Trace.read(["slice,source,target,rtt_ms", "0,node-1,gateway,50", "1,node-1,gateway,70"]))
    address = ADDRESSES["node-1"]
    assert links.delay_s(address) == 0.05
    links.order({"play": time.monotonic() - 1.5})
    assert links.delay_s(address) == 0.07
    links.order({"slow": "node-1", "extra_ms": 300})
    assert links.delay_s(address) == 0.37
    assert links.delay_s("127.0.0.1") == 0.0


def test_a_port_that_is_taken_is_replaced():
    port = free_port("127.0.77.1", 0)
    assert port
    import socket

    with socket.create_server(("127.0.77.1", port)):
        assert free_port("127.0.77.1", port) != port


def test_a_process_that_ends_is_told_with_the_end_of_its_log(tmp_path):
    with Children(tmp_path) as children:
        children.start("short", ["-c", "print('the last words')"])
        with pytest.raises(ChildError, match=r"short ended with status 0[^$]*the last words"):
            watch(children)


def watch(children: Children) -> None:
    """Look at the processes until one has ended."""
    for _ in range(200):
        children.check()
        time.sleep(0.05)


def test_processes_are_stopped_also_when_something_fails(tmp_path):
    children = Children(tmp_path)
    children.start("long", ["-c", "import time; time.sleep(60)"], orders=True)
    with pytest.raises(KeyError), children:
        raise KeyError
    with pytest.raises(ChildError, match="ended"):
        children.check()


def view() -> View:
    row = {"score": 10, "cost": 0.1, "unit": "violation", "status": "known", "loss": 0.5}
    row |= {"median_ms": 12.0, "last_ms": "inf"}
    paths = [{"source": "node-1", "target": PEER, "last_ms": "inf"}]
    return View(160.0, paths, {"node-1": row}, "node-1")


@pytest.mark.parametrize("width", [70, 140])
def test_both_screens_show_losses_and_the_chosen_node(width):
    out = io.StringIO()
    for kind in (PlainScreen, LiveScreen):
        with kind(Console(file=out, width=width, force_terminal=False)) as screen:
            screen.event(1.0, "it begins")
            screen.show(view(), milestone=True)
    text = out.getvalue()
    assert text.count("it begins") == 2
    assert text.count("← chosen") == 2
    assert "lost" in text
    assert "50 %" in text


async def test_a_story_that_does_not_move_ends_with_a_clear_message():
    class Stage:
        url = "http://127.0.0.1:1"

        def check(self) -> None: ...

        async def ready(self) -> bool:
            return False

    clock = iter(range(100))
    story = Story(Plan(limit_s=3), Stage(), PlainScreen(Console(file=io.StringIO())), lambda: next(clock))
    with pytest.raises(StoryError, match=r"still waiting for the probers to report after 3 s"):
        await story.play()


@pytest.mark.timeout(60)
def test_once_ends_with_a_decision_from_real_measurements():
    done = neilats_process("demo", "--once", "--seconds", "45", timeout=55)
    assert done.returncode == 0, done.stderr
    assert "pod-1 → node-" in done.stdout
    assert "candidates scored" in done.stdout
    assert leftovers() == []


@pytest.mark.timeout(120)
def test_the_whole_story_moves_the_choice_and_leaves_nothing_behind():
    done = neilats_process("demo", "--json", "--seconds", "90", timeout=110)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["first"] in ADDRESSES
    assert told["moved_to"] in set(ADDRESSES) - {told["first"], PEER}
    assert told["moved_s"] > told["worsened_s"]
    assert told["explained"]["outcome"] == "scored"
    assert leftovers() == []


@pytest.mark.timeout(60)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda n: n.name)
def test_an_interrupted_demo_stops_its_processes(number):
    process = subprocess.Popen(
        [sys.executable, "-m", "neilats", "demo"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert "neilats demo" in process.stdout.readline()
    time.sleep(1)
    assert leftovers()  # the extender and the probers
    process.send_signal(number)
    _, errors = process.communicate(timeout=20)
    assert process.returncode in (128 + signal.SIGINT, 128 + signal.SIGTERM)
    assert "Traceback" not in errors
    assert leftovers() == []


@pytest.mark.timeout(60)
def test_too_little_time_is_a_failure_with_the_logs_named(tmp_path):
    done = neilats_process("demo", "--seconds", "1", env={"TMPDIR": str(tmp_path)}, timeout=30)
    assert done.returncode == 1
    assert "after 1 s" in done.stderr
    assert f"{tmp_path}/neilats-demo-" in done.stderr
    assert leftovers() == []


def leftovers() -> list[str]:
    """Processes of demos that this test started: they have it as an ancestor no more, but its environment."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/environ", "rb") as environ, open(f"/proc/{pid}/cmdline", "rb") as line:
                ours = f"PYTEST_CURRENT_TEST={os.environ['PYTEST_CURRENT_TEST']}".encode() in environ.read()
                command = line.read().decode().replace("\0", " ")
        except OSError:
            continue
        if ours and ("neilats.demo.node" in command or "neilats extender" in command):
            found.append(command)
    return found

import asyncio
import os
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from neilats.settings import ProberSettings
from prober.app import Prober
from prober.ping import SocketsRefusedError
from prober.service import Listening, run
from prober.wire import Reply, Target
from tests.certificates import Authority

ROOT = Path(__file__).parents[2]


def _settings(**changes: Any) -> ProberSettings:
    quick: dict[str, Any] = {
        "node_name": "n1",
        "extender_urls": ("http://127.0.0.1:1",),
        "metrics_listen": "127.0.0.1:0",
        "probe_mode": "udp",
        "bind": ("127.0.0.11",),
        "udp_port": 0,
        "interval_s": 0.2,
        "burst_interval_s": 0.1,
        "burst_count": 5,
        "timeout_s": 0.3,
        "control_interval_s": 0.1,
        "control_limit_ms": 50.0,  # a busy test machine is no subject here
        "lag_limit_ms": 1000.0,
    }
    return ProberSettings(**(quick | changes))


@asynccontextmanager
async def _running(settings: ProberSettings, **options: Any) -> AsyncIterator[Listening]:
    stop, opened = asyncio.Event(), asyncio.get_running_loop().create_future()
    task = asyncio.create_task(run(settings, ready=opened.set_result, stop=stop, **options))
    await asyncio.wait([task, opened], return_when=asyncio.FIRST_COMPLETED)
    if not opened.done():
        await task  # raises what went wrong
    try:
        yield opened.result()
    finally:
        stop.set()
        await asyncio.wait_for(task, 5)


async def _get(address: str, path: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.get(f"http://{address}{path}") as response:
        return response.status, await response.text()


async def test_two_probers_measure_the_emulated_link_between_them(make_extender: Callable[[], Any]) -> None:
    extender = make_extender()
    url = await extender.serve()
    one = _settings(extender_urls=(url,))
    two = _settings(extender_urls=(url,), node_name="n2", bind=("127.0.0.12",))

    async with _running(one) as first, _running(two, delay=lambda _: 0.03) as second:
        extender.reply = Reply(
            False,
            200.0,
            [
                Target("n1", "127.0.0.11", udp_port=first.udp_port),
                Target("n2", "127.0.0.12", udp_port=second.udp_port),
                Target("n3", "127.0.0.13", udp_port=9),
            ],
        )
        found: dict[tuple[str, str], list[float | None]] = {}
        async with asyncio.timeout(10):
            while len(found.get(("n1", "n2"), [])) < 6 or -1.0 not in found.get(("n1", "n3"), []):
                await extender.until(len(extender.reports) + 1)
                found = {}
                for report in extender.reports:
                    for target, run_ in report.runs():
                        found.setdefault((report.node, target), []).extend(run_.rtt_ms)
        status, text = await _get(first.http, "/metrics")
    assert 30 <= statistics.median([v for v in found["n1", "n2"] if v is not None]) < 60
    assert statistics.median([v for v in found["n2", "n1"] if v is not None]) < 20
    assert ("n1", "n1") not in found
    assert status == 200
    assert "neilats_prober_targets 2.0" in text
    assert 'neilats_prober_build_info{mode="udp",node="n1"' in text
    header = extender.reports[-1]
    assert header.self_.mode == "udp"
    assert {r.addresses.udp_port for r in extender.reports} == {first.udp_port, second.udp_port}
    assert {r["peer"] for r in extender.requests} == {"127.0.0.11", "127.0.0.12"}


async def test_it_reports_over_tls_with_its_token(make_extender: Callable[[], Any], tmp_path: Path) -> None:
    authority, extender = Authority(tmp_path), make_extender()
    await extender.serve(tls=authority.server("DNS:localhost"))
    extender.token = "mine"
    _write(tmp_path / "token", "mine\n")
    settings = _settings(
        extender_urls=(f"https://localhost:{extender.port}",),
        bind=(),
        token_file=str(tmp_path / "token"),
        ca_file=str(authority.ca),
    )
    async with _running(settings):
        await extender.until(2)


def _write(file: Path, content: str) -> None:
    file.write_text(content)


async def test_it_works_without_an_extender() -> None:
    async with _running(_settings()) as opened:
        await asyncio.sleep(0.3)
        assert await _get(opened.http, "/readyz") == (200, "ok\n")
        assert await _get(opened.http, "/healthz") == (200, "ok\n")
        _, text = await _get(opened.http, "/metrics")
    assert "neilats_prober_control_rtt_seconds NaN" not in text


async def test_raw_icmp_measures_from_end_to_end(make_extender: Callable[[], Any], need_root: None) -> None:
    extender = make_extender()
    settings = _settings(extender_urls=(await extender.serve(),), probe_mode="raw", bind=())
    extender.reply = Reply(False, 200.0, [Target("a", "127.0.0.5"), Target("b", "not an address")])
    async with _running(settings, env={"POD_IP": "10.7.7.7"}) as opened:
        assert opened.mode == "raw"
        async with asyncio.timeout(8):
            while not any(v is not None for r in extender.reports for _, run_ in r.runs() for v in run_.rtt_ms):
                await extender.until(len(extender.reports) + 1)
        _, text = await _get(opened.http, "/metrics")
    assert extender.reports[0].addresses.ipv4 == "10.7.7.7"
    assert 'neilats_prober_targets_ignored{reason="address"} 1.0' in text


async def test_the_replies_interval_is_taken(make_extender: Callable[[], Any]) -> None:
    extender = make_extender()
    extender.reply = Reply(False, 500.0, [])
    async with _running(_settings(extender_urls=(await extender.serve(),))):
        await extender.until(2)
    assert extender.reports[0].interval_ms == 200.0
    assert extender.reports[-1].interval_ms == 500.0


async def test_a_list_is_held_while_replies_leave_it_out(make_extender: Callable[[], Any]) -> None:
    extender = make_extender()
    extender.answers = [Reply(False, 200.0, [Target("n2", "127.0.0.12", udp_port=9, burst=True)], "v1")]
    extender.reply = Reply(False, 200.0, None)
    async with _running(_settings(extender_urls=(await extender.serve(),))) as listening:
        await extender.until(12)
        _, text = await _get(listening.http, "/metrics")
    assert [report.targets_version for report in extender.reports[:3]] == ["", "v1", "v1"]
    assert "neilats_prober_targets 1.0" in text
    assert 'neilats_prober_target_lists_total{outcome="received"} 1.0' in text
    # A burst is asked for by each reply whose list says so, left out or not: five samples are not the end of it.
    steps_ms = [run.step_ms for report in extender.reports[-5:] for _, run in report.runs() if len(run.rtt_ms) > 1]
    assert steps_ms
    assert all(step_ms < 150 for step_ms in steps_ms)


async def test_a_stop_sends_a_last_report_and_closes_everything(make_extender: Callable[[], Any]) -> None:
    extender = make_extender()
    extender.reply = Reply(False, 60_000.0, [Target("n2", "127.0.0.12", udp_port=9)])
    settings = _settings(extender_urls=(await extender.serve(),), report_interval_s=60, burst_count=0)
    async with _running(settings):
        await extender.until(1)
    assert len(extender.reports) == 2


async def test_a_failure_at_the_start_ends_the_prober() -> None:
    def ready(_: Listening) -> None:
        raise RuntimeError("ready failed")

    with pytest.raises(ExceptionGroup):
        await run(_settings(), ready=ready, stop=asyncio.Event())


async def test_a_failed_part_ends_the_prober(make_rig: Callable[..., Any]) -> None:
    pinger = make_rig().pinger
    prober = Prober(_settings(), pinger, env={}, node="n1")

    def fail() -> None:
        raise RuntimeError("broken socket")

    asyncio.get_running_loop().call_later(0.1, setattr, pinger, "drain", fail)
    with pytest.raises(ExceptionGroup) as caught:
        await prober.work(asyncio.Event(), lambda: None)
    assert caught.group_contains(RuntimeError, match="broken socket")


async def test_a_cancelled_prober_leaves_nothing_open() -> None:
    task = asyncio.create_task(run(_settings(), stop=asyncio.Event()))
    await asyncio.sleep(0.2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_an_unusable_bind_address_is_refused() -> None:
    with pytest.raises(SocketsRefusedError):
        await run(_settings(bind=("192.0.2.1",)), stop=asyncio.Event())


def test_a_taken_port_is_one_clear_line_and_status_1(capfd: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        code = _process(f"metrics_listen='127.0.0.1:{sock.getsockname()[1]}'").wait(10)
    error = capfd.readouterr().err
    assert code == 1
    assert len(error.splitlines()) == 1
    assert "cannot start" in error
    assert "address already in use" in error


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
async def test_a_port_alone_is_opened_for_both_families(host: str, unused_tcp_port: int) -> None:
    async with _running(_settings(metrics_listen=f":{unused_tcp_port}")) as found:
        assert found.http == f":{unused_tcp_port}"
        assert (await _get(f"{host}{found.http}", "/healthz"))[0] == 200


def _process(options: str) -> "subprocess.Popen[bytes]":
    code = (
        "import sys; from prober.service import main; from neilats.settings import ProberSettings;"
        "sys.exit(main(ProberSettings(probe_mode='udp', udp_port=0, bind=('127.0.0.11',), node_name='n1',"
        f"extender_urls=('http://127.0.0.1:1',), {options})))"
    )
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", code], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_status_0_within_5_s(capfd: pytest.CaptureFixture[str], number: signal.Signals) -> None:
    process = _process("metrics_listen='127.0.0.1:0'")
    error = ""
    while "prober started" not in error:
        error += capfd.readouterr().err
        time.sleep(0.02)
        assert process.poll() is None
    began = time.monotonic()
    process.send_signal(number)
    assert process.wait(10) == 0
    assert time.monotonic() - began < 5
    assert "mode=udp" in error
    assert "127.0.0.11:" in error
    assert "Traceback" not in error + capfd.readouterr().err

"""The prober's sockets measure what `ping` measures, on a path between two nodes, interleaved with it."""

import json
import re
import statistics
import subprocess
import sys

import pytest

from tests.controlplane.kube import Kube
from tests.e2e.live import LiveCluster

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(200)]

COUNT, GAP_S = 200, 0.05
ROUNDS = 5
"""Two pings beside each other already differ by 40 us here now and then; the middle one of five rounds counts."""

TARGET = "10.77.2.2"
"""node-2's address in the test cluster."""


def inside(cluster: LiveCluster, *argv: object) -> "subprocess.Popen[str]":
    """A program in node-1's network."""
    command = [str(a) for a in cluster.inside("node-1", *argv)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def finished(process: "subprocess.Popen[str]") -> str:
    out, _ = process.communicate(timeout=90)
    assert process.returncode == 0, out
    return out


def admit_groups(cluster: LiveCluster, admitted: str) -> None:
    """Which groups may open datagram ICMP sockets in node-1's network."""
    finished(inside(cluster, "sh", "-c", f"echo {admitted} > /proc/sys/net/ipv4/ping_group_range"))


def compare(cluster: LiveCluster, mode: str) -> tuple[float, float]:
    """Median RTT in ms by our socket and by ping, both at the same time, each every 50 ms or so."""
    ours = inside(cluster, sys.executable, "-m", "tests.e2e.echo", mode, TARGET, COUNT, GAP_S)
    theirs = inside(cluster, "ping", "-n", "-i", GAP_S, "-c", COUNT, TARGET)
    mine = json.loads(finished(ours))["rtt_ms"]
    pings = [float(t) for t in re.findall(r"time=([\d.]+) ms", finished(theirs))]
    assert (len(mine), len(pings)) == (COUNT, COUNT)
    return statistics.median(mine), statistics.median(pings)


@pytest.mark.parametrize("mode", ["dgram", "raw"])
async def test_medians_of_two_hundred_agree_with_ping(cluster: LiveCluster, kube: Kube, mode: str) -> None:
    admit_groups(cluster, "0 2147483647")
    try:
        rounds = sorted((compare(cluster, mode) for _ in range(ROUNDS)), key=lambda pair: pair[0] - pair[1])
    finally:
        admit_groups(cluster, "1 0")
    mine, ping = rounds[ROUNDS // 2]
    assert mine == pytest.approx(ping, abs=max(0.020, 0.10 * ping)), f"{mode}: (ours, ping) in ms: {rounds}"

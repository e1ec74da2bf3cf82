"""The multi-node test cluster, and neilats on it as its users would run it: real processes in each node's network."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import aiohttp

from tests.controlplane.plane import ControlPlane, Process, free_port

API = "10.77.0.1"
"""The control plane's address on every node of the test cluster."""

KEEP = os.environ.get("TEST_CLUSTER_KEEP", "")
"""The kubeconfig of a cluster that goes on running with the release on it, for the next run: to write tests with."""

NEILATS = Path(sys.executable).with_name("neilats")


class LiveCluster(ControlPlane):
    """The cluster that `TEST_CLUSTER up` starts; `scheduler` adds a second kube-scheduler as in other tests."""

    def __init__(self, command: str, folder: Path, nodes: int) -> None:
        self._command, self.folder, self._nodes = str(Path(command).resolve()), folder, nodes
        self.url = f"https://{API}:6443"

    def start(self) -> None:
        """Start the cluster; takes ten seconds and more. One that was kept is taken over."""
        kept = Path(KEEP)
        running = kept if KEEP and kept.exists() else None
        self._config = running or Path(self.run("up", "--nodes", self._nodes).strip().splitlines()[-1])
        self.ca = self._config.parent / "certs" / "apiserver.crt"
        self.binaries = Path(self.run("unpack").strip().splitlines()[-1])

    def stop(self) -> None:
        """Stop the cluster and remove its networks, unless it shall be kept."""
        if not KEEP:
            self.run("down")

    def run(self, *argv: object) -> str:
        """The cluster's command; returns what it printed."""
        argv = (self._command, *argv)
        done = subprocess.run([str(a) for a in argv], capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{argv} ended with {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout

    def kubeconfig(self, token: str = "") -> Path:
        """The administrator's kubeconfig."""
        return self._config

    @property
    def signing_key(self) -> Path:
        """What the API server signs service accounts' tokens with."""
        return self._config.parent / "certs" / "sa.key"

    def link(self, a: str, b: str, **settings: float) -> None:
        """Set the path between two nodes: rtt and jitter in ms, loss as a fraction each way."""
        self.run("link", a, b, *(f"--{k}={v}" for k, v in settings.items()))

    def inside(self, node: str, *argv: object) -> tuple[object, ...]:
        """The command line that runs a program in a node's network."""
        return (self._command, "exec", node, *argv)


class Neilats:
    """A running extender and a prober on every node."""

    def __init__(self, cluster: LiveCluster, interval_s: float) -> None:
        self._cluster, self.interval_s = cluster, interval_s
        self._api, self._webhooks = free_port(), free_port()
        self.webhooks = f"http://127.0.0.1:{self._webhooks}/scheduler"
        self.api = f"http://{API}:{self._api}"

    @contextmanager
    def running(self, nodes: Iterator[str] | tuple[str, ...], *prober_flags: str) -> Iterator["Neilats"]:
        """Start everything, and stop it by SIGTERM."""
        with ExitStack() as stack:
            extender = self._process("extender", NEILATS, "extender", *self._extender_flags())
            stack.callback(extender.stop)
            self._processes = [extender]
            for node in nodes:
                flags = ("--node-name", node, "--extender-url", self.api, *prober_flags)
                argv = self._cluster.inside(node, NEILATS, "prober", *flags)
                self._processes.append(prober := self._process(f"prober-{node}", *argv))
                stack.callback(prober.stop)
            yield self

    def _process(self, name: str, *argv: object) -> Process:
        return Process(self._cluster.folder / f"{name}.log", *argv)

    def _extender_flags(self) -> tuple[object, ...]:
        return (
            *("--cluster", "kubeconfig", "--kubeconfig", self._cluster.kubeconfig()),
            *("--listen", f"0.0.0.0:{self._api}", "--webhook-listen", f"127.0.0.1:{self._webhooks}"),
            *("--interval-s", self.interval_s),
        )

    async def get(self, path: str) -> Any:
        """What the extender's API says."""
        async with aiohttp.ClientSession() as session, session.get(self.api + path) as reply:
            return await reply.json()

    async def measured(self, pairs: int, samples: int, timeout_s: float = 60) -> list[dict[str, Any]]:
        """Every path, once so many have so many samples; it may be that nobody answers yet."""
        end = time.monotonic() + timeout_s
        found: object = "nothing"
        while time.monotonic() < end and all(p.running() for p in self._processes):
            try:
                paths: list[dict[str, Any]] = (await self.get("/v1/matrix"))["paths"]
                found = paths
                if sum(p["samples"] >= samples for p in paths) >= pairs:
                    return paths
            except aiohttp.ClientError as e:
                found = e
            await asyncio.sleep(0.5)
        raise AssertionError(f"{pairs} paths with {samples} samples expected after {timeout_s:g} s, found {found}")

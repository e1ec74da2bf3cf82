"""The real etcd, kube-apiserver and kube-scheduler as child processes on 127.0.0.1, with their state in a folder.

There is no controller-manager and no kubelet: nodes are only objects, bound pods stay Pending until a test sets their
phase, tests write EndpointSlices themselves, and a deleted namespace never goes away.
"""

import ctypes
import json
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ADMIN, EXTENDER = "admin-token", "extender-token"  # the second belongs to the user `extender`, who may do nothing yet
SCHEDULER = "neilats-scheduler"
START_S = 60


def free_port() -> int:
    """A port on 127.0.0.1 that nobody listens on."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port: int = s.getsockname()[1]
        return port


def die_with_parent() -> None:
    """In a child: end when the test run is killed, so that no control plane is left behind."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def wait_for(what: str, ready: Callable[[], bool], hint: str, seconds: float = START_S) -> None:
    """Return when `ready` says so; fail with the hint otherwise."""
    end = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > end:
            raise TimeoutError(f"{what} is not ready after {seconds:g} s: {hint}")
        time.sleep(0.05)


class Process:
    """A program that runs until it is stopped, and its log."""

    def __init__(self, log: Path, *argv: object) -> None:
        self.log = log
        with log.open("ab") as out:
            self._child = subprocess.Popen(
                [str(a) for a in argv],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                cwd=log.parent,
                preexec_fn=die_with_parent,
            )

    def running(self) -> bool:
        """Whether it has not ended; a program that ends by itself is an error with the end of its log."""
        if self._child.poll() is not None:
            tail = self.log.read_text(errors="replace")[-2000:]
            raise RuntimeError(f"{self.log.stem} ended with {self._child.returncode}: {tail}")
        return True

    def stop(self, *, at_once: bool = False) -> None:
        """End it and wait for it; kill it at once, or where it takes too long."""
        (self._child.kill if at_once else self._child.terminate)()
        try:
            self._child.wait(10)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()


@dataclass
class Scheduler:
    """A running kube-scheduler: the name that pods give in `spec.schedulerName`, and where it serves /metrics."""

    name: str
    url: str
    log: Path


class ControlPlane:
    """etcd and kube-apiserver. `url`, `ca` and a token reach it; `kubeconfig(token)` writes a file that does."""

    def __init__(self, binaries: Path, folder: Path) -> None:
        self.binaries, self.folder = binaries, folder
        self._port, self._etcd_port = free_port(), free_port()
        self.url = f"https://127.0.0.1:{self._port}"
        self.ca = folder / "certs" / "apiserver.crt"
        self._etcd: Process | None = None
        self._api: Process | None = None

    @property
    def signing_key(self) -> Path:
        """What the API server signs service accounts' tokens with."""
        return self.folder / "certs" / "sa.key"

    def start(self) -> None:
        """Start both and wait until the API server is ready."""
        _keys(self.folder / "certs")
        rows = (f'{ADMIN},admin,admin,"system:masters"', f"{EXTENDER},extender,extender")
        (self.folder / "tokens.csv").write_text("\n".join(rows) + "\n")
        client, peer = f"http://127.0.0.1:{self._etcd_port}", f"http://127.0.0.1:{free_port()}"
        self._etcd = Process(
            self.folder / "etcd.log",
            self.binaries / "etcd",
            f"--data-dir={self.folder / 'etcd'}",
            "--unsafe-no-fsync",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
        )
        self.start_api()

    def start_api(self) -> None:
        """Start the API server on its port and wait until it is ready."""
        certs = self.folder / "certs"
        self._api = api = Process(
            self.folder / "kube-apiserver.log",
            self.binaries / "kube-apiserver",
            f"--etcd-servers=http://127.0.0.1:{self._etcd_port}",
            f"--secure-port={self._port}",
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            "--endpoint-reconciler-type=none",
            f"--cert-dir={certs}",
            f"--service-account-key-file={certs / 'sa.pub'}",
            f"--service-account-signing-key-file={certs / 'sa.key'}",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--token-auth-file={self.folder / 'tokens.csv'}",
            "--authorization-mode=RBAC",
            "--service-cluster-ip-range=10.96.0.0/16",
            # Nobody makes service accounts here, and nobody would take the not-ready taint off new nodes.
            "--disable-admission-plugins=ServiceAccount,TaintNodesByCondition",
        )
        ready = "/api/v1/namespaces/default"  # later than /readyz: made by the server after it is ready
        wait_for("kube-apiserver", lambda: api.running() and self.answers(ready), f"see {api.log}")

    def stop_api(self) -> None:
        """Kill the API server alone; `start_api` brings it back at the same address with the same objects."""
        if self._api:
            self._api.stop(at_once=True)  # gracefully it would wait for watches that this process holds

    def stop(self) -> None:
        """Stop everything."""
        self.stop_api()
        if self._etcd:
            self._etcd.stop(at_once=True)

    def answers(self, path: str) -> bool:
        """Whether the API server answers this path with a 200."""
        return self.ca.exists() and _get(self.url + path, self.ca, ADMIN)

    def kubeconfig(self, token: str = ADMIN) -> Path:
        """A kubeconfig file for the user with this token."""
        path = self.folder / f"{token}.kubeconfig"
        cluster = {"server": self.url, "certificate-authority": str(self.ca)}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "plane",
            "clusters": [{"name": "plane", "cluster": cluster}],
            "users": [{"name": "user", "user": {"token": token}}],
            "contexts": [{"name": "plane", "context": {"cluster": "plane", "user": "user"}}],
        }
        path.write_text(json.dumps(config))
        return path

    @contextmanager
    def scheduler(
        self,
        extender_url: str = "",
        *,
        name: str = SCHEDULER,
        extender: dict[str, Any] | None = None,
        flags: Sequence[str] = (),
        **fields: Any,
    ) -> Iterator[Scheduler]:
        """A kube-scheduler with one profile, which asks the extender at `http://host:port[/prefix]` if one is given.

        `extender` changes fields of its Extender entry (`{"ignorable": False}`, `{"preemptVerb": ""}`); `fields` change
        the KubeSchedulerConfiguration (`podMaxBackoffSeconds=2`); `flags` go to the command line.
        """
        port, log = free_port(), self.folder / f"kube-scheduler-{free_port()}.log"
        config = log.with_suffix(".json")
        config.write_text(json.dumps(self._scheduler_config(extender_url, name, extender or {}) | fields))
        process = Process(
            log,
            self.binaries / "kube-scheduler",
            f"--config={config}",
            f"--secure-port={port}",
            "--bind-address=127.0.0.1",
            f"--cert-dir={log.with_suffix('')}",
            "--authorization-always-allow-paths=/healthz,/readyz,/livez,/metrics",
            "-v=4",
            *flags,
        )
        try:
            url = f"https://127.0.0.1:{port}"
            wait_for("kube-scheduler", lambda: process.running() and _get(f"{url}/readyz"), f"see {log}")
            yield Scheduler(name, url, log)
        finally:
            process.stop()

    def _scheduler_config(self, url: str, name: str, changes: dict[str, Any]) -> dict[str, Any]:
        extender = {
            "urlPrefix": url,
            "filterVerb": "filter",
            "prioritizeVerb": "prioritize",
            "preemptVerb": "preempt",
            "weight": 100,
            "enableHTTPS": False,
            "httpTimeout": "2s",
            "nodeCacheCapable": True,
            "ignorable": True,
        }
        return {
            "apiVersion": "kubescheduler.config.k8s.io/v1",
            "kind": "KubeSchedulerConfiguration",
            "clientConnection": {"kubeconfig": str(self.kubeconfig())},
            "leaderElection": {"leaderElect": False},
            "profiles": [{"schedulerName": name, "percentageOfNodesToScore": 100}],
            "extenders": [extender | changes] if url else [],
        }


def _keys(folder: Path) -> None:
    """The key pair that signs service accounts' tokens: required at start, used by nobody here."""
    folder.mkdir(parents=True)
    key, public = str(folder / "sa.key"), str(folder / "sa.pub")
    for command in (["genrsa", "-out", key, "2048"], ["rsa", "-in", key, "-pubout", "-out", public]):
        subprocess.run(["openssl", *command], check=True, capture_output=True)


def _get(url: str, ca: Path | None = None, token: str = "") -> bool:
    """Whether a GET answers 200; without `ca` the certificate is not checked."""
    try:
        context = ssl.create_default_context(cafile=ca) if ca else ssl._create_unverified_context()
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"} if token else {})
        with urllib.request.urlopen(request, timeout=2, context=context) as reply:
            return bool(reply.status == 200)
    except (OSError, urllib.error.URLError):
        return False

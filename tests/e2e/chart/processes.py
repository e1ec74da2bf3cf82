"""The services' processes on this machine, which is every node of the test cluster."""

import os
import signal
from pathlib import Path
from typing import Any

__all__ = ["cpu_s", "kill", "process_of", "resident_mb"]


def process_of(service: str, pod: dict[str, Any]) -> Path:
    """The /proc folder of `neilats SERVICE` in a pod."""
    uid = pod["metadata"]["uid"]
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            argv, cgroup = (folder / "cmdline").read_bytes().split(b"\0"), (folder / "cgroup").read_text()
        except OSError:
            continue  # it has just ended
        # systemd's names of control groups have underscores.
        if service.encode() in argv and uid in cgroup.replace("_", "-"):
            return folder
    raise AssertionError(f"no process of {service} in pod {pod['metadata']['name']}")


def kill(service: str, pod: dict[str, Any]) -> None:
    """SIGKILL it, as the kernel does when memory runs out."""
    os.kill(int(process_of(service, pod).name), signal.SIGKILL)


def resident_mb(folder: Path) -> float:
    """Resident memory."""
    pages = int((folder / "statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def cpu_s(folder: Path) -> float:
    """CPU seconds so far, of the user and the kernel."""
    fields = (folder / "stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

"""Programs that tests compare with or run; Debian's packages of them are installed where root may."""

import os
import shutil
import subprocess

from tests.missing import missing

__all__ = ["program"]


def program(name: str, package: str) -> str:
    """The path of a program."""
    if not shutil.which(name) and os.geteuid() == 0 and shutil.which("apt-get"):
        for words in (["update", "-q"], ["install", "-q", "-y", "--no-install-recommends", package]):
            subprocess.run(["apt-get", *words], check=False, capture_output=True)
    return shutil.which(name) or missing(f"{name} is missing: install {package}")

"""Makes the demo's trace from the Seattle trace.

    python tests/neilats/make_trace.py DIRECTORY > neilats/demo/seattle.csv

DIRECTORY holds `rtt_ms.npz` (array `rtt_ms`, [slice, source, target] in ms) and its LICENSE.
"""

import sys
from pathlib import Path

import numpy as np

FIRST, COUNT = 300, 90
DEVICES = {"gateway": 53, "node-1": 83, "node-2": 43, "node-3": 8, "node-4": 41}

HEADER = f"""Round trips in ms between five personal devices of the Seattle testbed.

From the NetLatency-Data set (https://github.com/uofa-rzhu3/NetLatency-Data; Zhu, Liu, Niu, Li, Zhao, "Network Latency
Estimation for Personal Devices: A Matrix Completion Approach", IEEE/ACM ToN 25(2), 2017): {COUNT} of 688 slices, from
number {FIRST} on. The devices are {", ".join(f"{number} ({name})" for name, number in DEVICES.items())}.
The values are unchanged; the slices are about 15.7 s apart, but the demo plays one each second.
"""


def main(folder: Path) -> None:
    """Write the CSV to standard output."""
    rtt_ms = np.load(folder / "rtt_ms.npz")["rtt_ms"][FIRST : FIRST + COUNT]
    comment = f"{HEADER}\n{(folder / 'LICENSE').read_text(encoding='utf-8').strip()}"
    lines = [f"# {line}".rstrip() for line in comment.splitlines()] + ["slice,source,target,rtt_ms"]
    for number, taken in enumerate(rtt_ms):
        for source, i in DEVICES.items():
            lines += [f"{number},{source},{target},{taken[i, j]}" for target, j in DEVICES.items() if target != source]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""What an imported model is called in its manifest; apart, so that who serves it need not import who builds it."""

from typing import Final

__all__ = ["INPUT", "KIND", "OUTPUT", "WINDOW_SLOTS"]

KIND: Final = "seed-lstm"

WINDOW_SLOTS: Final = 30

INPUT: Final = "window"
"""``[n, 30]``: RTT in ms, oldest first."""
OUTPUT: Final = "rtt_ms"
"""``[n, 30 or 1]``: forecasts in ms, next slot first."""

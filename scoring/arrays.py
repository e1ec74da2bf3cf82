"""The array types that every scoring module speaks, and what their values mean.

A *window* is one row of a float array ``[n, w]``: round-trip times in milliseconds, oldest first, one per slot of a
regular grid (10 s unless the settings say otherwise). Two special values are never interchangeable:

* ``NaN``: nothing was measured in the slot. It is excluded everywhere and lowers the coverage.
* ``+inf``: the ping was lost. It is a measurement, and it is above every SLA.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Bools", "Floats", "Ints", "Statuses"]

Floats: TypeAlias = NDArray[np.float64]
Bools: TypeAlias = NDArray[np.bool_]
Ints: TypeAlias = NDArray[np.int64]
Statuses: TypeAlias = NDArray[np.int8]

"""What each prober is told to measure: all other nodes of a small cluster; in a large one its neighbours, and the nodes
that pods ask about.

`planner` composes the lists: from the `overlay` and its `pairs` (checked for `symmetry`), the `hot` peers, and the
`singles`, paths of one node alone; `reach` knows where each target answers. `census` and `figures` count.
"""

from extender.probing.limits import Limits
from extender.probing.plan import HOT_S, Kind, Plan, ReportsItself
from extender.probing.planner import Probing

__all__ = ["HOT_S", "Kind", "Limits", "Plan", "Probing", "ReportsItself"]

"""What the extender knows of the cluster: its nodes, and the nodes that a pod's peers run on.

`base` is what the rest of the extender sees, `static` a fixed list of nodes, `live` a real cluster. Only `kube` imports
the kubernetes package, and only `choose` imports `kube`, once a cluster is asked for.
"""

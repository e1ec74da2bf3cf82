"""The prober: measures this node's round trips to the others and reports them. `prober.wire` is the report format."""

"""Load on an extender: thousands of probers that report, and kube-scheduler's calls."""

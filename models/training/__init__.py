"""Training: the only place that imports torch. `neilats models train` imports it when it runs."""

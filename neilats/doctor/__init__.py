"""Reads a cluster and says what keeps neilats from working there, why it matters, and what mends it."""

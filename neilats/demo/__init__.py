"""The demo: real probers and a real extender on loopback addresses, a replayed trace, and a scripted scheduler."""

"""Events on pods, for people who run `kubectl describe pod`: why this node, and is it still true.

`announcer` decides what is told and `messages` how it reads; `recorder` limits and writes; `lease` lets one replica of
several speak of placed pods; `voice` holds all of it together.
"""

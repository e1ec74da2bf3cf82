"""The promises of pods that have their node: who they are, whether each is kept now, and who asks.

`watching` fills the `table`, `judging` says how a promise stands, `standing` keeps that steady, `keeper` looks now and
then, `placements` answers.
"""

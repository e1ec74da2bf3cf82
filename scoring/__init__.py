"""Pure scoring of network paths: arrays in, arrays out.

No clock, file, socket, log or environment is touched here, and nothing but numpy is imported, so that the same numbers
can place a pod today and pick a replica for a request tomorrow. `scoring.arrays` states how a window is laid out.
"""

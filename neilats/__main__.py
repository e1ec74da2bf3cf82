"""`python -m neilats` is `neilats`."""

import sys

from neilats.cli import main

__all__: list[str] = []

if __name__ == "__main__":
    sys.exit(main())

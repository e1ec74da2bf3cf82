"""The loop of the service."""

from importlib.util import find_spec

import pytest

from extender.loop import new_loop


@pytest.mark.skipif(find_spec("uvloop") is None, reason="uvloop is not installed")
def test_it_is_uvloops_where_that_is_installed():
    loop = new_loop()
    try:
        assert type(loop).__module__.startswith("uvloop")
    finally:
        loop.close()

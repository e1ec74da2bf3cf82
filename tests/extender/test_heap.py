"""What malloc keeps of memory that was freed."""

import platform

from extender.heap import KEPT_BYTES, MAPPED_BYTES, MMAP_THRESHOLD, TRIM_THRESHOLD, give_back_early


def test_both_sizes_are_set() -> None:
    asked: dict[int, int] = {}
    assert give_back_early(lambda which, size: asked.update({which: size}) or 1)
    assert asked == {MMAP_THRESHOLD: MAPPED_BYTES, TRIM_THRESHOLD: KEPT_BYTES}


def test_who_is_refused_learns_so() -> None:
    assert give_back_early(lambda which, size: 0) is False


def test_this_c_library_takes_them_if_it_is_glibc() -> None:
    assert give_back_early() == (platform.libc_ver()[0] == "glibc")

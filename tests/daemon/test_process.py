"""What the daemon minds of its own process."""

from __future__ import annotations

from tests.command import printed_by


def test_freed_tuples_are_given_back() -> None:
    printed = printed_by("""
        import sys
        from edgecam.daemon.process import give_back

        def rises():
            before = sys.getallocatedblocks()
            tuples = [tuple(each for each in range(length)) for length in range(1, 6) for _ in range(2000)]
            del tuples
            give_back()
            return sys.getallocatedblocks() - before > 1000

        give_back()
        print(rises())
    """)
    assert printed == "False"


def test_garbage_is_found_soon_where_it_is_new_and_at_last_where_it_is_old() -> None:
    printed = printed_by("""
        import weakref
        from edgecam.daemon.process import WHOLE, give_back

        class Ring:
            def __init__(self):
                self.itself = self

        old = Ring()
        of_old = weakref.ref(old)
        give_back()
        new = Ring()
        of_new = weakref.ref(new)
        del old, new
        give_back()
        print(of_new() is None, of_old() is None)
        for _ in range(WHOLE):
            give_back()
        print(of_old() is None)
    """)
    assert printed.split() == ["True", "False", "True"]

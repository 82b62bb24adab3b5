"""One house for many tests: built once, and whatever a test does in it is undone before the next one.

It stands in a transaction that is never committed, and each test has its own inside. It goes as soon as a test comes that does
not ask for it, and is built anew for the next one that does.
"""

from contextlib import ExitStack

from pytest_django import DjangoDbBlocker

from tests.kit.demo import undone
from tests.kit.house import House


class SharedHouse:
    """The one of this process."""

    def __init__(self, blocker: DjangoDbBlocker) -> None:
        self.blocker = blocker
        self._stack = ExitStack()
        self.standing: House | None = None

    def stand(self) -> None:
        """Build it, if it does not stand."""
        if self.standing is None:
            self._stack.enter_context(self.blocker.unblock())
            self._stack.enter_context(undone())
            try:
                self.standing = House()
            except BaseException:
                self.go()
                raise

    def go(self) -> None:
        """Undo it, if it stands."""
        self.standing = None
        self._stack.close()

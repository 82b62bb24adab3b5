"""Work for later, shaped like Django's own tasks (DEP 14), so that one can replace the other."""

from collections.abc import Callable
from typing import Any

from django.db import transaction
from django_q.tasks import async_task


def enqueue(func: Callable[..., Any], **kwargs: Any) -> None:
    """Run `func(**kwargs)` in a worker (`adsum work`), once this transaction is committed. It must be safe to run twice."""
    path = f"{func.__module__}.{func.__qualname__}"
    transaction.on_commit(lambda: async_task(path, **kwargs))

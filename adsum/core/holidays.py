"""The university's own working days, from its file of bank holidays: data that is replaced, not code that is changed."""

from functools import cache
from pathlib import Path

from django.conf import settings

from adsum.core.working_days import WorkingDays, read


@cache
def working_days() -> WorkingDays:
    """Read once a process; a newer file is read at the next start."""
    return read(Path(settings.BANK_HOLIDAYS).read_text(encoding="utf-8"), settings.NATION)

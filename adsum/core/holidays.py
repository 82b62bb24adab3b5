"""The university's own working days, from its file of bank holidays: data that is replaced, not code that is changed."""

from functools import cache
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext_lazy

from adsum.core.working_days import WorkingDays, read

_BEYOND = gettext_lazy(
    "The file of bank holidays (%(file)s) ends on %(last)s, so working days after that cannot be counted. "
    "An administrator puts a newer file in its place."
)


@cache
def working_days() -> WorkingDays:
    """Read once a process; a newer file is read at the next start. Counting beyond its last day raises BeyondHolidays."""
    file = Path(settings.BANK_HOLIDAYS)
    return read(file.read_text(encoding="utf-8"), settings.NATION, file=file.name, beyond=_BEYOND)

"""Registers that wait to be completed, as lists show them."""

from collections.abc import Iterable
from datetime import date

from django.utils.timezone import localtime

from adsum.attendance.models import Register
from adsum.attendance.rules import TO_DEPARTMENT_AFTER
from adsum.core.holidays import working_days


class Task:
    """A register to complete, as lists show it."""

    def __init__(self, register: Register, today: date) -> None:
        self.register, self.session = register, register.session
        closed = localtime(register.closed_at).date()
        self.waited = working_days().passed(closed, today)
        self.passes_on = working_days().after(closed, TO_DEPARTMENT_AFTER)
        """The day it becomes the department's."""
        self.with_department = self.waited >= TO_DEPARTMENT_AFTER


def tasks(registers: Iterable[Register], today: date) -> list[Task]:
    """These registers as tasks (the queries of `to_complete`)."""
    return [Task(register, today) for register in registers]

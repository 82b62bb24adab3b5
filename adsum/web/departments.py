"""The choice of a department in the filter of a list. It offers only the departments of this person."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from adsum.accounts.models import Department
from adsum.accounts.rules import KEEPS_REGISTERS, Access


class DepartmentField(forms.ModelChoiceField):  # type: ignore[type-arg]
    """Every department, until `offer` says whose list it is."""

    def __init__(self, **more: Any) -> None:
        super().__init__(
            Department.objects.order_by("name"), required=False, label=_("Department"), empty_label=_("All departments"), **more
        )


def offer(form: forms.Form, access: Access, name: str = "department") -> None:
    """Leave only the departments whose registers this person keeps."""
    reach = access.departments(*KEEPS_REGISTERS)
    if reach is not None:
        form.fields[name].queryset = Department.objects.filter(pk__in=reach).order_by("name")  # type: ignore[attr-defined]

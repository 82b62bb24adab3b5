"""The part with which forms about one student begin: which student."""

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from adsum.accounts.models import Person


class AboutStudentForm(forms.Form):
    """The student by number, of those that the person looks after."""

    number = forms.CharField(
        label=gettext_lazy("Student number"),
        max_length=40,
        error_messages={"required": gettext_lazy("Type the student’s number.")},
    )

    def __init__(self, *args: Any, students: QuerySet[Person], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.students = students

    def clean_number(self) -> Person:
        found = list(self.students.filter(number=self.cleaned_data["number"].strip())[:2])
        if len(found) != 1:
            raise forms.ValidationError(_("No student of yours has this number. Check it, or find the student first."))
        return found[0]

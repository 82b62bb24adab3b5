"""Bringing in a file about people who are known: the form, and what came of it, the same on every such page."""

from collections.abc import Callable
from typing import Any, TypeVar

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from adsum.integrations.imports.problems import Refused
from adsum.web.middleware import PersonRequest

B = TypeVar("B")


class FileForm(forms.Form):
    """One file, and which columns it has."""

    file = forms.FileField(label=gettext_lazy("File"), error_messages={"required": gettext_lazy("Choose a file.")})

    def __init__(self, *args: Any, columns: str | Promise, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["file"].help_text = str(columns)


def file_form(request: PersonRequest, columns: str | Promise, *, sent: bool = True) -> FileForm:
    """The form, filled in where this request `sent` it."""
    given = (request.POST, request.FILES) if sent and request.method == "POST" else (None, None)
    return FileForm(*given, columns=columns)


def bring(form: FileForm, read: Callable[[bytes, str], B]) -> B | None:
    """What `read` makes of the file; None where there is none, or the form says why it cannot be used."""
    if not form.is_valid():
        return None
    file = form.cleaned_data["file"]
    try:
        return read(file.read(), file.name)
    except Refused as refused:
        form.add_error("file", refused.message)
        return None

"""Text that only a student's own key opens (`student_keys`): free words and special categories."""

import base64
from typing import TYPE_CHECKING, Any

from django.db import models

from adsum.core import student_keys
from adsum.core.declared import Keep
from adsum.core.signing import decrypt, encrypt

SEALED = "s1:"
"""What sealed text begins with in the database: the form, then the name of the key, then the text."""


def seal(text: str, person: int, keep: Keep) -> str:
    """`text`, readable as long as the person's key for that class is there."""
    name = student_keys.name_for(person, keep)
    made = encrypt(student_keys.key(name) or b"", text.encode(), about=name.encode())
    return f"{SEALED}{name}:{base64.b64encode(made).decode()}"


def reveal(kept: str) -> str:
    """What was sealed; empty once its key is destroyed. What stands there from before texts were sealed is itself."""
    if not kept.startswith(SEALED):
        return kept
    name, _colon, rest = kept.removeprefix(SEALED).partition(":")
    key = student_keys.key(name)
    opened = decrypt(key, base64.b64decode(rest), about=name.encode()) if key else None
    return opened.decode() if opened else ""


if TYPE_CHECKING:
    Text = models.TextField[str, str]
else:
    Text = models.TextField


class SealedText(Text):
    """A text that is sealed with the key of the person it is about. `person` is how a row leads to them, in attributes
    (`student_id`, `case.student_id`), `keep` the class. It can be read, and set by saving a row; never searched, nor changed by
    `update()`, except to be emptied."""

    def __init__(self, *args: Any, person: str, keep: Keep, **kwargs: Any) -> None:
        self.person, self.keep = person, Keep(keep)
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> tuple[str, str, Any, dict[str, Any]]:
        name, path, args, kwargs = super().deconstruct()
        return name, path, args, {**kwargs, "person": self.person, "keep": self.keep.value}

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        """Sealed as it is saved. The row in memory goes on with its words."""
        value = super().pre_save(model_instance, add)
        if not isinstance(value, str) or not value or value.startswith(SEALED):
            return value
        person: Any = model_instance
        for step in self.person.split("."):
            person = getattr(person, step)
        return seal(value, person, self.keep)

    def get_prep_value(self, value: Any) -> Any:
        """Raises ValueError for words that nobody sealed."""
        text = super().get_prep_value(value)
        if text and not text.startswith(SEALED):
            raise ValueError(f"{self.name} is sealed: save the row, and do not update or search it")
        return text

    def from_db_value(self, value: str | None, *_: Any) -> str | None:
        return reveal(value) if value else value

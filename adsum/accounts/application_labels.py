"""What each scope lets an application do, in the words that an administrator chooses by."""

from django.utils.translation import gettext_lazy as _

from adsum.accounts.application_rules import Scope

SCOPE_LABELS = {
    Scope.CLASSES_READ: _("Read classes: when, where, which groups, who teaches"),
    Scope.REGISTERS_READ: _("Read registers: who was expected, and each mark"),
    Scope.MARKS_WRITE: _("Make and change marks by hand"),
    Scope.STUDENTS_READ: _("Read students by name and number, and how much each attended"),
    Scope.CHANGES_READ: _("Read what changed, in order"),
    Scope.QUERIES_READ: _("Read queries: which, and how they stand; not what students wrote"),
    Scope.ABSENCES_READ: _("Read absences: when, and whether they are decided; never why"),
    Scope.CASES_READ: _("Read cases: how they stand; nothing that is written in them"),
    Scope.IMPORTS_WRITE: _("Bring timetables and rosters of the whole university in, for a person to apply"),
}

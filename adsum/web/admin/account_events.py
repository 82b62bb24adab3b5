"""What happened to a person's account, in words."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from adsum.web.oversight.happened import sentence_of
from adsum.web.role_labels import ROLES

VERBS = {
    "person.create": gettext_lazy("Added"),
    "person.change": gettext_lazy("Details changed"),
    "person.close": gettext_lazy("Account closed"),
    "person.reopen": gettext_lazy("Account opened again"),
    "person.sign_out": gettext_lazy("Every sign-in ended"),
    "person.password": gettext_lazy("Password set"),
    "person.link": gettext_lazy("University sign-in linked"),
    "person.unlink": gettext_lazy("University sign-in unlinked"),
    "person.totp": gettext_lazy("Second step set up"),
    "person.totp_removed": gettext_lazy("Second step removed"),
    "person.recovery_code": gettext_lazy("Recovery code used"),
    "role.grant": gettext_lazy("Role given: %(role)s"),
    "role.change": gettext_lazy("Role’s dates changed: %(role)s"),
    "role.end": gettext_lazy("Role ended: %(role)s"),
    "module.lead": gettext_lazy("Leads %(module)s"),
    "module.lead_end": gettext_lazy("No longer leads %(module)s"),
    "record.break_glass": gettext_lazy("Record opened from outside the usual relationship"),
    "record.break_glass_seen": gettext_lazy("The data-protection officer read of it"),
    "import.person.new": gettext_lazy("Came with an import"),
    "import.person.changed": gettext_lazy("Changed by an import"),
    "import.grant.new": gettext_lazy("Role given by an import: %(role)s"),
    "import.grant.changed": gettext_lazy("Role’s dates changed by an import: %(role)s"),
    "import.leader.new": gettext_lazy("Leads a module, by an import"),
    "import.leader.changed": gettext_lazy("Leads a module on other days, by an import"),
    "import.identifier.new": gettext_lazy("Number of another system added by an import"),
    "import.identifier.changed": gettext_lazy("Number of another system changed by an import"),
    "import.enrolment.new": gettext_lazy("On a course, by an import"),
    "import.enrolment.changed": gettext_lazy("Enrolment changed by an import"),
    "import.enrolment.gone": gettext_lazy("Enrolment that had not begun taken back by an import"),
    "import.group_staff.new": gettext_lazy("Teaches a group, by an import"),
    "import.group_staff.gone": gettext_lazy("No longer teaches a group, by an import"),
}


def happened(verb: str, detail: dict[str, Any]) -> str:
    """One event in words."""
    if verb not in VERBS:
        return sentence_of(verb)
    role = detail.get("role", "")
    return str(VERBS[verb]) % {"role": ROLES.get(role, role) or _("unknown"), "module": detail.get("code", "")}

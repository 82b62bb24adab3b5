"""Module leaders, given and ended by hand."""

from datetime import date, datetime

from django.utils.translation import gettext as _

from adsum.accounts.generation import raises_generation
from adsum.accounts.models import Person
from adsum.audit import services as audit_log
from adsum.core.errors import AdsumError
from adsum.timetable.models import Module, ModuleLeader


@raises_generation
def lead_module(
    module: Module, person: Person, *, starts_on: date | None, ends_on: date | None, by: Person, at: datetime
) -> ModuleLeader:
    """Make a person leader of a module, or change the dates of their leading; from then on it counts as given by hand.

    Raises AdsumError `known_already` when they lead it for just these days.
    """
    Person.objects.select_for_update().get(pk=person.pk)
    dates = {"starts_on": starts_on, "ends_on": ends_on}
    leader, created = ModuleLeader.objects.get_or_create(module=module, person=person, defaults=dates)
    if not created and (leader.starts_on, leader.ends_on) == (starts_on, ends_on):
        raise AdsumError("known_already", _("They lead this module already, for the same days."))
    if not created:
        leader.starts_on, leader.ends_on, leader.source = starts_on, ends_on, ""
        leader.save(update_fields=["starts_on", "ends_on", "source"])
    _record("module.lead", leader, module, by, at)
    return leader


@raises_generation
def end_leading(leader: ModuleLeader, *, last_day: date, by: Person, at: datetime) -> None:
    """End a person's leading of a module after `last_day`, still included. Raises AdsumError `ended` when it had ended."""
    if leader.ends_on is not None and leader.ends_on <= last_day:
        raise AdsumError("ended", _("That has ended already."))
    ModuleLeader.objects.filter(pk=leader.pk).update(ends_on=last_day)
    leader.ends_on = last_day
    _record("module.lead_end", leader, leader.module, by, at)


def _record(verb: str, leader: ModuleLeader, module: Module, by: Person, at: datetime) -> None:
    audit_log.record(
        actor=by.actor,
        verb=verb,
        subject=f"person:{leader.person_id}",
        at=at,
        module=module.pk,
        code=module.code,
        starts_on=str(leader.starts_on or ""),
        ends_on=str(leader.ends_on or ""),
    )

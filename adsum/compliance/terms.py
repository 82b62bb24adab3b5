"""What the university decided about sponsored students: which version applies, and how the next is made."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from adsum.attendance.counting import Days
from adsum.attendance.weighing import Act
from adsum.audit import services as audit_log
from adsum.compliance.editions import guidance, number
from adsum.compliance.guidance import Authority, Number
from adsum.compliance.models import RemotePermission, SponsorTerms, StudyVacation
from adsum.compliance.sponsor_rules import Level
from adsum.compliance.sponsor_terms import Beyond, Terms
from adsum.core.errors import AdsumError
from adsum.timetable.models import Course, Vacation

BEYOND: Mapping[Beyond, Promise] = {
    Beyond.CEILING: gettext_lazy("The limit must be between 1 and %(ceiling)s days, which is what guidance allows."),
    Beyond.LADDER: gettext_lazy("Steps are days between 1 and %(ceiling)s, which is what guidance allows."),
    Beyond.ROW: gettext_lazy("Contacts missed in a row: give both numbers, the first smaller than the second, or neither."),
    Beyond.APPROVAL: gettext_lazy("Compliance approves absences from 1 to 14 working days on."),
    Beyond.CAP: gettext_lazy("The yearly total must be between 1 and %(ceiling)s days."),
    Beyond.MONTH: gettext_lazy(
        "The monthly rule needs both percentages, the number of months and the paragraph it rests on. Leave all of them empty "
        "to keep it off."
    ),
    Beyond.RESEARCH: gettext_lazy("Contacts of research students: a number from 1 on, in a period of 7 to 92 days."),
    Beyond.NEVER: gettext_lazy("To tell of an absence is never a contact."),
}


def terms_in_force(on: date) -> Terms:
    """The terms of a day; the defaults where there are none (one query)."""
    row = SponsorTerms.objects.filter(valid_from__lte=on).order_by("-valid_from").first()
    return row.terms if row is not None else Terms()


@transaction.atomic
def set_terms(terms: Terms, *, valid_from: date, act: Act) -> SponsorTerms:
    """From that day on these are the university's own numbers. Raises AdsumError with a code of `Beyond` for what guidance in
    force on that day does not allow, `day_taken`, `no_edition`."""
    ceiling = guidance(Authority.UKVI, valid_from).whole(Number.NO_ENGAGEMENT_CEILING)
    if beyond := terms.wrong(ceiling):
        raise AdsumError(beyond, str(BEYOND[beyond]) % {"ceiling": ceiling})
    try:
        with transaction.atomic():
            made = SponsorTerms.objects.create(
                valid_from=valid_from, made_at=act.at, made_by=act.by, **SponsorTerms.columns(terms)
            )
    except IntegrityError:
        raise AdsumError("day_taken", _("Other terms begin on that day. Choose the next.")) from None
    audit_log.record(
        actor=act.by.actor, verb="sponsor_terms.make", subject=f"sponsor_terms:{made.pk}", at=act.at, since=str(valid_from)
    )
    return made


# Vacations


@dataclass(frozen=True, slots=True)
class Vacations:
    """The vacations of every course and level, read once."""

    university: tuple[Days, ...]
    of_course: Mapping[int, tuple[Days, ...]]
    of_level: Mapping[str, tuple[Days, ...]]

    def of(self, course: int | None, level: Level) -> tuple[Days, ...]:
        """Those of a student: of the course where it has its own, else of the level, else of the university. A research student
        has none: only approved leave."""
        if level == Level.RESEARCH:
            return ()
        own = self.of_course.get(course) if course is not None else None
        return own or self.of_level.get(level) or self.university


def vacations() -> Vacations:
    """All of them (two queries)."""
    university = tuple(Days(*days) for days in Vacation.objects.order_by("starts_on").values_list("starts_on", "ends_on"))
    of_course, of_level = defaultdict[int, list[Days]](list), defaultdict[str, list[Days]](list)
    standing = StudyVacation.objects.filter(withdrawn_at=None).order_by("starts_on")
    for course, level, first, last in standing.values_list("course", "level", "starts_on", "ends_on"):
        if course is not None:
            of_course[course].append(Days(first, last))
        else:
            of_level[level].append(Days(first, last))
    return Vacations(
        university, {key: tuple(days) for key, days in of_course.items()}, {key: tuple(days) for key, days in of_level.items()}
    )


@transaction.atomic
def enter_vacation(
    name: str, first: date, last: date, *, act: Act, course: Course | None = None, level: Level | None = None
) -> StudyVacation:
    """A vacation of one course or of one level. Raises AdsumError `backwards`, `whose`, `research`."""
    if last < first:
        raise AdsumError("backwards", _("The last day comes before the first. Correct one of the two days."))
    if (course is None) == (level is None):
        raise AdsumError("whose", _("Choose a course or a level, and not both."))
    if level == Level.RESEARCH:
        raise AdsumError("research", _("Research students have no vacations, only approved leave. Choose another level."))
    made = StudyVacation.objects.create(
        name=name, course=course, level=level or "", starts_on=first, ends_on=last, entered_at=act.at, entered_by=act.by
    )
    audit_log.record(actor=act.by.actor, verb="study_vacation.enter", subject=f"study_vacation:{made.pk}", at=act.at)
    return made


@transaction.atomic
def withdraw_vacation(vacation: StudyVacation, *, act: Act) -> None:
    """It was entered by mistake."""
    if StudyVacation.objects.filter(pk=vacation.pk, withdrawn_at=None).update(withdrawn_at=act.at, withdrawn_by=act.by):
        audit_log.record(actor=act.by.actor, verb="study_vacation.withdraw", subject=f"study_vacation:{vacation.pk}", at=act.at)


# Teaching remotely


@transaction.atomic
def permit_remote(
    course: Course, share: int, reference: str, *, since: date, act: Act, until: date | None = None
) -> RemotePermission:
    """The Home Office permits more remote teaching of a course. Raises AdsumError `beyond` for more than can be permitted."""
    most = number(Number.REMOTE_SHARE_PERMITTED, since)
    if not 0 < share <= most:
        raise AdsumError("beyond", _("At most %(most)s per cent can be permitted.") % {"most": f"{most.normalize():f}"})
    made = RemotePermission.objects.create(
        course=course, share=share, reference=reference.strip(), since=since, until=until, entered_at=act.at, entered_by=act.by
    )
    audit_log.record(
        actor=act.by.actor, verb="remote.permit", subject=f"course:{course.pk}", at=act.at, share=share, since=str(since)
    )
    return made


def permitted_shares(on: date) -> dict[int, int]:
    """By course, the share that is permitted on a day, where more is (one query)."""
    held = RemotePermission.objects.filter(Q(until=None) | Q(until__gte=on), since__lte=on).order_by("since", "pk")
    return dict(held.values_list("course", "share"))

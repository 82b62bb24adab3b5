"""Both clocks of sponsored students: of many on one day, and of one with everything that they rest on."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from adsum.compliance.clock import Clock, Gap, Pause, gaps, no_engagement
from adsum.compliance.editions import Guidance, guidance
from adsum.compliance.engaged import LOOKS_BACK, Contact, contacts_of, counting_days, last_engaged
from adsum.compliance.guidance import Authority, Number
from adsum.compliance.models import EditionNumber, SponsorProfile, SponsorTerms
from adsum.compliance.pauses import finished, pauses_of
from adsum.compliance.sponsor_rules import Arrival, Level
from adsum.compliance.sponsor_terms import Terms
from adsum.compliance.sponsorship import steps_of
from adsum.compliance.terms import Vacations, terms_in_force, vacations
from adsum.core.university import civil_date


@dataclass(frozen=True, slots=True)
class Rules:
    """What the clocks of one day run by: read once for everyone."""

    guidance: Guidance
    terms: Terms
    vacations: Vacations

    @classmethod
    def on(cls, day: date) -> "Rules":
        """Five queries. Raises AdsumError `no_edition`."""
        return cls(guidance(Authority.UKVI, day), terms_in_force(day), vacations())

    @property
    def ceiling(self) -> int:
        """What guidance allows, in calendar days."""
        return self.guidance.whole(Number.NO_ENGAGEMENT_CEILING)

    @property
    def limit(self) -> int:
        """What holds here: never more."""
        return self.terms.limit_under(self.ceiling)


def limits_up_to(on: date) -> list[tuple[date, int]]:
    """From which day each limit held, up to a day: by the editions of guidance and the university's own terms (two queries).
    Empty while no guidance is in force."""
    ceilings = EditionNumber.objects.filter(
        edition__authority=Authority.UKVI, edition__in_force_from__lte=on, key=Number.NO_ENGAGEMENT_CEILING
    )
    set_from = ceilings.values_list("edition__in_force_from", "value")
    allowed = [(first, int(value)) for first, value in set_from if first is not None]
    terms = SponsorTerms.objects.filter(valid_from__lte=on).order_by("valid_from")
    own = [(one.valid_from, one.terms) for one in terms]
    found = list[tuple[date, int]]()
    for day in sorted({first for first, _ in (*allowed, *own)}):
        ceiling = max(((first, most) for first, most in allowed if first <= day), default=None)
        held = next((what for first, what in reversed(own) if first <= day), Terms())
        if ceiling is not None:
            found.append((day, held.limit_under(ceiling[1])))
    return found


def begins(profile: SponsorProfile, enrolled_on: date | None) -> date:
    """The first day on which the university could have seen a student: of sponsorship, of the course, of enrolment."""
    return max(day for day in (profile.since, profile.course_starts_on, enrolled_on) if day is not None)


def clocks(profiles: Mapping[int, SponsorProfile], rules: Rules, *, at: datetime) -> dict[int, Clock]:
    """By student, both clocks of the civil day of `at` (at most fifteen queries). Those whose course has not begun, or is over
    for them, have none."""
    on = civil_date(at)
    enrolled = steps_of([one.cas_number for one in profiles.values()])
    began = {pk: begins(one, enrolled.get(one.cas_number, {}).get(Arrival.ENROLLED)) for pk, one in profiles.items()}
    over = finished(profiles, on)
    here = {pk: one for pk, one in profiles.items() if began[pk] <= on and over.get(pk, on) >= on}
    last = last_engaged(here, rules.terms.contacts, at=at)
    since = min((last.get(pk, began[pk]) for pk in here), default=on)
    still = pauses_of(here, since=since, until=on, terms=rules.terms, vacations=rules.vacations)
    return {
        pk: no_engagement(
            [last[pk]] if pk in last else (),
            still.get(pk, ()),
            rules.limit,
            on,
            begins=began[pk],
            ladder=rules.terms.ladder_of(Level(profile.level)),
        )
        for pk, profile in here.items()
    }


@dataclass(frozen=True, slots=True)
class Story:
    """The clocks of one student, and everything that they rest on."""

    clock: Clock
    began: date
    contacts: tuple[Contact, ...]
    days: tuple[date, ...]
    """On which a contact counted."""
    pauses: tuple[Pause, ...]
    gaps: tuple[Gap, ...]

    @property
    def longest(self) -> Gap:
        """The longest time without engagement by the calendar."""
        return max(self.gaps, key=lambda gap: gap.calendar_days)


def story_of(profile: SponsorProfile, rules: Rules, *, at: datetime) -> Story | None:
    """The same of one student, with their contacts and pauses, up to the day on which the course was over for them; None while
    it has not begun (at most seventeen queries)."""
    pk = profile.student_id
    on = min(civil_date(at), finished({pk: profile}, civil_date(at)).get(pk, date.max))
    began = begins(profile, steps_of([profile.cas_number]).get(profile.cas_number, {}).get(Arrival.ENROLLED))
    if began > on:
        return None
    found = contacts_of([pk], since=at - LOOKS_BACK, at=at).get(pk, [])
    days = counting_days(found, rules.terms.contacts)
    still = pauses_of({pk: profile}, since=began, until=on, terms=rules.terms, vacations=rules.vacations).get(pk, [])
    ladder = rules.terms.ladder_of(Level(profile.level))
    clock = no_engagement(days, still, rules.limit, on, begins=began, ladder=ladder)
    return Story(clock, began, tuple(found), tuple(days), tuple(sorted(still)), tuple(gaps(days, still, on, begins=began)))

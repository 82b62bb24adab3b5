"""Samples for an inspector: drawn at random, with the seed on record."""

import os
from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from adsum.accounts.models import Person
from adsum.audit import services as audit_log
from adsum.compliance.drawing import digest_of, drawn
from adsum.compliance.models import Sample, SampledStudent
from adsum.compliance.population import students_of
from adsum.compliance.scopes import Scope
from adsum.core.errors import AdsumError
from adsum.core.university import civil_date
from adsum.timetable.models import Course, Enrolment

MOST = 60
"""How many students one sample may have."""
KEPT_FOR = timedelta(days=7)
"""How long its packs can be fetched; after that they are made again."""


def population(scope: Scope, course: Course | None, *, at: datetime) -> QuerySet[Person]:
    """From whom a sample is drawn: everyone this authority asks about on that day, on a course where one is named."""
    on = civil_date(at)
    students = students_of(scope, on)
    if course is None:
        return students
    return students.filter(pk__in=Enrolment.objects.on(on).filter(course=course).values("person"))


@transaction.atomic
def draw_sample(
    scope: Scope, number: int, *, course: Course | None, as_of: datetime, by: Person, at: datetime, seed: str = ""
) -> Sample:
    """Draw students at random; their packs are made afterwards. `seed`: an inspector's own, otherwise a new one.

    Raises AdsumError `too_many`, `no_students`.
    """
    if not 1 <= number <= MOST:
        raise AdsumError("too_many", _("Draw between one and %(most)s students.") % {"most": MOST})
    people = {one.ref: one for one in population(scope, course, at=as_of)}
    if not people:
        raise AdsumError("no_students", _("There is no student to draw. Choose another day, or every course."))
    seed = seed.strip()[:64] or os.urandom(16).hex()
    sample = Sample.objects.create(
        scope=scope,
        as_of=as_of,
        course=course,
        seed=seed,
        population=len(people),
        population_digest=digest_of(people),
        drawn_at=at,
        drawn_by=by,
    )
    chosen = [people[ref] for ref in drawn(seed, people, number)]
    SampledStudent.objects.bulk_create(
        SampledStudent(sample=sample, student=one, place=place) for place, one in enumerate(chosen, 1)
    )
    audit_log.record(
        actor=by.actor,
        verb=f"sample_{scope}.draw",
        subject=f"sample:{sample.ref}",
        at=at,
        seed=seed,
        number=len(people),
        digest=sample.population_digest,
        students=[one.pk for one in chosen],
    )
    return sample


def wait(sample: Sample) -> None:
    """Its packs wait for a worker."""
    Sample.objects.filter(pk=sample.pk).update(state=Sample.State.WAITING, done=0)


def made(one: SampledStudent, fingerprint: str) -> None:
    """One of its packs is made."""
    SampledStudent.objects.filter(pk=one.pk).update(fingerprint=fingerprint)
    Sample.objects.filter(pk=one.sample_id).update(state=Sample.State.RUNNING, done=one.place)


def keep(sample: Sample, sealed: bytes) -> None:
    """All of them are made."""
    sample.state, sample.sealed = Sample.State.DONE, sealed
    sample.save(update_fields=["state", "sealed"])


def fail(sample: Sample) -> None:
    """They could not be made; trying again is up to a person."""
    Sample.objects.filter(pk=sample.pk).update(state=Sample.State.FAILED)


def empty_samples(*, at: datetime) -> int:
    """Empty the files of samples drawn some days ago; how many."""
    return Sample.objects.filter(drawn_at__lt=at - KEPT_FOR).exclude(sealed=b"").update(sealed=b"")


def empty_those_with(sampled: Collection[int], *, at: datetime) -> int:  # noqa: ARG001 (every verb that a declaration names takes it)
    """Empty the files of the samples in which these students stand, who are not known any more; how many."""
    named = SampledStudent.objects.filter(pk__in=sampled).values("sample")
    return Sample.objects.filter(pk__in=named).exclude(sealed=b"").update(sealed=b"")

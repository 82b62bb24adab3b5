"""The files of docs/samples fit the demo university: each comes in whole, by the timetabling team and without a question."""

from pathlib import Path
from typing import Any

import pytest

from adsum.accounts.models import Person
from adsum.integrations.imports import runs
from adsum.integrations.imports.mapping import PRESETS
from adsum.ops.demo import DOMAIN
from adsum.ops.demo.guide import personas
from adsum.ops.demo.load import load
from adsum.timetable.models import ClassSession, Enrolment, Place
from adsum.timetable.sources import Import
from tests.kit.demo import AT, SMALL
from tests.kit.feeds import check, noticed, only_unchanged, said

SAMPLES = Path(__file__).parents[3] / "docs" / "samples"
CALENDAR = {"mapping": PRESETS["plain"], "source": "plain"}


def bring(name: str, **options: Any) -> Import:
    """As the timetabling team brings it in."""
    run = check((SAMPLES / name).read_bytes(), at=AT, filename=name, **options)
    return runs.apply(run, at=AT, actor=personas()["timetabling"].actor)


@pytest.mark.django_db
def test_each_comes_in_whole_and_the_same_again_changes_nothing():
    load(at=AT, scale=SMALL)
    files: dict[str, dict[str, Any]] = {"roster.zip": {}, "enrolments.csv": {}, "events.csv": {}, "calendar.ics": CALENDAR}
    assert files.keys() == {path.name for path in SAMPLES.iterdir()} - {"README.md"}
    for name, options in files.items():
        run = bring(name, **options)
        assert (run.state, run.stop_reason, said(run)) == ("applied", "", [])
        assert noticed(run) == {}, name
    for name, options in files.items():
        assert only_unchanged(bring(name, **options)), name
    assert Place.objects.filter(source="samples").count() == 12
    names = Person.objects.filter(source="samples").values_list("username", flat=True)
    assert not [name for name in names if name.endswith(f"@{DOMAIN}")], "somebody in the whole demo may be called that"
    assert Enrolment.objects.filter(person__source="samples", tutor=personas()["tutor"]).count() == 5
    seminars = ClassSession.objects.filter(source="plain", source_id__startswith="smp102-seminar")
    assert seminars.count() == 10
    assert ClassSession.objects.filter(source__in=["events", "plain"], status="cancelled").count() == 2
    for persona, classes in (
        ("student", ClassSession.objects.expecting(personas()["student"])),
        ("lecturer", ClassSession.objects.taught_by(personas()["lecturer"])),
    ):
        assert classes.filter(source="events").count() == 2, persona

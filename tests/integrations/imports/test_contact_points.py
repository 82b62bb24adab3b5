"""contact_points.csv: what counts as contact and stands in no other table, once however often the file comes."""

import pytest

from adsum.accounts.rules import Role
from adsum.audit.models import Event
from adsum.engagement.contacts import last_contact
from adsum.engagement.models import ContactPoint
from adsum.integrations.imports.contact_points_csv import bring_contact_points
from tests.kit.world import NINE, World

pytestmark = pytest.mark.django_db
HEAD = "person,channel,on,id\n"


def test_a_file_that_comes_twice_is_kept_once(world: World):
    student, by = world.student(number="0012345"), world.person(Role.ATTENDANCE_TEAM)
    rows = "0012345,supervision,2026-11-16,S1\n0012345,vle,2026-11-20,\n0012345,Submission,2026-11-18,\n"
    first = bring_contact_points((HEAD + rows).encode(), "c.csv", by=by, at=NINE)
    again = bring_contact_points((HEAD + rows).encode(), "c.csv", by=by, at=NINE)
    assert (first.named, first.new, again.new, first.problems) == (3, 3, 0, ())
    assert last_contact([student.pk])[student.pk].isoformat() == "2026-11-18T12:00:00+00:00", "the VLE does not count"
    assert Event.objects.filter(verb="contact.import").count() == 1


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("0012345,class,2026-11-16,", "must be one of: supervision, submission, exam, vle"),
        ("0012345,exam,,", "on"),
        ("0012345,exam,2026-11-24,", "has not come yet"),
        ("99,exam,2026-11-16,", "99"),
    ],
)
def test_lines_that_cannot_be_used_say_why(world: World, row: str, says: str):
    world.student(number="0012345")
    brought = bring_contact_points(f"{HEAD}{row}\n".encode(), "c.csv", by=world.person(Role.ATTENDANCE_TEAM), at=NINE)
    assert (brought.new, ContactPoint.objects.count()) == (0, 0)
    assert [line for line, _why in brought.problems] == [2]
    assert says in brought.problems[0][1]

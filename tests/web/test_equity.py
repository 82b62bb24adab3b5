"""Equity of reminders: sums of a month that is over, none of fewer than ten students, and nothing about any one of them."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from adsum.accounts.models import Person
from adsum.accounts.rules import Role
from adsum.attendance.weighing import Act
from adsum.engagement.equity import bring_groups
from adsum.engagement.models import Alert, Told
from tests.kit.reading import text_of, words
from tests.kit.world import NINE, World

pytestmark = pytest.mark.django_db
LATER = NINE + timedelta(days=8)
PATH = "/office/equity/"


class Sums(World):
    """Sixty students, of whom some were reminded in November; looked at in December."""

    def __init__(self, client: Client) -> None:
        super().__init__()
        self.client, self.team = client, self.person(Role.ATTENDANCE_TEAM, name="Tia Team")
        self.students = [self.student(f"Ann Abel{n}") for n in range(60)]
        for one in self.students:
            self.enrol(one)

    def bring(self, **groups: list[str]) -> None:
        """For each characteristic, the groups of the students in their order; who comes after them is not known."""
        given = dict[int, dict[str, str]]()
        for name, values in groups.items():
            for one, value in zip(self.students, values, strict=False):
                given.setdefault(one.pk, {})[name] = value
        bring_groups(given, act=Act(self.person(Role.ADMINISTRATOR), NINE))

    def remind(self, *numbers: int) -> None:
        for n in numbers:
            one = self.students[n]
            alert = Alert.objects.create(student=one, stage=0, rule="0a", version=1, found_at=NINE, held_until=NINE, facts={})
            Told.objects.create(alert=alert, person=one, capacity="student", at=NINE)

    def page(self, who: Person | None = None, query: str = "") -> str:
        self.client.force_login(who or self.team)
        return words(self.client.get(f"{PATH}{query}").content.decode())


@pytest.fixture
def sums(client: Client, db: None) -> Iterator[Sums]:
    with time_machine.travel(LATER, tick=False):
        yield Sums(client)


def test_without_groups_the_page_says_so(sums: Sums) -> None:
    assert "No monitoring groups yet" in sums.page()


def test_a_month_by_group_in_numbers_of_ten_and_more(sums: Sums) -> None:
    sums.bring(Sex=["female"] * 30 + ["male"] * 30, Age=["under 21"] * 55 + ["21 and over"] * 5)
    sums.remind(*range(12), *range(30, 48))
    page = sums.page()
    assert "female 30 12 40.0%" in page
    assert "male 30 18 60.0%" in page
    assert "21 and over" not in page, "five students are no row of their own"
    assert "Smaller groups together" in page
    assert "All students 60 30 50.0%" in page
    assert "November 2026" in page
    assert "December 2026" not in page, "the month is not over"
    assert "Ann Abel" not in page
    assert str(sums.students[0].number) not in page
    assert "All students 60 not shown" in sums.page(query="?month=2026-10-01")
    assert "November 2026" in sums.page(query="?month=2026-12-01"), "a month that is not over is not to be had by its address"


def test_what_could_be_worked_out_is_left_out_as_well(sums: Sums) -> None:
    sums.bring(Sex=["female"] * 30 + ["male"] * 20)
    sums.remind(*range(15), *range(30, 33))
    page = sums.page()
    assert "female 30 not shown" in page, "else the three of the others could be worked out from the total"
    assert "male 20 not shown" in page


def test_it_costs_the_same_for_one_characteristic_and_three(sums: Sums) -> None:
    sums.remind(*range(12))
    counts = []
    for names in (["Sex"], ["Sex", "Age", "Ethnicity"]):
        sums.bring(**{name: ["one"] * 30 + ["other"] * 30 for name in names})
        sums.page()
        with CaptureQueriesContext(connection) as found:
            sums.client.get(PATH)
        counts.append(len(found))
    assert counts[0] == counts[1] <= 14


def test_neither_a_part_of_the_university_nor_a_tutor_sees_sums(sums: Sums) -> None:
    for role, department in ((Role.TUTOR, None), (Role.ATTENDANCE_TEAM, sums.department("HI", "History"))):
        sums.client.force_login(sums.person(role, department=department))
        assert sums.client.get(PATH).status_code == 404


def test_the_groups_come_in_a_file_of_which_no_line_is_shown(sums: Sums) -> None:
    sums.client.force_login(sums.person(Role.ADMINISTRATOR))
    number = sums.students[0].number
    file = SimpleUploadedFile("groups.csv", f"student,characteristic,group\n{number},Sex,female\nnobody,Sex,male\n".encode())
    page = text_of(sums.client.post("/office/monitoring-groups/", {"file": file}))
    assert "Groups of 1 student brought in" in page
    assert number not in page
    again = words(sums.client.get("/office/monitoring-groups/").content.decode())
    assert "1 student, 1 characteristic." in again
    assert number not in again

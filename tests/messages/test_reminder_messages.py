"""What reminders say: an offer of help first, our own evidence beside each class, what closes them, and no consequence before
stage 2 (docs/rules.md A 16)."""

import pytest
from django.utils.translation import override

from adsum.attendance.queries import raise_query
from adsum.attendance.rules import Status
from adsum.engagement.models import StageWording
from adsum.engagement.reminders import wordings_of
from adsum.messages.letter import Letter
from adsum.messages.models import Message
from adsum.messages.topics.registry import KINDS, letter_of
from adsum.messages.topics.reminders import OF_STAGE
from tests.kit.alerted import DAY, NIGHT, Missing, minute, night
from tests.kit.world import NINE

pytestmark = pytest.mark.django_db


@pytest.fixture
def missing(db: None) -> Missing:
    """Alice has had a friendly word about two classes; in one she has said that the mark is wrong."""
    made = Missing()
    made.week("PAAA+")
    made.week("+++++", monday=NINE + 7 * DAY)
    night(NINE + 3 * DAY + NIGHT)
    query = raise_query(made.classes[1], made.alice, at=NINE + 4 * DAY)
    query.state, query.answered_at, query.answered_by = "declined", NINE + 4 * DAY, made.ada
    query.save()
    minute(NINE + 7 * DAY)
    return made


def letter(missing: Missing, stage: int) -> Letter:
    """What Alice would read at that stage."""
    facts = {**Message.objects.get(kind="reminder_word").facts, "stage": stage, "notice": 5}
    return letter_of(OF_STAGE[stage], facts)


def said(letter: Letter) -> str:
    return " ".join([letter.subject, letter.opening, *(line for item in letter.items for line in item.lines), *letter.closing])


@pytest.mark.parametrize("stage", [0, 1, 2, 3])
def test_every_stage_begins_with_help_and_says_what_it_rests_on_how_to_answer_and_what_closes_it(missing: Missing, stage: int):
    read = letter(missing, stage)
    words = said(read)
    assert "help" in read.opening
    assert [item.title for item in read.items] == [
        "CS201 Algorithms, Tuesday 24 November, 09:00",
        "CS201 Algorithms, Wednesday 25 November, 09:00",
        "CS201 Algorithms, Thursday 26 November, 09:00",
    ]
    assert read.items[0].lines == ["Absent · C2.01", "27 November, 09:00: The student said the mark was wrong; declined."]
    assert read.items[0].path == f"/record/classes/{missing.classes[1].ref}/"
    assert "How this is worked out: 1 of 4 attended in the last 4 weeks of teaching (25%)" in words
    assert "choose “My mark is wrong”" in words
    assert "when you attend 3 of your next 4 classes, by 3 December" in words


@pytest.mark.parametrize(("stage", "named"), [(0, False), (1, False), (2, True), (3, True)])
def test_no_consequence_is_named_before_stage_two(missing: Missing, stage: int, named: bool):
    words = said(letter(missing, stage))
    assert ("panel" in words) is named
    assert ("withdrawn" in words) is (stage == 3)
    assert ("5 working days" in words) is (stage == 2)


def test_what_is_formal_is_followed_until_it_is_opened_and_only_the_friendly_word_can_be_muted():
    kinds = [KINDS[OF_STAGE[stage]] for stage in range(4)]
    assert [(kind.formal, kind.mutable) for kind in kinds] == [(False, True), (True, False), (True, False), (True, False)]
    assert not KINDS["reminder_wrong"].mutable


def test_a_correction_says_that_it_was_wrong_and_the_note_to_the_tutor_names_nobody(missing: Missing):
    at = NINE + 7 * DAY + DAY / 4
    missing.mark(missing.classes[2], Status.PRESENT, at=at)
    missing.mark(missing.classes[3], Status.PRESENT, at=at)
    minute(at + DAY / 1440)
    wrong = Message.objects.get(kind="reminder_wrong", person=missing.alice)
    assert "we are sorry" in letter_of(wrong.kind, wrong.facts).subject
    assert "nothing follows from it" in said(letter_of(wrong.kind, wrong.facts))
    for message in Message.objects.filter(person=missing.tutor):
        words = said(letter_of(message.kind, message.facts))
        assert "Alice" not in words
        assert "Abel" not in str(message.facts)
        assert "should not have been sent" in words or "had a reminder" in words or "friendly word" in words


def test_a_university_begins_with_its_own_words_in_the_languages_that_it_has_them_in(missing: Missing):
    facts = Message.objects.get(kind="reminder_word").facts
    own = {"en-gb": ["Hello, {name}", "You missed {classes} classes. {why}"]}
    read = letter_of("reminder_word", {**facts, "wording": own})
    assert (read.subject, read.opening[:21]) == ("Hello, Alice Abel", "You missed 3 classes.")
    assert len(read.items) == 3
    with override("cy"):
        assert letter_of("reminder_word", {**facts, "wording": own}).subject != read.subject


def test_the_words_are_those_of_the_version_that_found_it(missing: Missing):
    StageWording.objects.create(version=missing.version, stage=0, language="en-gb", subject="A word", body="We missed you.")
    assert [one.subject for one in wordings_of(missing.alert())] == ["A word"]

"""Who is told what of cases, meetings, concerns and questions about check-in: by verb, as a table, without a word of theirs."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from adsum.accounts.rules import Role
from adsum.engagement import cases, concerns, conduct, covering, meetings
from adsum.engagement.case_rules import Finding, MeetingState, Outcome, Readers, Stop, Worry
from adsum.engagement.models import CaseStep, Fallback
from adsum.messages.models import Message
from adsum.messages.telling import tell
from adsum.messages.topics import support
from tests.kit.casework import DAY, Story
from tests.kit.told import text, told
from tests.kit.world import NINE, World

pytestmark = pytest.mark.django_db
SAID = "Nobody outside may read this"
SOON = NINE + timedelta(minutes=5)


def referral(s: Story) -> Any:
    about = [conduct.About(s.world.session(s.group))]
    return conduct.refer_conduct(s.student, about, SAID, act=s.act(s.world.person(Role.ATTENDANCE_TEAM)))


def wellbeing(s: Story) -> Any:
    return covering.name_fallback(None, Fallback.Duty.WELLBEING, s.colleague, act=s.act(s.team))


def concern(s: Story) -> Any:
    return concerns.raise_concern(s.student, Worry.OTHER, SAID, act=s.act(s.team))


def agreed_off(s: Story, by: Any, became: MeetingState) -> Any:
    return meetings.settle_meeting(s.agreed(), became, act=s.act(by))


TIME = "Tuesday 1 December, 09:00"
OFFER = "A formal meeting about your attendance: please pick a time"
TOLD: list[tuple[str, Callable[[Story], Any], dict[str, list[str]]]] = [
    ("a case of another's opening", lambda s: s.case, {"tutor": ["A new case is with you"]}),
    ("handed over", lambda s: cases.hand_over(s.case, s.team, SAID, act=s.act()), {"team": ["A case was handed over to you"]}),
    ("a note", lambda s: cases.add_note(s.case, SAID, Readers.STUDENT, act=s.act()), {}),
    ("stopped", lambda s: cases.stop_clock(s.case, Stop.OTHER, SAID, act=s.act()), {}),
    ("a talk", lambda s: s.offered(formal=False), {"student": ["Shall we talk? Pick a time that suits you"]}),
    ("a formal meeting", lambda s: s.offered(), {"student": [OFFER]}),
    ("picked", lambda s: s.agreed(), {"student": [OFFER], "tutor": [f"Agreed: we meet on {TIME}"]}),
    (
        "the student cannot come",
        lambda s: agreed_off(s, s.student, MeetingState.REARRANGED),
        {"student": [OFFER], "tutor": [f"Agreed: we meet on {TIME}", f"Another time for the meeting: {TIME}"]},
    ),
    (
        "called off",
        lambda s: agreed_off(s, s.tutor, MeetingState.CALLED_OFF),
        {"student": [OFFER, f"The meeting is called off: {TIME}"], "tutor": [f"Agreed: we meet on {TIME}"]},
    ),
    ("closed", lambda s: s.closed(Outcome.RECOVERED), {"student": ["What we decided about your attendance"]}),
    (
        "appealed",
        lambda s: s.appealed(),
        {"student": ["What we decided about your attendance"], "team": ["An appeal is with you to decide"]},
    ),
    (
        "upheld",
        lambda s: cases.decide_appeal(s.appealed(), SAID, uphold=True, act=s.act(s.team)),
        {
            "student": ["What we decided about your attendance", "Your appeal is upheld: the outcome is taken back"],
            "team": ["An appeal is with you to decide"],
        },
    ),
    (
        "a concern",
        lambda s: [wellbeing(s), concern(s)],
        {"tutor": ["A teacher is concerned about a student"], "colleague": ["A teacher is concerned about a student"]},
    ),
    ("acknowledged", lambda s: concerns.acknowledge(concern(s), act=s.act()), {"team": ["Somebody has your concern in hand"]}),
    ("asked", referral, {"student": ["Can you tell us how a check-in of yours was?"]}),
    (
        "answered",
        lambda s: conduct.hear(referral(s), SAID, act=s.act(s.student)),
        {"team": ["A student has answered a question about check-in"]},
    ),
    (
        "decided",
        lambda s: conduct.decide_conduct(
            conduct.hear(referral(s), SAID, act=s.act(s.student)), Finding.NOTHING, SAID, act=s.act(s.team)
        ),
        {"student": ["The question about your check-in is decided"]},
    ),
]


@pytest.mark.parametrize(("deed", "subjects"), [one[1:] for one in TOLD], ids=[one[0] for one in TOLD])
def test_who_is_told_what(world: World, deed: Callable[[Story], Any], subjects: dict[str, list[str]]):
    story = Story(world)
    if "A new case is with you" not in str(subjects):
        CaseStep.objects.filter(case=story.case).update(by=story.tutor)  # who opened it is not told
    deed(story)
    tell(support.TOPIC, at=SOON)
    assert tell(support.TOPIC, at=SOON) == 0, "once"
    got = {name: told(getattr(story, name)) for name in ("student", "tutor", "team", "colleague")}
    assert {name: subjects_ for name, subjects_ in got.items() if subjects_} == subjects
    assert not any(SAID in text(one) or SAID in str(one.facts) for one in Message.objects.all())


def test_a_concern_that_was_passed_on_reaches_the_next_one(world: World):
    story = Story(world)
    concern(story)
    tell(support.TOPIC, at=SOON)
    assert concerns.pass_on_unacknowledged(at=NINE + 2 * DAY) == 0, "nobody else is there"
    story.world.person(Role.ADMINISTRATOR)
    concerns.pass_on_unacknowledged(at=NINE + 2 * DAY)
    tell(support.TOPIC, at=NINE + 2 * DAY)
    assert told(story.tutor)[-1] == "A teacher is concerned about a student"
    assert Message.objects.filter(kind=support.CONCERN).count() == 2

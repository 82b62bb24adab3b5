"""Every verb about cases leaves exactly one event, of the right actor, without a name and without a word of what was said."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from adsum.audit import services as audit
from adsum.audit.models import Event
from adsum.engagement import cases, concerns, conduct, contacts, covering, meetings
from adsum.engagement.case_rules import Channel, Finding, MeetingState, Outcome, Readers, Reply, Stop, Way, Worry
from adsum.engagement.models import Fallback
from tests.kit.casework import DAY, Story
from tests.kit.world import NINE, World

pytestmark = pytest.mark.django_db
SAID = "Nobody outside may read this"


def concern(s: Story) -> Any:
    return concerns.raise_concern(s.student, Worry.OTHER, SAID, act=s.act(s.colleague))


def referral(s: Story) -> Any:
    about = [conduct.About(s.world.session(s.group))]
    return conduct.refer_conduct(s.student, about, SAID, act=s.act(s.colleague))


def leave(s: Story) -> Any:
    return covering.take_leave(s.colleague, None, NINE.date(), NINE.date(), act=s.act(s.team))


Prepared = Callable[[Story], Any]
VERBS: dict[str, tuple[Prepared, Callable[[Story, Any], Any], str]] = {
    # event: what is made ready, what is done with it, by whom
    "case.noted": (lambda s: s.case, lambda s, c: cases.add_note(c, SAID, Readers.TEAM, act=s.act()), "tutor"),
    "case.planned": (lambda s: s.case, lambda s, c: cases.plan_step(c, SAID, NINE.date(), act=s.act()), "tutor"),
    "case.referred": (lambda s: s.case, lambda s, c: cases.refer(c, "Library", SAID, act=s.act()), "tutor"),
    "case.handed_over": (lambda s: s.case, lambda s, c: cases.hand_over(c, s.team, SAID, act=s.act()), "tutor"),
    "case.stopped": (lambda s: s.case, lambda s, c: cases.stop_clock(c, Stop.OTHER, SAID, act=s.act()), "tutor"),
    "case.restarted": (
        lambda s: cases.stop_clock(s.case, Stop.OTHER, SAID, act=s.act()),
        lambda s, c: cases.restart_clock(c, act=s.act()),
        "tutor",
    ),
    "case.closed": (lambda s: s.case, lambda s, c: cases.close_case(c, Outcome.WARNED, SAID, act=s.act()), "tutor"),
    "case.appealed": (lambda s: s.closed(), lambda s, c: cases.appeal(c, SAID, act=s.act(s.student)), "student"),
    "case.upheld": (lambda s: s.appealed(), lambda s, c: cases.decide_appeal(c, SAID, uphold=True, act=s.act(s.team)), "team"),
    "case.dismissed": (
        lambda s: s.appealed(),
        lambda s, c: cases.decide_appeal(c, SAID, uphold=False, act=s.act(s.team)),
        "team",
    ),
    "case.offered": (lambda s: None, lambda s, _: s.offered(about=SAID), "tutor"),
    "case.picked": (
        lambda s: s.offered(),
        lambda s, m: meetings.pick_slot(m, m.slots.first(), act=s.act(s.student)),
        "student",
    ),
    "case.met": (
        lambda s: s.agreed(),
        lambda s, m: meetings.settle_meeting(m, MeetingState.CAME, act=s.act(at=NINE + 9 * DAY)),
        "tutor",
    ),
    "contact.log": (
        lambda s: None,
        lambda s, _: contacts.log_contact(s.student, Way.CALL, Reply.SPOKE, act=s.act(), words=SAID),
        "tutor",
    ),
    "contact.record": (
        lambda s: None,
        lambda s, _: contacts.record_contact(s.student, Channel.EXAM, NINE, act=s.act()),
        "tutor",
    ),
    "concern.raise": (lambda s: None, lambda s, _: concern(s), "colleague"),
    "concern.acknowledge": (concern, lambda s, c: concerns.acknowledge(c, act=s.act()), "tutor"),
    "conduct.refer": (lambda s: None, lambda s, _: referral(s), "colleague"),
    "conduct.hear": (referral, lambda s, c: conduct.hear(c, SAID, act=s.act(s.student)), "student"),
    "conduct.decide": (
        lambda s: conduct.hear(referral(s), SAID, act=s.act(s.student)),
        lambda s, c: conduct.decide_conduct(c, Finding.NOTHING, SAID, act=s.act(s.team)),
        "team",
    ),
    "fallback.name": (
        lambda s: None,
        lambda s, _: covering.name_fallback(None, Fallback.Duty.CASES, s.colleague, act=s.act(s.team)),
        "team",
    ),
    "leave.take": (lambda s: None, lambda s, _: leave(s), "team"),
    "leave.end": (leave, lambda s, one: covering.end_leave(one, act=s.act(s.team)), "team"),
}


@pytest.mark.parametrize("verb", VERBS)
def test_it_leaves_one_event(world: World, verb: str):
    story = Story(world)
    prepare, do, by = VERBS[verb]
    ready = prepare(story)
    before = Event.objects.count()
    do(story, ready)
    left = list(Event.objects.order_by("pk")[before:])
    assert [(event.verb, event.actor) for event in left] == [(verb, audit.alias_of(getattr(story, by).pk))]
    written = json.dumps(list(Event.objects.values("subject", "detail")))
    assert SAID not in written
    assert not any(f'person:{one.pk}"' in written for one in (story.student, story.tutor, story.team, story.colleague))


def test_what_adsum_does_itself_leaves_events_too(world: World):
    story = Story(world)
    concern(story)
    covering.take_leave(story.tutor, story.colleague, NINE.date(), NINE.date(), act=story.act(story.team))
    concerns.pass_on_unacknowledged(at=NINE + 3 * DAY)
    own = Event.objects.filter(actor="system:cases").order_by("pk")
    assert [event.verb for event in own] == ["case.handed_over", "concern.pass_on", "concern.pass_on"]

"""When a student was last in contact, over every channel; who spoke to them."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from adsum.accounts.rules import Role
from adsum.attendance.models import Mark
from adsum.attendance.rules import Source, Status
from adsum.attendance.weighing import Act
from adsum.core.errors import AdsumError
from adsum.engagement.case_rules import Channel, MeetingState, Reply, Way
from adsum.engagement.cases import open_case
from adsum.engagement.contacts import answered, last_contact, log_contact, record_contact, spoken_to
from adsum.engagement.models import Meeting
from tests.kit.world import NINE, World

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
EARLIER = NINE - timedelta(days=2)


class Scene:
    def __init__(self, world: World) -> None:
        self.world, self.student = world, world.student()
        self.act = Act(world.person(Role.ATTENDANCE_TEAM), NINE)

    def marked(self, status: Status) -> None:
        session = self.world.session(starts_at=EARLIER)
        Mark.objects.create(
            session=session, student=self.student, status=status, source=Source.STAFF, at=EARLIER, changed_at=NINE
        )

    def met(self, state: MeetingState) -> None:
        case = open_case(self.student, because="x", act=self.act)
        Meeting.objects.create(
            case=case,
            host=self.act.by,
            about="x",
            place="x",
            offered_at=EARLIER,
            state=state,
            starts_at=EARLIER,
            ends_at=EARLIER + HOUR,
        )

    def logged(self, reply: Reply) -> None:
        log_contact(self.student, Way.CALL, reply, act=self.act._replace(at=EARLIER))

    def written(self, channel: Channel) -> None:
        record_contact(self.student, channel, EARLIER, act=self.act)


Prepared = Callable[[Scene], Any]
CONTACTS: list[tuple[str, Prepared, bool, bool]] = [
    # what happened, whether it is contact, whether somebody spoke to them
    ("present", lambda s: s.marked(Status.PRESENT), True, False),
    ("remote", lambda s: s.marked(Status.REMOTE), True, False),
    ("absent", lambda s: s.marked(Status.ABSENT), False, False),
    ("authorised", lambda s: s.marked(Status.AUTHORISED), False, False),
    ("came to a meeting", lambda s: s.met(MeetingState.CAME), True, True),
    ("did not come", lambda s: s.met(MeetingState.DID_NOT_COME), False, False),
    ("spoke on the telephone", lambda s: s.logged(Reply.SPOKE), True, True),
    ("wrote back", lambda s: s.logged(Reply.THEY_ANSWERED), True, False),
    ("no answer", lambda s: s.logged(Reply.NO_ANSWER), False, False),
    ("a mail was sent", lambda s: s.logged(Reply.SENT), False, False),
    ("supervision", lambda s: s.written(Channel.SUPERVISION), True, False),
    ("submission", lambda s: s.written(Channel.SUBMISSION), True, False),
    ("examination", lambda s: s.written(Channel.EXAM), True, False),
    ("opened a page of the VLE", lambda s: s.written(Channel.VLE), False, False),
]


@pytest.mark.parametrize(("prepare", "contact", "spoken"), [one[1:] for one in CONTACTS], ids=[one[0] for one in CONTACTS])
def test_what_counts_as_contact(world: World, prepare: Prepared, contact: bool, spoken: bool):
    scene = Scene(world)
    prepare(scene)
    pk = scene.student.pk
    assert last_contact([pk]) == ({pk: EARLIER} if contact else {})
    assert spoken_to([pk], NINE) == ({pk: EARLIER} if spoken else {})
    assert spoken_to([pk], EARLIER - HOUR) == {}


def test_the_latest_of_all_channels_wins_in_five_queries(world: World, django_assert_num_queries: Any):
    scene = Scene(world)
    scene.marked(Status.PRESENT)
    log_contact(scene.student, Way.EMAIL, Reply.THEY_ANSWERED, act=scene.act)
    other = world.student().pk
    with django_assert_num_queries(5):
        assert last_contact([scene.student.pk, other]) == {scene.student.pk: NINE}
    assert answered([scene.student.pk], NINE) == {scene.student.pk: NINE}
    assert last_contact([scene.student.pk], counts=[Channel.CLASS]) == {scene.student.pk: EARLIER}


@pytest.mark.parametrize(
    ("channel", "when", "code"), [(Channel.CLASS, EARLIER, "read_elsewhere"), (Channel.SUPERVISION, NINE + HOUR, "ahead")]
)
def test_what_cannot_be_written_down(world: World, channel: Channel, when: datetime, code: str):
    scene = Scene(world)
    with pytest.raises(AdsumError) as refused:
        record_contact(scene.student, channel, when, act=scene.act)
    assert refused.value.code == code

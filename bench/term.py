"""What the students of the benchmarks' university have when they come: a term behind them, and a sign-in, or a browser that is
remembered from an earlier day."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.contrib.sessions.backends.base import VALID_KEY_CHARS
from django.utils.crypto import get_random_string

if TYPE_CHECKING:
    from adsum.accounts.models import Person

WEEKS_BACK, WEEKLY = 4, 10
"""How many weeks of term there were, and how many classes a week each student has."""
BATCH = 2_000


def add_term(starts: datetime) -> None:
    """Weeks of classes before the class that begins now, with their marks, and a week of classes after it."""
    from adsum.attendance.models import Mark, Register
    from adsum.timetable.models import ClassSession, Group
    from bench.pages import insert

    through = ClassSession.groups.through
    group_of = dict(Group.objects.values_list("module", "pk"))
    made = []
    for module in group_of:
        for n in range((WEEKS_BACK + 1) * WEEKLY):
            at = starts + timedelta(weeks=n // WEEKLY - WEEKS_BACK, days=n % WEEKLY // 2, hours=2 + 2 * (n % 2))
            made.append(
                ClassSession(
                    module_id=module,
                    title=f"Week {n // WEEKLY + 1}",
                    kind="seminar",
                    starts_at=at,
                    ends_at=at + timedelta(hours=1),
                    starts_on=at.date(),
                )
            )
    ClassSession.objects.bulk_create(made, batch_size=BATCH)
    through.objects.bulk_create(
        [through(classsession_id=one.pk, group_id=group_of[one.module_id]) for one in made], batch_size=BATCH
    )
    Register.objects.bulk_create(
        [Register(session=one, state="closed", closed_at=one.ends_at) for one in made if one.ends_at < starts], batch_size=BATCH
    )
    each = (
        "adsum_classsession c JOIN adsum_register r ON r.session_id = c.id AND r.state = 'closed'"
        " JOIN adsum_classsession_groups g ON g.classsession_id = c.id JOIN adsum_place p ON p.group_id = g.group_id"
    )
    status = "CASE WHEN (c.id * 31 + p.person_id * 17) %% 100 < 84 THEN 'present' ELSE 'absent_unauthorised' END"
    seen = {"session": "c.id", "student": "p.person_id", "source": "'scan'", "at": "c.starts_at"}
    insert(Mark, {**seen, "status": status, "changed_at": "c.ends_at"}, each)


def signed_in(people: "Sequence[Person]", at: datetime) -> list[str]:
    """A sign-in of each person, begun at that moment, that belongs to their pass: the keys of their sessions."""
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore
    from django.contrib.sessions.models import Session

    from adsum.checkin.known import SIGN_IN
    from adsum.web.signin.lifetime import BEGAN, SEEN

    store, made = SessionStore(), []
    for person in people:
        kept = {
            SESSION_KEY: str(person.pk),
            BACKEND_SESSION_KEY: settings.AUTHENTICATION_BACKENDS[0],
            HASH_SESSION_KEY: person.get_session_auth_hash(),
            SIGN_IN: person.pk.to_bytes(16, "big").hex(),
            BEGAN: at.timestamp(),
            SEEN: at.timestamp(),
        }
        over = at + timedelta(seconds=settings.SIGNED_IN_FOR)
        made.append(
            Session(session_key=get_random_string(32, VALID_KEY_CHARS), session_data=store.encode(kept), expire_date=over)
        )
    Session.objects.bulk_create(made, batch_size=BATCH)
    return [one.session_key for one in made]


def remembered(people: "Sequence[Person]", at: datetime) -> list[tuple[str, str]]:
    """A browser of each person, known for checking in since then: its tag, and its proof."""
    from adsum.checkin.codes import Remembered, browser_name, seal_remembered
    from adsum.checkin.models import KnownBrowser
    from adsum.checkin.rules import milliseconds
    from adsum.core import keyring

    kid = keyring.current()
    key = keyring.keys_for("remembered/v1")[kid]
    made, proofs = [], []
    for person in people:
        tag, name = f"phone-{person.pk}", person.pk.to_bytes(16, "little")
        known = KnownBrowser(person=person, device=browser_name(tag).hex(), name=name.hex())
        known.remembered, known.strong, known.began_at, known.seen_at = True, False, at, at
        made.append(known)
        proofs.append((tag, seal_remembered(Remembered(person.pk, name, browser_name(tag), milliseconds(at)), key, kid)))
    KnownBrowser.objects.bulk_create(made, batch_size=BATCH)
    return proofs

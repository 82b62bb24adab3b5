"""A database made before readers had their place beside the event log, and before delivery had its words: every message and
every place is kept."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from adsum.attendance.rules import Reason, Status
from adsum.audit.models import Cursor, Processed
from adsum.messages.models import Message
from adsum.messages.telling import tell
from adsum.messages.topics import marks
from tests.kit.marking import mark_students
from tests.kit.told import FIVE, House
from tests.kit.world import NINE

MIGRATIONS = ("0033_cursors_and_kinds", "0037_words_of_delivery")
"""Those that changed what messages are kept in."""
NEW = {"version"}
RENAMED = {"read_at": "opened_at"}


def rows(model: Any) -> list[dict[str, Any]]:
    """What a database of then has, by the names of today."""
    found = [{RENAMED.get(name, name): value for name, value in row.items()} for row in model.objects.order_by("pk").values()]
    return [
        {name: "refused" if value == "failed" else value for name, value in row.items() if name not in NEW} for row in found
    ]


def steps() -> list[tuple[Any, Any]]:
    """Each migration with what stood before it."""
    loader = MigrationExecutor(connection).loader
    found = [loader.get_migration("adsum", name) for name in MIGRATIONS]
    return [(one, loader.project_state(next(key for key in one.dependencies if key[0] == "adsum"))) for one in found]


@pytest.mark.django_db(transaction=True)
def test_messages_and_places_of_readers_are_kept():
    house, hour = House(), timedelta(hours=1)
    house.past = house.session(house.l1, starts_at=NINE, staff=[house.ada])
    for status, at in ((Status.ABSENT, NINE), (Status.LATE, NINE + hour)):
        mark_students(house.past, [house.alice], status, by=house.ada, at=at, reason_code=Reason.SEEN_IN_CLASS)
    assert tell(marks.TOPIC, at=FIVE) == 1
    Message.objects.update(state="refused", problem="550 no such person", opened_at=FIVE)
    written = [rows(model) for model in (Message, Cursor, Processed)]
    assert all(written)

    for migration, state in reversed(steps()):
        with connection.schema_editor(atomic=False) as editor:
            migration.unapply(state.clone(), editor)
    old = steps()[0][1].apps
    before = [old.get_model("adsum", name) for name in ("Message", "Bookmark", "Told")]
    assert before[0].objects.get().state == "failed"
    assert [rows(model) for model in before] == written, "as it was before"
    for migration, state in steps():
        with connection.schema_editor(atomic=False) as editor:
            migration.apply(state.clone(), editor)

    assert [rows(model) for model in (Message, Cursor, Processed)] == written
    assert tell(marks.TOPIC, at=FIVE + hour) == 0, "nobody is told again"
    mark_students(house.past, [house.bob], Status.ABSENT, by=house.ada, at=FIVE)
    mark_students(house.past, [house.bob], Status.LATE, by=house.ada, at=FIVE, reason_code=Reason.SEEN_IN_CLASS)
    assert tell(marks.TOPIC, at=FIVE + 3 * hour) == 1, "and whoever comes next is"

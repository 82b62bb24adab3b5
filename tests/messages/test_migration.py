"""A database made before readers had their place beside the event log: every message and every place is kept."""

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

BEFORE, MIGRATION = ("adsum", "0032_scans_of_other_browsers"), ("adsum", "0033_cursors_and_kinds")


def rows(model: Any) -> list[dict[str, Any]]:
    return list(model.objects.order_by("pk").values())


@pytest.mark.django_db(transaction=True)
def test_messages_and_places_of_readers_are_kept():
    house, hour = House(), timedelta(hours=1)
    house.past = house.session(house.l1, starts_at=NINE, staff=[house.ada])
    for status, at in ((Status.ABSENT, NINE), (Status.LATE, NINE + hour)):
        mark_students(house.past, [house.alice], status, by=house.ada, at=at, reason_code=Reason.SEEN_IN_CLASS)
    assert tell(marks.TOPIC, at=FIVE) == 1
    written = [rows(model) for model in (Message, Cursor, Processed)]
    assert all(written)

    loader = MigrationExecutor(connection).loader
    migration, old = loader.get_migration(*MIGRATION), loader.project_state(BEFORE)
    with connection.schema_editor(atomic=False) as editor:
        migration.unapply(old.clone(), editor)
    names = ("Message", "Bookmark", "Told")
    assert [rows(old.apps.get_model("adsum", name)) for name in names] == written, "as it was before"
    with connection.schema_editor(atomic=False) as editor:
        migration.apply(old.clone(), editor)

    assert [rows(model) for model in (Message, Cursor, Processed)] == written
    assert tell(marks.TOPIC, at=FIVE + hour) == 0, "nobody is told again"
    mark_students(house.past, [house.bob], Status.ABSENT, by=house.ada, at=FIVE)
    mark_students(house.past, [house.bob], Status.LATE, by=house.ada, at=FIVE, reason_code=Reason.SEEN_IN_CLASS)
    assert tell(marks.TOPIC, at=FIVE + 3 * hour) == 1, "and whoever comes next is"

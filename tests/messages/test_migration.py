"""A database made before readers had their place beside the event log, and before delivery had its words: every message and
every place is kept."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TRIED = """
import django
django.setup()
from datetime import UTC, datetime, timedelta
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

NINE = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
old = MigrationExecutor(connection).migrate([("adsum", "0032_scans_of_other_browsers")]).apps
reader = old.get_model("adsum", "Person").objects.create(username="a@uni.example", family_name="Abel")
letters = {"waiting": None, "sent": NINE, "failed": None, "lapsed": None}
for state, sent_at in letters.items():
    old.get_model("adsum", "Message").objects.create(
        person=reader, kind="mark_changes", key=state, facts={"marks": []}, language="cy", created_at=NINE, due_at=NINE,
        useful_until=NINE + timedelta(days=1), state=state, sent_at=sent_at, read_at=NINE,
    )
old.get_model("adsum", "Bookmark").objects.create(source="mark_change", row=7)
old.get_model("adsum", "Told").objects.create(source="mark_change", row=9, at=NINE)
call_command("migrate", verbosity=0)

from adsum.audit.models import Cursor, Processed
from adsum.messages.models import Message
for one in Message.objects.order_by("pk"):
    assert (one.sent_at, one.opened_at) == (letters[one.key], NINE)
    print(one.key, one.state, one.version, one.language)
print(*Cursor.objects.values_list("source", "row"), *Processed.objects.values_list("source", "row"))
"""
KEPT = """\
waiting waiting 1 cy
sent sent 1 cy
failed refused 1 cy
lapsed lapsed 1 cy
('mark_change', 7) ('mark_change', 9)
"""


@pytest.mark.once
def test_messages_and_places_of_readers_are_kept(tmp_path: Path):
    environment = {"PYTHONPATH": str(ROOT), "DJANGO_SETTINGS_MODULE": "adsum.settings", "ADSUM_DATA": str(tmp_path)}
    tried = [sys.executable, "-c", TRIED]
    done = subprocess.run(tried, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout == KEPT

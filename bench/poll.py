"""One poll of one feed in a process of its own, for `bench.imports`: `python -m bench.poll ADDRESS`."""

import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "adsum.settings")
django.setup()

from datetime import UTC, datetime  # noqa: E402

from adsum.integrations.imports import feeds as polling  # noqa: E402
from adsum.timetable.services import Polling, save_mapping  # noqa: E402

at = datetime.now(UTC)
how = Polling(format="events", every_minutes=60)
feed = save_mapping(name="bench", url=sys.argv[1], mapping={}, actor="system:bench", at=at, polling=how)
poll = polling.poll(feed.pk, at=at, chance=0)
if poll is None or poll.outcome != "applied":
    sys.exit(f"not applied: {poll and poll.message}")

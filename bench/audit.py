"""What the event log costs as it grows: python -m bench.audit [millions] [sqlite|postgresql]

Processor time of this process, so that other work on the machine does not count; PostgreSQL's own comes on top of it.

Events are inserted as check-ins insert them, in batches, and sealed. For each tenth: what inserting and sealing an event cost
within it (a flat log costs the same in the tenth as in the first), and at the end a complete verification, and a proof. The
disk is this machine's; PostgreSQL runs with fsync on, SQLite with synchronous=FULL.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

from tests.kit.postgres import Cluster

BATCH = 10_000


def grow(millions: float) -> None:
    """In a process of its own, with the database of the environment."""
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection, transaction

    from adsum.audit import services, tree
    from adsum.audit.models import Checkpoint
    from adsum.audit.verification import verify

    call_command("migrate", verbosity=0)
    at, wrote, sealed, written = datetime.now(UTC), 0.0, 0.0, 0
    step = max(BATCH, int(millions * 100_000) // BATCH * BATCH)
    tokens = [services.alias_of(pk) for pk in range(1, 2_001)]
    column = "%s::jsonb" if connection.vendor == "postgresql" else "%s"
    insert = f"INSERT INTO adsum_event (at, actor, verb, subject, detail) VALUES (%s, %s, %s, %s, {column})"
    for done in range(BATCH, int(millions * 1_000_000) + 1, BATCH):
        at += timedelta(seconds=10)
        rows = [
            (
                at,
                tokens[(done + n * 7) % 2_000],
                "scan.accept",
                f"session:{(done + n) // 60}",
                json.dumps({"scan": f"{done + n:032x}", "before": "", "after": "present"}),
            )
            for n in range(BATCH)
        ]
        began = time.process_time()
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.executemany(insert, rows)
        middle = time.process_time()
        services.seal(at=at)
        wrote, sealed, written = wrote + middle - began, sealed + time.process_time() - middle, written + BATCH
        if done % step == 0:
            print(
                f"{done:>12,} events: insert {wrote / written * 1e6:6.1f} µs, seal {sealed / written * 1e6:6.1f} µs each",
                flush=True,
            )
            wrote, sealed, written = 0.0, 0.0, 0
    began = time.process_time()
    size = Checkpoint.objects.latest("size").size
    steps = tree.Tree().inclusion(size // 3, size)
    print(f"a proof of {len(steps)} steps: {(time.process_time() - began) * 1000:.1f} ms", flush=True)
    began = time.process_time()
    result = verify()
    took = time.process_time() - began
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(
        f"verified {result.size:,} in {took:.0f} s: {took / result.size * 1e6:.0f} s a million; {result.finding}; {memory} MB",
        flush=True,
    )


def main(arguments: list[str]) -> None:
    millions = next((word for word in arguments if word.replace(".", "").isdigit()), "1")
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="adsum-bench-"))
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ADSUM_")}
        environment |= {"ADSUM_DATA": folder, "ADSUM_DATABASE_URL": "", "DJANGO_SETTINGS_MODULE": "adsum.settings"}
        if "postgresql" in arguments:
            environment["ADSUM_DATABASE_URL"] = stack.enter_context(Cluster(durable=True)).url
        command = ["nice", "-n", "15", sys.executable, "-m", "bench.audit", "--grow", millions]
        subprocess.run(command, env=environment, check=True, stdin=subprocess.DEVNULL)


if __name__ == "__main__":
    if "--grow" in sys.argv:
        grow(float(sys.argv[-1]))
    else:
        main(sys.argv[1:])

"""python -m bench.duties [--students 2000] [--seed N]

Every difference is printed, and makes the command fail. It needs about an hour on two cores.
"""

import argparse
import os
import secrets
import tempfile
import time
from collections import Counter
from datetime import date


def main() -> None:
    """Live through it in a database that is gone afterwards."""
    given = argparse.ArgumentParser(prog="python -m bench.duties")
    given.add_argument("--students", type=int, default=2_000)
    given.add_argument("--seed", type=int, default=None)
    given.add_argument("--last", type=date.fromisoformat, default=None, help="the last day, if not the whole year")
    wanted = given.parse_args()
    seed = secrets.randbelow(1_000_000) if wanted.seed is None else wanted.seed
    with tempfile.TemporaryDirectory(prefix="adsum-duties-") as folder:
        os.environ |= {
            "ADSUM_DATA": folder,
            "ADSUM_DATABASE_URL": "",
            "ADSUM_NATION": "scotland",
            "DJANGO_SETTINGS_MODULE": "adsum.settings",
        }
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        call_command("createcachetable", verbosity=0)
        from bench.duties.compare import compare, said
        from bench.duties.oracle import expected
        from bench.duties.play import Year
        from bench.duties.truths import LAST, students

        last = wanted.last or LAST
        truths = students(wanted.students, last, seed)
        began = time.monotonic()

        def step(day: date) -> None:
            if day.weekday() == 0:
                print(f"{day}  {time.monotonic() - began:6.0f} s", flush=True)

        year = Year(truths, last)
        year.live(step)
        took = time.monotonic() - began
        right = expected(truths, last)
        wrong = compare(right, year.opened())
    print(f"seed {seed}: {len(truths)} students up to {last}, {took:.0f} s, load average {os.getloadavg()[0]:.1f}")
    for kind, count in sorted(Counter(one.kind for one in right).items()):
        print(f"  {kind:20} {count:5}")
    print(f"  triggers on a Sunday {sum(one.trigger.weekday() == 6 for one in right):5}")
    for line in said(wrong, truths):
        print(line)
    print(f"{len(right)} duties, missed {len(wrong.missed)}, invented {len(wrong.invented)}")
    raise SystemExit(bool(wrong.missed or wrong.invented))


if __name__ == "__main__":
    main()

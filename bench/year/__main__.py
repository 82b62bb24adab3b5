"""python -m bench.year [--students 2000] [--weeks 24] [--seed N] [--write] [--rules RUNS]

`make year` writes the tables into docs/fairness.md. Without a seed a fresh one is drawn, so that no rule can be made to fit it;
it is printed, and with it the year can be lived again.
"""

import argparse
import os
import re
import secrets
import tempfile
import time
from datetime import date
from pathlib import Path

STUDENTS, WEEKS = 2_000, 24
DOCUMENT = Path(__file__).parents[2] / "docs" / "fairness.md"


def written(text: str, name: str, table: str) -> str:
    """A document with what stands between two marks replaced. Raises ValueError where they are missing."""
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    made, count = re.subn(f"{begin}.*?{end}", lambda _: f"{begin}\n{table}\n{end}", text, flags=re.DOTALL)
    if count != 1:
        raise ValueError(f"{begin} and {end} are not there once")
    return made


def main() -> None:
    """Live through it in a database that is gone afterwards."""
    given = argparse.ArgumentParser(prog="python -m bench.year")
    given.add_argument("--students", type=int, default=STUDENTS)
    given.add_argument("--weeks", type=int, default=WEEKS)
    given.add_argument("--seed", type=int, default=None)
    given.add_argument("--write", action="store_true", help="write the tables into docs/fairness.md")
    given.add_argument("--rules", type=int, default=0, help="only compare versions of the rules, on so many years")
    wanted = given.parse_args()
    if wanted.students < 60 or not 4 <= wanted.weeks <= WEEKS:
        given.error(f"a year has at least 60 students, and 4 to {WEEKS} weeks")
    seed = secrets.randbelow(1_000_000) if wanted.seed is None else wanted.seed
    with tempfile.TemporaryDirectory(prefix="adsum-year-") as folder:
        os.environ |= {"ADSUM_DATA": folder, "ADSUM_DATABASE_URL": "", "DJANGO_SETTINGS_MODULE": "adsum.settings"}
        import django
        from django.core.management import call_command

        django.setup()
        if wanted.rules:
            from bench.year.replayed import compare

            compare(wanted.students, [seed + n for n in range(wanted.rules)])
            return
        call_command("migrate", verbosity=0)
        call_command("createcachetable", verbosity=0)
        from bench.year.figures import assumptions, measure, tables
        from bench.year.play import Year

        began = time.monotonic()

        def step(day: date) -> None:
            if day.weekday() == 0:
                print(f"{day}  {time.monotonic() - began:6.0f} s", flush=True)

        year = Year(students=wanted.students, weeks=wanted.weeks, seed=seed)
        year.live(step)
        found = tables(measure(year), seed=seed, weeks=wanted.weeks)
    print(found)
    print(f"{time.monotonic() - began:.0f} s, load average {os.getloadavg()[0]:.1f}")
    if wanted.write:
        text = written(DOCUMENT.read_text(), "what the year showed", found)
        DOCUMENT.write_text(written(text, "what the year is made of", assumptions()))


if __name__ == "__main__":
    main()

"""`adsum audit reconcile`: marks, their history, roles and looks, compared with the event log both ways."""

import os
import sys
from datetime import datetime, timedelta
from time import monotonic

from django.db import DatabaseError
from django.utils.formats import date_format

from adsum.accounts.reconciliation import compare_roles, note_found
from adsum.attendance.reconciliation import compare_marks, last_step
from adsum.audit import reconciliation as log
from adsum.audit.encoding import Difference, Differs
from adsum.audit.reconciliation import Compared
from adsum.audit.services import record_reconciliation
from adsum.core.turns import snapshot
from adsum.ops.cli import BY

SMALL = 2_000_000
"""A log of so many events is gone through every day: a few minutes."""
WHOLE_EVERY = timedelta(days=6, hours=12)
"""A larger log is gone through once a week, and on other days from where the last time ended."""
WORDS = {
    Differs.UNRECORDED: "Row {row} of {table} ({about}) has no event: it was put there past Adsum.",
    Differs.DIFFERENT: "Row {row} of {table} ({about}) differs from event {event}.",
    Differs.LOST: "The row of event {event} ({about}) is gone from {table}.",
    Differs.OUT_OF_ORDER: "Row {row} of {table} ({about}) is not where event {event} puts it: steps were reordered.",
    Differs.MISCOUNTED: "The number of rows in {table} ({about}) is not the one that the log knows.",
}
WITHOUT_EVENT = {
    Differs.DIFFERENT: "Row {row} of {table} ({about}) differs from the last step of its history.",
    Differs.LOST: "A row is gone from {table} that its history knows ({about}).",
}
OF_LOOKS = {
    Differs.DIFFERENT: "The looks of {about} are not those that event {event} sealed: one was altered.",
    Differs.MISCOUNTED: "The looks of {about} are not as many as event {event} sealed.",
    Differs.LOST: "With what the looks of {about} were sealed is gone from {table}: event {event} cannot be compared.",
}
NAMES = {
    "marks": "{n:,} marks",
    "steps": "{n:,} steps of their history",
    "roles": "{n:,} roles",
    "looks": "{n:,} looks of days that are sealed",
}


def since_when(at: datetime) -> tuple[int, int] | None:
    """The event and step after which a daily comparison begins; None when it is to be of everything: once a week, while the
    log is small, and as long as something differs."""
    last, whole = log.last_reconciliation(), log.last_reconciliation(whole=True)
    if last is None or last.differs or last.last_event <= SMALL or whole is None or at - whole.at >= WHOLE_EVERY:
        return None
    return last.last_event, last.last_step


def reconcile(at: datetime, *, recent: bool = False) -> int:
    """Compare, print the result and keep it; 1 when something differs."""
    if recent:
        os.nice(10)  # no one waits for it
    by = "system:reconciliation" if recent else BY
    began, since, compared = monotonic(), since_when(at) if recent else None, Compared()
    refusals = set[str]()
    try:
        note_found(by=by, at=at)
    except DatabaseError as refused:  # a role that may only read, on another machine
        refusals.add(str(refused).strip())
    with snapshot():
        begin, people = log.begin(), log.who_is_who()
        event, step = log.last_event(), last_step()
        compare_marks(compared, people, since=since)
        compare_roles(compared, people)
        log.compare_looks(compared, whole=since is None, at=at)
    seconds = monotonic() - began
    print(f"{sentence(compared, whole=since is None)} ({seconds:.1f} s)")
    if begin is not None:
        print(f"Rows have had digests since event {begin.pk:,} of {date_format(begin.at, 'j F Y')}.")
    if not people and event:
        print("No alias opens with the keys of this machine: what was done was compared, but not by whom and of whom.")
    try:
        record_reconciliation(compared, whole=since is None, last_event=event, last_step=step, seconds=seconds, by=by, at=at)
    except DatabaseError as refused:
        refusals.add(str(refused).strip())
    if refusals:
        print(f"The outcome could not be kept for the auditors’ page: {' '.join(sorted(refusals))}.", file=sys.stderr)
    return int(compared.difference is not None)


def sentence(compared: Compared, *, whole: bool) -> str:
    """What a comparison found, for the command line."""
    if compared.difference:
        return said(compared.difference)
    counts = compared.counts
    kinds = [words.format(n=counts.get(kind, 0)) for kind, words in NAMES.items()]
    text = f"Good: {', '.join(kinds[:-1])} and {kinds[-1]} are what the log says"
    text += "." if whole else ", in every class that something happened in since the last time."
    if erased := counts.get("erased"):
        text += f" {erased:,} rows are of people who were erased: that they are theirs, nobody can say."
    if old := counts.get(log.WITHOUT_EVENT):
        text += f" {old:,} steps from before the log kept digests have no event of their own, and were only counted."
    return text


def said(difference: Difference) -> str:
    """The first difference, in words."""
    words = WORDS[difference.differs]
    if difference.table in {"adsum_accesslog", "adsum_lookseal"}:
        words = OF_LOOKS.get(difference.differs, words)
    elif difference.event is None:
        words = WITHOUT_EVENT.get(difference.differs, words)
    return words.format(**difference._asdict())

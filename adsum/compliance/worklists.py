"""The portal's worklist: brought in, matched, and given back with our codes. And its layout, which an administrator makes
once."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from typing import NamedTuple

from django.db import transaction
from django.utils.translation import gettext as _

from adsum.attendance.weighing import Act
from adsum.audit import services as audit_log
from adsum.compliance.confirmations import went_out
from adsum.compliance.funding import money
from adsum.compliance.models import Confirmation, Funding, LiabilityPoint, TheirWorklist, WorklistLayout, WorklistRow
from adsum.compliance.round_trip import MOST_BYTES, MOST_RECORDS, Layout, Line, Unreadable, changed_elsewhere, fill, read
from adsum.compliance.sample_worklist import made_up
from adsum.compliance.slc_codes import AttendanceCode, ConfirmationState, Finding
from adsum.compliance.suggestions import funded_at
from adsum.core.errors import AdsumError
from adsum.core.vault import reveal_bytes, seal_bytes

PURPOSE = "slc-worklist/v1"


def unreadable(why: Unreadable) -> AdsumError:
    """What is wrong with a file, and what to do."""
    words = {
        "too_large": _("The file is larger than %(limit)s MB. Export a part of the worklist at a time."),
        "too_many": _("The file has more than %(most)s students. Export a part of the worklist at a time."),
        "not_text": _("The file is no text. Export the worklist from the portal once more."),
        "no_records": _("The file has no students. Check how many records the layout leaves out at its beginning and end."),
        "short_record": _("Record %(record)s has only %(found)s columns. Check the layout, or export the worklist once more."),
        "quotes": _("The quotation marks of record %(record)s do not match. Export the worklist from the portal once more."),
        "long_record": _("Record %(record)s is too long to be a student. Check which character separates the columns."),
        "no_column": _("The layout names no column for this liability point. An administrator adds it."),
    }
    values = {"record": why.record, "found": why.found, "limit": MOST_BYTES // 2**20, "most": f"{MOST_RECORDS:,}"}
    return AdsumError(why.code, words[why.code] % values)


# The layout


def layout_in_force() -> WorklistLayout | None:
    """The layout that an administrator made; None before (one query)."""
    return WorklistLayout.objects.filter(ended_at=None).select_related("made_by").order_by("-pk").first()


def layout_of(row: WorklistLayout) -> Layout:
    """The same for reading."""
    return Layout(
        row.delimiter,
        row.ssn_column,
        tuple(row.code_columns),
        row.course_column or 0,
        row.fee_column or 0,
        row.heads,
        row.feet,
        row.encoding,
    )


class Trial(NamedTuple):
    """How a layout does on a file of our own making: the same lines before and after, as text."""

    before: Sequence[str]
    after: Sequence[str]
    students: int


def try_layout(layout: Layout) -> Trial:
    """Try a layout on a file that we make up. Raises AdsumError where it cannot be used."""
    if layout.wrong() is not None:
        raise AdsumError("layout", _("Check the columns: each is a number from 1 to 200, and none is used twice."))
    content = made_up(layout)
    try:
        found = read(content, layout)
        codes = {line.record: "A" for line in found.lines}
        filled = fill(found, layout, 1, codes)
        wrong = changed_elsewhere(content, filled, layout, 1)
    except Unreadable as why:
        raise unreadable(why) from None
    if wrong:
        raise AdsumError("layout", _("With this layout other columns would change. Check the columns."))
    before, after = (one.decode(layout.encoding).splitlines() for one in (content, filled))
    return Trial(before, after, len(found.lines))


@transaction.atomic
def make_layout(layout: Layout, *, act: Act) -> WorklistLayout:
    """Put a layout in force, once it has passed its trial. Raises AdsumError `layout`."""
    try_layout(layout)
    WorklistLayout.objects.filter(ended_at=None).update(ended_at=act.at)
    made = WorklistLayout.objects.create(
        made_at=act.at,
        made_by=act.by,
        encoding=layout.encoding,
        delimiter=layout.delimiter,
        heads=layout.heads,
        feet=layout.feet,
        ssn_column=layout.ssn,
        course_column=layout.course or None,
        fee_column=layout.fee or None,
        code_columns=list(layout.codes),
    )
    audit_log.record(actor=act.by.actor, verb="worklist.layout", subject=f"layout:{made.pk}", at=act.at, **asdict(layout))
    return made


# In


@transaction.atomic
def bring_worklist(point: LiabilityPoint, content: bytes, name: str, *, act: Act) -> TheirWorklist:
    """Bring in a worklist as the portal exported it. Raises AdsumError `no_layout`, `known` for a file that is here already,
    and what is wrong with it."""
    row = layout_in_force()
    if row is None:
        raise AdsumError("no_layout", _("An administrator first says where the columns of the portal's file are."))
    digest = sha256(content).hexdigest()
    if TheirWorklist.objects.filter(point=point, digest=digest).exists():
        raise AdsumError("known", _("This very file is here already, for this liability point."))
    layout = layout_of(row)
    try:
        found = read(content, layout)
        fill(found, layout, point.number, {})
    except Unreadable as why:
        raise unreadable(why) from None
    made = TheirWorklist.objects.create(
        point=point,
        layout=row,
        name=name[-200:],
        digest=digest,
        content=seal_bytes(content, purpose=PURPOSE),
        rows=len(found.lines),
        brought_at=act.at,
        brought_by=act.by,
    )
    WorklistRow.objects.bulk_create(_matched(made, found.lines, layout), batch_size=500)
    audit_log.record(
        actor=act.by.actor, verb="worklist.bring", subject=f"worklist:{made.pk}", at=act.at, rows=made.rows, digest=digest
    )
    return made


def _matched(worklist: TheirWorklist, lines: Sequence[Line], layout: Layout) -> list[WorklistRow]:
    """Each row with the funding that its number belongs to, and what is to say of it."""
    ours = dict[str, list[Funding]]()
    for funding in Funding.objects.filter(funded_at(worklist.point)).exclude(ssn=""):
        ours.setdefault(funding.ssn, []).append(funding)
    matched = [(line, _one_of(ours.get(line.ssn, ()), line.course)) for line in lines]
    times = Counter(funding.pk for _line, funding in matched if funding is not None)
    rows = []
    for line, ours_is in matched:
        row = WorklistRow(
            worklist=worklist,
            record=line.record,
            ssn=line.ssn[:20],
            course_code=line.course[:40],
            fee=_fee(line.fee),
            funding=ours_is,
        )
        row.finding = _finding(row, times, layout)
        rows.append(row)
    return rows


def _one_of(several: Sequence[Funding], course: str) -> Funding | None:
    """The funding that a row is about: the one with its number or, where a student has several (modules), the one of them with
    its course code. Never a guess."""
    if len(several) > 1:
        several = [one for one in several if course and one.slc_course_code == course]
    return several[0] if len(several) == 1 else None


def _fee(text: str) -> Decimal | None:
    try:
        return money(text) if text else None
    except ValueError:
        return None


def _finding(row: WorklistRow, times: Mapping[int, int], layout: Layout) -> Finding:
    if row.funding is None:
        return Finding.NOT_OURS
    if times[row.funding.pk] > 1:
        return Finding.TWICE
    if layout.course and row.funding.slc_course_code and row.course_code != row.funding.slc_course_code:
        return Finding.COURSE
    if row.fee is not None and row.funding.fee is not None and row.fee != row.funding.fee:
        return Finding.FEE
    return Finding.FINE


# Back


class Given(NamedTuple):
    """A worklist to give back."""

    content: bytes
    name: str
    codes: int


@transaction.atomic
def give_back(worklist: TheirWorklist, *, act: Act) -> Given:
    """The portal's file with the codes that are confirmed, and nothing else changed; positive codes are locked by it.

    Raises AdsumError `gone` where the file is no longer kept, `no_codes` while nothing is confirmed.
    """
    row = TheirWorklist.objects.select_for_update(of=("self",)).select_related("point", "layout").get(pk=worklist.pk)
    if row.content is None:
        raise AdsumError("gone", _("This file is no longer kept. Export the worklist from the portal once more."))
    said = _confirmed(row)
    if not said:
        raise AdsumError("no_codes", _("No code is confirmed yet for the students of this file."))
    layout, content = layout_of(row.layout), reveal_bytes(bytes(row.content), purpose=PURPOSE)
    filled = fill(read(content, layout), layout, row.point.number, {record: one.code for record, one in said.items()})
    if changed_elsewhere(content, filled, layout, row.point.number):  # it never is; and if it were, no file leaves
        raise AdsumError(
            "changed", _("More than the codes would change, so that no file is given back. Tell an administrator.")
        )
    went_out(list(said.values()), act=act)
    row.given_back_at, row.given_back_by, row.codes = act.at, act.by, len(said)
    row.save(update_fields=["given_back_at", "given_back_by", "codes"])
    audit_log.record(
        actor=act.by.actor,
        verb="worklist.give_back",
        subject=f"worklist:{row.pk}",
        at=act.at,
        codes=dict(sorted(Counter(one.code for one in said.values()).items())),
        digest=sha256(filled).hexdigest(),
    )
    return Given(filled, row.name, len(said))


def _confirmed(worklist: TheirWorklist) -> dict[int, Confirmation]:
    """By record of the file, the code that was confirmed for its student; none for rows that are not ours or stand there
    twice."""
    clear = [Finding.FINE, Finding.COURSE, Finding.FEE]
    rows = WorklistRow.objects.filter(worklist=worklist, finding__in=clear, funding__isnull=False)
    records = dict(rows.values_list("funding", "record"))
    said = Confirmation.objects.filter(point=worklist.point, state__in=[ConfirmationState.CONFIRMED, ConfirmationState.LOCKED])
    said = said.filter(funding__in=rows.values("funding")).select_for_update(of=("self",))
    return {records[one.funding_id]: one for one in said if one.code in set(AttendanceCode)}


@transaction.atomic
def take_out(rows: Collection[int], *, at: datetime) -> int:  # noqa: ARG001 (every verb that a declaration names takes it)
    """Delete these rows, whose students are not known any more, and the files that they are from; how many rows."""
    named = WorklistRow.objects.filter(pk__in=rows)
    TheirWorklist.objects.filter(pk__in=named.values("worklist")).update(content=None)
    return named.delete()[0]

"""Versions of the alert rules: made once, never changed; and which of them is in force or in rehearsal from when on."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from adsum.accounts.models import Person
from adsum.audit import services as audit_log
from adsum.core.errors import AdsumError
from adsum.engagement.models import AlertRule, RuleSwitch, RuleVersion, StageWording, WordingApproval
from adsum.engagement.policies import version_at
from adsum.engagement.rules import Rule
from adsum.engagement.wordings import Wording

MOST_RULES = 40


def coded(rules: Iterable[Rule]) -> list[Rule]:
    """The rules by stage, each with its code: "1a" is the first of stage 1."""
    found, count = list[Rule](), dict[int, int]()
    for rule in sorted(rules, key=lambda one: one.stage):
        count[rule.stage] = count.get(rule.stage, 0) + 1
        found.append(replace(rule, code=f"{rule.stage}{_letter(count[rule.stage])}"))
    return found


def _letter(number: int) -> str:
    return chr(ord("a") + number - 1)


@transaction.atomic
def make_version(
    rules: Sequence[Rule],
    *,
    name: str,
    wordings: Iterable[Wording] = (),
    by: Person,
    at: datetime,
    based_on: RuleVersion | None = None,
    note: str = "",
) -> RuleVersion:
    """A new version. Nothing follows from it until it is put in force or in rehearsal.

    Raises AdsumError `no_rules`, `too_many`, `impossible` (with the name of a value that is not allowed) or `wording`.
    """
    if not rules:
        raise AdsumError("no_rules", _("A version has at least one rule."))
    if len(rules) > MOST_RULES or max(sum(one.stage == rule.stage for one in rules) for rule in rules) > 26:
        raise AdsumError("too_many", _("A version has at most 40 rules. Students have to be able to read them."))
    for rule in rules:
        if rule.wrong():
            raise AdsumError("impossible", _("These values do not fit together. Check %(field)s.") % {"field": rule.wrong()})
    words = list(wordings)
    if any(one.wrong() for one in words):
        raise AdsumError("wording", _("Check the wording: its placeholders, and that subject and text are both there."))
    RuleVersion.objects.select_for_update().order_by("pk").values_list("pk", flat=True).first()  # one is numbered at a time
    number = (RuleVersion.objects.aggregate(n=Max("number"))["n"] or 0) + 1
    version = RuleVersion.objects.create(
        number=number, name=name.strip()[:120], based_on=based_on, note=note.strip()[:500], made_at=at, made_by=by
    )
    AlertRule.objects.bulk_create(_row(version, rule) for rule in coded(rules))
    for one in words:
        _keep(StageWording.objects.create(version=version, **one._asdict()), based_on)
    audit_log.record(
        actor=by.actor,
        verb="rules.make",
        subject=f"rules:{version.pk}",
        at=at,
        number=number,
        rules=len(rules),
        based_on=based_on and based_on.number,
    )
    return version


def _keep(wording: StageWording, based_on: RuleVersion | None) -> None:
    """Words that were read in the version before, and did not change, were read."""
    same = WordingApproval.objects.filter(
        wording__version=based_on,
        wording__stage=wording.stage,
        wording__language=wording.language,
        wording__subject=wording.subject,
        wording__body=wording.body,
    ).first()
    if same is not None:
        WordingApproval.objects.create(wording=wording, reader=same.reader, at=same.at, by=same.by)


@transaction.atomic
def approve(wording: StageWording, reader: str, *, by: Person, at: datetime) -> WordingApproval:
    """Note who has read this wording and finds it good: from now on it is used. Does nothing the second time.

    Raises AdsumError `needs_reader`.
    """
    if not reader.strip():
        raise AdsumError("needs_reader", _("Say who has read it: a name that others at the university know."))
    made, new = WordingApproval.objects.get_or_create(
        wording=wording, defaults={"reader": reader.strip()[:120], "at": at, "by": by}
    )
    if new:
        facts = {"stage": wording.stage, "language": wording.language, "reader": made.reader}
        audit_log.record(actor=by.actor, verb="rules.approve_wording", subject=f"rules:{wording.version_id}", at=at, **facts)
    return made


def _row(version: RuleVersion, rule: Rule) -> AlertRule:
    return AlertRule(
        version=version,
        code=rule.code,
        stage=rule.stage,
        trigger=rule.trigger,
        number=rule.number,
        period=rule.period or "",
        last=rule.last,
        misses=rule.misses,
        department_id=rule.scope.department,
        level=rule.scope.level,
        mode=rule.scope.mode,
        wait_days=rule.wait_days,
        no_reply=rule.no_reply,
        hold_days=rule.hold_days,
        recipients=[one.value for one in rule.recipients],
        notice_days=rule.notice_days,
        recovery_attend=rule.recovery.attend,
        recovery_of=rule.recovery.of,
    )


@transaction.atomic
def put(
    place: RuleSwitch.Place,
    version: RuleVersion | None,
    *,
    by: Person,
    at: datetime,
    reason: str = "",
    guests: Collection[Person] = (),
) -> None:
    """From now on this version (None: none) is in force, or in rehearsal. Does nothing when it is already, with these guests.

    Raises AdsumError `no_reason` where it begins or ends to be in force and no reason is given.
    """
    if place == RuleSwitch.Place.IN_FORCE and not reason.strip():
        raise AdsumError("no_reason", _("Say why: students may ask."))
    RuleSwitch.objects.select_for_update().filter(place=place).order_by("pk").last()  # one after the other
    last = RuleSwitch.objects.filter(place=place).order_by("at", "pk").last()
    now = last.version_id if last is not None else None
    same_guests = last is None or set(last.guests.values_list("pk", flat=True)) == {one.pk for one in guests}
    if now == (version.pk if version is not None else None) and same_guests:
        return
    made = RuleSwitch.objects.create(place=place, version=version, by=by, at=at, reason=reason.strip()[:500])
    made.guests.set(guests)
    audit_log.record(
        actor=by.actor,
        verb="rules.put",
        subject=f"rules:{version.pk}" if version is not None else f"rules:{now}",
        at=at,
        place=place.value,
        number=version.number if version is not None else None,
        guests=len(guests),
    )


def guests_at(at: datetime) -> list[Person]:
    """Who is written to in the rehearsal that is on (two queries)."""
    last = RuleSwitch.objects.filter(place=RuleSwitch.Place.REHEARSAL, at__lte=at).order_by("-at", "-pk").first()
    return list(last.guests.all()) if last is not None and last.version_id is not None else []


def wordings_of(version: RuleVersion) -> list[Wording]:
    """The words of its own that a version has (one query)."""
    return [Wording(*one) for one in version.wordings.values_list("stage", "language", "subject", "body")]


def in_force(at: datetime) -> RuleVersion | None:
    """The version in force, with its rules (two queries)."""
    return version_at(RuleSwitch.Place.IN_FORCE, at)

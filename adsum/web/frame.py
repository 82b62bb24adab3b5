"""What the page frame shows around every page: where this person can go, how much waits there, and the way through a list."""

from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from adsum.accounts.models import BreakGlass
from adsum.accounts.rules import IMPORTS, KEEPS_RECORDS, KEEPS_REGISTERS, NOBODY, STAFF, Access, Role
from adsum.compliance.funding import fundings_of
from adsum.compliance.models import ChangeOfCircumstance, Duty, SponsorStanding
from adsum.compliance.slc_codes import TO_DO
from adsum.engagement.models import Case
from adsum.privacy.models import RightsRequest
from adsum.privacy.rights_rules import UNDER_WAY
from adsum.timetable.models import ClassReport
from adsum.web.help.topics import topic_of
from adsum.web.middleware import PersonRequest
from adsum.web.navigation import Item, items_for
from adsum.web.phone_app import about_account
from adsum.web.support.unopened import open_to
from adsum.web.support.work_kinds import Kind, counted, kinds_of
from adsum.web.walking import walk_of


def navigation(request: HttpRequest) -> dict[str, Any]:
    """For the page frame. What waits is counted where a page is drawn with its frame, and not for a part of one."""
    access: Access = getattr(request, "access", NOBODY)
    items: Any = SimpleLazyObject(lambda: _items(request, access))
    return {
        "nav_items": SimpleLazyObject(lambda: [item for item in items if not item.under_more]),
        "nav_more": SimpleLazyObject(lambda: [item for item in items if item.under_more]),
        "walk": walk_of(request),
        "staff": bool(access.roles & STAFF),
        "help_topic": topic_of(request.resolver_match.url_name or "") if request.resolver_match else "",
        "university": settings.UNIVERSITY,
        **about_account(getattr(request, "user", None), access),
        "demo": settings.DEMO,
    }


def _items(request: HttpRequest, access: Access) -> list[Item]:
    return items_for(access, current=request.path, counts=_waiting(request) if access.roles else {})  # type: ignore[arg-type]


def _waiting(request: PersonRequest) -> dict[str, int]:
    """How much waits behind the doors that say so (one query, and none for students)."""
    access = request.access
    asked = dict[str, QuerySet[Any]]()
    if access.holds(Role.DATA_PROTECTION):
        asked["privacy_access"] = BreakGlass.objects.filter(seen_at=None)
        asked["rights"] = RightsRequest.objects.filter(state__in=UNDER_WAY)
    if access.holds(*IMPORTS):
        asked["imports"] = ClassReport.objects.filter(decided_at=None)
    if access.holds(Role.COMPLIANCE_UKVI):
        asked["compliance"] = Duty.objects.unfinished().exclude(student=request.user)
        asked["late"] = SponsorStanding.objects.filter(late_changes__gt=0).exclude(student=request.user)
    if access.holds(Role.COMPLIANCE_SLC):
        mine = fundings_of(access).values("pk")
        asked["funding"] = ChangeOfCircumstance.objects.filter(funding__in=mine, state__in=TO_DO)
    if access.holds(Role.TUTOR) and not access.holds(*KEEPS_RECORDS):
        asked["cases"] = Case.objects.visible_to(request.user, access).owned()
        asked["unopened"] = open_to(request)
    kinds = kinds_of(request) if access.holds(*KEEPS_REGISTERS) else dict[str, Kind]()
    asked |= {name: kind.waiting(request) for name, kind in kinds.items()}
    counts = counted(request.user, asked)
    if "late" in counts:
        counts["compliance"] += counts.pop("late")
    return counts | {"work": sum(counts[name] for name in kinds)}

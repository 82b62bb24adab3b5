"""One search for staff: students, modules, rooms, classes and pages, and of each only what the person may open anyway."""

from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode

from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from adsum.accounts.models import Person
from adsum.accounts.rules import HELPS, KEEPS_RECORDS, LISTS_CLASSES, MANAGES_PEOPLE, STAFF, Access, Role
from adsum.audit.rules import Page
from adsum.core.clock import civil_day
from adsum.timetable.models import ClassSession, Module, Room
from adsum.timetable.reports import Relation, relations_to, students_helped_by, students_visible_to, university_zone
from adsum.web.guards import for_roles
from adsum.web.help.topics import topics_for
from adsum.web.middleware import PersonRequest
from adsum.web.navigation import doors_for
from adsum.web.office.rooms import SEES_ROOMS
from adsum.web.searching import LONGEST_SEARCH, named
from adsum.web.viewing import looked_through

MOST = 8
"""How many of each kind are shown. More words find fewer."""
SHORTEST = 2
MOST_WORDS = 6
"""Each word is one more condition for the database; nobody types more of them to find something."""
DAYS_BACK, DAYS_AHEAD = 1, 7
"""The classes that are searched: a day back, for a register still to complete, and a week ahead. The list has all of them."""
AS_DESK = Relation(Role.HELP_DESK)


@dataclass(frozen=True, slots=True)
class Hit:
    """One thing found: what it is called, what tells it apart, and where it leads."""

    title: str
    about: str
    url: str


@require_safe
@for_roles(STAFF)
def search(request: PersonRequest) -> HttpResponse:
    """What a few words find, the first eight of each kind. Without words: how to search, and what the keys do."""
    text = " ".join(request.GET.get("q", "").replace("\0", "").split())[:LONGEST_SEARCH]
    words = text.split()[:MOST_WORDS]
    asked = len(text) >= SHORTEST
    students = _students(request, " ".join(words)) if asked else []
    context = {
        "q": text,
        "short": bool(text) and not asked,
        "pages": _pages(request.access, words) if asked else [],
        "students": students[:MOST],
        "modules": _modules(request, words) if asked else [],
        "rooms": _rooms(request, words) if asked else [],
        "classes": _classes(request, words) if asked else [],
        "further": _further(request.access, text) if asked else [],
        "more_students": len(students) > MOST,
    }
    context["found"] = any(context[kind] for kind in ("pages", "students", "modules", "rooms", "classes"))
    return render(request, "adsum/search.html", context)


def _students(request: PersonRequest, text: str) -> list[Hit]:
    """Students whose record the person may open, or whom a help desk may help (two queries, and the note of the look)."""
    desk = request.access.holds(*HELPS)
    whom = students_helped_by if desk else students_visible_to
    ordered = named(whom(request.user, request.access), text).order_by("family_name", "given_name", "pk")
    found: list[Person] = list(ordered[: MOST + 1])
    shown = found[:MOST]
    relations = {one.pk: AS_DESK for one in shown} if desk else {}
    if not desk and shown:
        relations = relations_to(request.user, request.access, [one.pk for one in shown])
    looked_through(request, Page.FOUND, relations.items())
    address = "desk_student" if desk else "person_record"
    return [Hit(one.display_name, f"{one.number} · {one.username}", reverse(address, args=[one.ref])) for one in found]


def _modules(request: PersonRequest, words: list[str]) -> list[Hit]:
    """Modules whose attendance the person may see (one query; none for those without the page)."""
    if not request.access.holds(*LISTS_CLASSES):
        return []
    found = Module.objects.visible_to(request.user, request.access).filter(ended_on=None)
    for word in words:
        found = found.filter(Q(code__icontains=word) | Q(title__icontains=word))
    return [Hit(one.title, one.code, reverse("module", args=[one.pk])) for one in found.order_by("title", "pk")[:MOST]]


def _rooms(request: PersonRequest, words: list[str]) -> list[Hit]:
    """Rooms, each with today's classes in it, or with its use for those who have no list of classes (one query)."""
    if not request.access.holds(*(LISTS_CLASSES | SEES_ROOMS)):
        return []
    found: QuerySet[Room] = Room.objects.select_related("site")
    for word in words:
        found = found.filter(Q(name__icontains=word) | Q(site__name__icontains=word))

    def address(room: Room) -> str:
        if not request.access.holds(*LISTS_CLASSES):
            return reverse("rooms")
        return f"{reverse('office_classes')}?{urlencode({'on': request.today.isoformat(), 'q': room.name})}"

    return [Hit(one.name, one.site.name if one.site else "", address(one)) for one in found.order_by("name")[:MOST]]


@dataclass(frozen=True, slots=True)
class FoundClass:
    """A class found, and where it leads."""

    session: ClassSession
    url: str


def _classes(request: PersonRequest, words: list[str]) -> list[FoundClass]:
    """Classes from yesterday until next week whose register the person may open, the earliest first (at most four queries)."""
    since, _end = civil_day(request.today - timedelta(days=DAYS_BACK), university_zone())
    _start, until = civil_day(request.today + timedelta(days=DAYS_AHEAD), university_zone())
    found = ClassSession.objects.visible_to(request.user, request.access).between(since, until)
    for word in words:
        modules = Module.objects.filter(Q(code__icontains=word) | Q(title__icontains=word)).values("pk")
        held = ClassSession.rooms.through.objects.filter(room__in=Room.objects.filter(name__icontains=word).values("pk"))
        found = found.filter(Q(title__icontains=word) | Q(module__in=modules) | Q(pk__in=held.values("classsession")))
    found = found.select_related("module").prefetch_related("rooms")
    listed = list(found.filter(ends_at__gt=request.at).order_by("starts_at", "title", "pk")[:MOST])
    if len(listed) < MOST:
        over = found.filter(ends_at__lte=request.at).order_by("-starts_at", "title", "pk")
        listed += over[: MOST - len(listed)]
    return [FoundClass(one, reverse("class_register", args=[one.ref])) for one in listed]


def _pages(access: Access, words: list[str]) -> list[Hit]:
    """Doors of the menu, and the help, by the words of their names."""
    doors = [Hit(str(door.label), "", reverse(door.name)) for door in doors_for(access)]
    helps = [Hit(str(one.title), str(one.about), reverse("help_topic", args=[one.name])) for one in topics_for(access.roles)]
    wanted = [word.casefold() for word in words]
    return [hit for hit in (*doors, *helps) if all(word in hit.title.casefold() for word in wanted)][:MOST]


def _further(access: Access, text: str) -> list[tuple[str, str]]:
    """Where the same words can be looked for among what this search leaves out: the kind, and the address."""
    query = urlencode({"q": text})
    listed = []
    if access.holds(*LISTS_CLASSES):
        listed.append(("classes", f"{reverse('office_classes')}?{query}"))
    if access.holds(*MANAGES_PEOPLE):
        listed.append(("people", f"{reverse('office_people')}?{query}"))
    if access.holds(Role.COMPLIANCE_UKVI):
        listed.append(("sponsored", f"{reverse('sponsors')}?{query}"))
    if access.departments(*KEEPS_RECORDS) is not None and not access.holds(*HELPS):
        listed.append(("outside", reverse("students_outside")))
    return listed

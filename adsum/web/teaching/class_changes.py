"""“This class is …”: cancelled, moved, covered. Said from the phone and in force at once. Also adds an unplanned class."""

from collections.abc import Callable, Collection
from functools import wraps
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from adsum.accounts.models import Person, RoleGrant
from adsum.accounts.rules import LISTS_CLASSES, Role
from adsum.attendance.labels import DELIVERIES
from adsum.checkin import class_changes as changes
from adsum.core.errors import AdsumError
from adsum.timetable.changes import NewClass, Wanted
from adsum.timetable.models import ClassReport, ClassSession, Group, Module, Room
from adsum.timetable.reports import clashes, staff_of
from adsum.timetable.rules import Delivery, Kind
from adsum.web.entered import number_of, ref_of
from adsum.web.guards import for_roles, sign_in_first
from adsum.web.middleware import PersonRequest
from adsum.web.signin import stepup
from adsum.web.teaching.change_forms import ExtraForm, WhenForm
from adsum.web.times import from_to

NEW = {"kind": Kind.OTHER.value, "delivery": Delivery.IN_PERSON.value}
"""The defaults of a new class."""
ADDS_CLASSES = LISTS_CLASSES | {Role.LECTURER, Role.TIMETABLING}
"""May add a class, to the modules that are theirs."""
FOUND = 10
"""How many people or groups a search shows."""


def _changeable(view: Callable[[PersonRequest, ClassSession], HttpResponse]) -> Callable[..., HttpResponse]:
    """The view is given the class at its address, if this person may change it: for others it does not exist."""

    @require_http_methods(["GET", "HEAD", "POST"])
    @wraps(view)
    def checked(request: PersonRequest, /, ref: UUID) -> HttpResponse:
        if not request.user.is_authenticated:
            return sign_in_first(request, reverse("class_change", args=[ref]))
        found = ClassSession.objects.changeable_by(request.user, request.access)
        return view(request, get_object_or_404(found.select_related("module"), ref=ref))

    return checked


@_changeable
def change(request: PersonRequest, session: ClassSession) -> HttpResponse:
    """All changes that can be made to a class, each with a tap or two."""
    moving = WhenForm(initial=_as_it_is(session))
    in_the_way: list[str] = []
    if request.method == "POST":
        action = request.POST.get("action", "")
        try:
            if action == "move":
                moving = WhenForm(request.POST)
                if moving.is_valid():
                    in_the_way = _in_the_way(session, moving)
                    if not in_the_way or "confirm" in request.POST:
                        return _move(request, session, moving)
            else:
                return _say(request, session, action)
        except AdsumError as refused:
            if moving.is_bound:
                moving.add_error(None, refused.message)
            else:
                messages.error(request, refused.message)
    staff = staff_of([session.pk])[session.pk]
    context = {
        "session": session,
        "moving": moving,
        "in_the_way": in_the_way,
        "rooms": sorted(room.name for room in session.rooms.all()),
        "known_rooms": _known_rooms(),
        "staff": sorted(staff.values(), key=lambda person: person.display_name),
        "named": session.staff.exists(),
        "groups": session.groups.select_related("module").order_by("module__code", "code"),
        "reported": ClassReport.objects.filter(session=session, decided_at=None).select_related("by").first(),
        "final": _final(request),
        "status_stays": _in_its_way(request, session, changes.TAKES_PLACE if session.cancelled else changes.CANCELLED),
        "delivery": DELIVERIES[session.delivery],
        "delivery_stays": _in_its_way(
            request, session, changes.IN_THE_ROOM if session.delivery == "remote" else changes.ONLINE
        ),
        "groups_stay": _in_its_way(request, session, Wanted(groups=[])),
        "over": session.ends_at <= request.at,
        "may_open": ClassSession.objects.visible_to(request.user, request.access).filter(pk=session.pk).exists(),
        "who": request.GET.get("who", "").strip(),
        "group": request.GET.get("group", "").strip(),
    }
    if context["who"]:
        context["people"] = _people(request, str(context["who"]), without=staff)
    if context["group"]:
        context["found_groups"] = _found_groups(request, str(context["group"]), session)
    failed = request.method == "POST"
    return render(request, "adsum/teaching/change.html", context, status=422 if failed else 200)


MOST_ROOMS = 2_000


def _known_rooms() -> QuerySet[Room, str]:
    """The names that the room's field offers: those of the timetable, not those that somebody once wrote (one query)."""
    return Room.objects.filter(by_hand=False).order_by("name").values_list("name", flat=True)[:MOST_ROOMS]


def _in_its_way(request: PersonRequest, session: ClassSession, wanted: Wanted) -> str:
    """Why this change is not possible for a class that is over; '' when it is."""
    try:
        changes.weigh(session, wanted, by=request.user, at=request.at, final=_final(request))
    except AdsumError as refused:
        return refused.message
    return ""


def _as_it_is(session: ClassSession) -> dict[str, Any]:
    start, end = localtime(session.starts_at), localtime(session.ends_at)
    rooms = "; ".join(sorted(room.name for room in session.rooms.all()))
    return {"on": start.date(), "start": start.time(), "end": end.time(), "room": rooms}


def _final(request: PersonRequest) -> bool:
    return request.access.holds(Role.TIMETABLING)


def _done(request: PersonRequest, session: ClassSession, said: str) -> HttpResponse:
    """Go back to the class, or to the person's own list when the class is no longer theirs."""
    told = said if _final(request) else said + " " + _("The timetabling team is asked to confirm it.")
    messages.success(request, told)
    if ClassSession.objects.changeable_by(request.user, request.access).filter(pk=session.pk).exists():
        return redirect("class_change", session.ref)
    return redirect("home")


def _move(request: PersonRequest, session: ClassSession, form: WhenForm) -> HttpResponse:
    times = form.cleaned_data["times"]
    moved = changes.change(
        session,
        Wanted(times=times),
        rooms=form.rooms(),
        by=request.user,
        at=request.at,
        final=_final(request),
        reason=form.cleaned_data["reason"],
    )
    where = ", ".join(form.rooms()) or _("no room yet")
    said = _("It is on %(when)s, %(where)s. Everyone sees it now.") % {
        "when": from_to(moved.starts_at, moved.ends_at),
        "where": where,
    }
    return _done(request, session, said)


def _in_the_way(session: ClassSession, form: WhenForm) -> list[str]:
    start, end = form.cleaned_data["times"]
    rooms = Room.objects.filter(name__in=form.rooms()).values_list("pk", flat=True)
    return _told(
        clashes(
            starts_at=start,
            ends_at=end,
            rooms=set(rooms),
            besides=session.pk,
            staff=set(staff_of([session.pk])[session.pk]),
            groups={group.pk for group in session.groups.all()},
        )
    )


def _told(found: list[Any]) -> list[str]:
    words = {
        "room": _("The room is taken: %(class)s, %(when)s."),
        "staff": _("Someone who teaches it also teaches %(class)s, %(when)s."),
        "groups": _("Its students also have %(class)s, %(when)s."),
    }
    return [
        words[clash.what] % {"class": clash.session.title, "when": from_to(clash.session.starts_at, clash.session.ends_at)}
        for clash in found
    ]


def _say(request: PersonRequest, session: ClassSession, action: str) -> HttpResponse:
    wanted, said = _wanted(request, session, action)
    if changes.weigh(session, wanted, by=request.user, at=request.at, final=_final(request)) and (first := stepup.ask(request)):
        return first
    changes.change(
        session, wanted, by=request.user, at=request.at, reason=request.POST.get("reason", ""), final=_final(request)
    )
    return _done(request, session, said)


def _wanted(request: PersonRequest, session: ClassSession, action: str) -> tuple[Wanted, str]:
    """The change that a button makes to the class, and the sentence about it afterwards."""
    if action == "cancel":
        return changes.CANCELLED, _("It is cancelled and counts against nobody. Everyone sees it now.")
    if action == "restore":
        return changes.TAKES_PLACE, _("It takes place. Everyone sees it now.")
    if action == "online":
        return changes.ONLINE, _("It is online. Everyone sees it now.")
    if action == "in_the_room":
        return changes.IN_THE_ROOM, _("It is in the room. Everyone sees it now.")
    if action in {"join", "cover", "leave"}:
        return _staffed(request, session, action)
    if action in {"add_group", "drop_group"}:
        return _grouped(request, session, action)
    raise Http404


def _staffed(request: PersonRequest, session: ClassSession, action: str) -> tuple[Wanted, str]:
    """The new staff of a class, starting from its present staff, whether it names them or its groups do: once a class names
    staff, the lecturers of its groups no longer count."""
    there = staff_of([session.pk])[session.pk]
    known = Person.objects.filter(pk__in=there) if action == "leave" else _teachers(request)
    person = get_object_or_404(known, ref=ref_of(request.POST.get("person")))
    name = {"name": person.display_name}
    others = [other for pk, other in there.items() if pk != person.pk and not (action == "cover" and pk == request.user.pk)]
    if action == "leave":
        if not others and not session.staff.exists():
            raise AdsumError("no_staff", _("It is theirs as a lecturer of its group. Add a colleague first."))
        return Wanted(staff=others), _("%(name)s no longer teaches this class.") % name
    return Wanted(staff=[*others, person]), _("%(name)s has this class and its register now.") % name


def _grouped(request: PersonRequest, session: ClassSession, action: str) -> tuple[Wanted, str]:
    known = _groups(request) if action == "add_group" else session.groups.select_related("module")
    group = get_object_or_404(known, pk=number_of(request.POST.get("group")))
    now = [each for each in session.groups.select_related("module") if each != group]
    if action == "add_group":
        now.append(group)
    elif not now:
        raise AdsumError("no_groups", _("A class keeps at least one group. Add the other one first."))
    return Wanted(groups=now), _("Expected now: %(groups)s.") % {"groups": ", ".join(str(each) for each in now)}


def _teachers(request: PersonRequest) -> QuerySet[Person]:
    """Who may be asked to teach a class: lecturers of today."""
    lecturers = RoleGrant.objects.filter(role=Role.LECTURER).held_on(request.access.on)
    return Person.objects.filter(is_active=True, pk__in=lecturers.values("person"))


def _people(request: PersonRequest, text: str, without: Collection[int]) -> list[Person]:
    """Lecturers whose name holds every word, without those who teach the class already."""
    found = _teachers(request).exclude(pk__in=without)
    for word in text.split()[:4]:
        names = Q(given_name__icontains=word) | Q(preferred_name__icontains=word) | Q(family_name__icontains=word)
        found = found.filter(names | Q(number=word))
    return list(found.order_by("family_name", "given_name", "pk")[:FOUND])


def _groups(request: PersonRequest) -> QuerySet[Group]:
    """The groups that a person may bring into a class, and so onto its register: those of their own modules."""
    mine = Module.objects.taught_by(request.user, request.access)
    return Group.objects.filter(ended_on=None, module__in=mine.values("pk")).select_related("module")


def _found_groups(request: PersonRequest, text: str, session: ClassSession) -> list[Group]:
    found = _groups(request).exclude(pk__in=session.groups.values("pk"))
    for word in text.split()[:4]:
        found = found.filter(Q(code__icontains=word) | Q(name__icontains=word) | Q(module__code__icontains=word))
    return list(found.order_by("module__code", "code")[:FOUND])


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(ADDS_CLASSES)
def add(request: PersonRequest) -> HttpResponse:
    """A class that no timetable named: choose its module, then say when, where and for whom."""
    mine = Module.objects.taught_by(request.user, request.access).filter(ended_on=None)
    code = request.GET.get("module", "")
    if not code:
        q = request.GET.get("q", "").strip()
        for word in q.split()[:4]:
            mine = mine.filter(Q(code__icontains=word) | Q(title__icontains=word))
        return render(request, "adsum/teaching/add_module.html", {"modules": mine.order_by("code")[:50], "q": q})
    module = get_object_or_404(mine, pk=number_of(code))
    form = ExtraForm(module, request.POST if request.method == "POST" else None, initial=NEW)
    in_the_way: list[str] = []
    if form.is_bound and form.is_valid():
        try:
            in_the_way = _extra_in_the_way(request, form)
            if not in_the_way or "confirm" in request.POST:
                session = _add(request, module, form)
                messages.success(request, _("The class is in the timetable. Everyone sees it now."))
                return redirect("class_change", session.ref)
        except AdsumError as refused:
            form.add_error(None, refused.message)
    context = {"module": module, "form": form, "in_the_way": in_the_way, "known_rooms": _known_rooms()}
    return render(request, "adsum/teaching/add.html", context, status=422 if form.is_bound else 200)


def _staff_of(request: PersonRequest) -> list[Person]:
    return [request.user] if request.access.holds(Role.LECTURER) else []


def _extra_in_the_way(request: PersonRequest, form: ExtraForm) -> list[str]:
    start, end = form.cleaned_data["times"]
    rooms = set(Room.objects.filter(name__in=form.rooms()).values_list("pk", flat=True))
    groups = {group.pk for group in form.cleaned_data["groups"]}
    staff = {person.pk for person in _staff_of(request)}
    return _told(clashes(starts_at=start, ends_at=end, rooms=rooms, staff=staff, groups=groups))


def _add(request: PersonRequest, module: Module, form: ExtraForm) -> ClassSession:
    data = form.cleaned_data
    start, end = data["times"]
    groups = list(data["groups"].select_related("module"))
    new = NewClass(
        module,
        data["title"],
        Kind(data["kind"]),
        start,
        end,
        groups,
        staff=_staff_of(request),
        delivery=Delivery(data["delivery"]),
        mandatory=not data["optional"],
    )
    return changes.add(new, rooms=form.rooms(), by=request.user, at=request.at, reason=data["reason"], final=_final(request))

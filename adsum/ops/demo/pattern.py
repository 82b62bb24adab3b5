"""The weekly timetable of the demo university, without clashes of people or rooms."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random

from adsum.accounts.models import Person
from adsum.ops.demo import SOURCE
from adsum.ops.demo.calendar import TeachingCalendar
from adsum.ops.demo.catalogue import LABS, LECTURES, LEVELS, ROOMS, SCHOOLS, SEMINARS, ModuleFacts, RoomFacts, School
from adsum.ops.demo.people import BATCH, PERSONA_LEVEL, PERSONA_SCHOOL, Population, Student, make_leaders
from adsum.timetable.models import Group, GroupStaff, Module, Place, Room, Site, Term, Vacation
from adsum.timetable.rules import Delivery, Kind

GROUP_SIZE = 24
HOURS = range(9, 18)
WEDNESDAY, SPORT_FROM = 2, 13
"""Wednesday afternoons are free for sport, as in most British universities."""


@dataclass(slots=True)
class Slot:
    """One line of the weekly timetable, in the university's civil time."""

    key: str
    module: Module
    groups: list[Group]
    kind: Kind
    weekday: int
    hour: int
    hours: int
    staff: list[Person]
    room: Room | None
    title: str
    delivery: Delivery = Delivery.IN_PERSON
    mandatory: bool = True


@dataclass(slots=True)
class Teaching:
    """What is taught to whom, where and when in the week, as it is stored."""

    modules: dict[str, Module] = field(default_factory=dict)
    rooms: dict[str, Room] = field(default_factory=dict)
    groups: list[Group] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    slots: list[Slot] = field(default_factory=list)
    leaders: list[tuple[Module, Person]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Cohort:
    """The students of one school in one year: they share modules and are taught in the same seminar groups throughout."""

    school: School
    level: int
    students: list[Student]

    @property
    def sets(self) -> int:
        return -(-len(self.students) // GROUP_SIZE)

    def set_of(self, nth: int) -> int:
        """Which seminar group the nth student is in."""
        return nth % self.sets


class _Week:
    """Who and what is busy in each hour of the week."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.busy: defaultdict[tuple[int, int], set[object]] = defaultdict(set)
        self.load: defaultdict[str, int] = defaultdict(int)
        """Hours each member of staff teaches, by username."""

    def find(
        self, *, needs: Iterable[object], hours: int, staff: list[Person], rooms: list[RoomFacts | None], many: int = 1
    ) -> tuple[int, int, list[Person], RoomFacts | None]:
        """The first free time in a shuffled week for what must be there, with `many` of `staff` and one of `rooms`."""
        starts = [(day, hour) for day in range(5) for hour in HOURS if hour + hours <= HOURS.stop]
        self.random.shuffle(starts)
        for day, hour in starts:
            if day == WEDNESDAY and hour + hours > SPORT_FROM:
                continue
            span = [(day, hour + offset) for offset in range(hours)]
            taken = set().union(*(self.busy[at] for at in span))
            if any(need in taken for need in needs):
                continue
            free = sorted((one for one in staff if one.username not in taken), key=lambda one: self.load[one.username])
            room = next((room for room in rooms if room is None or room.name not in taken), _NO_ROOM)
            if len(free) < many or room is _NO_ROOM:
                continue
            chosen = free[:many]
            for at in span:
                self.busy[at].update(needs, (one.username for one in chosen), [room.name] if room else [])
            for one in chosen:
                self.load[one.username] += hours
            return day, hour, chosen, room
        raise LookupError("the demo's week is full: give it more rooms or smaller groups")


_NO_ROOM = RoomFacts("", "", 0, "")


def make_teaching(population: Population, calendar: TeachingCalendar) -> Teaching:
    """Store terms, rooms, modules, groups and places, and lay out the week."""
    random = Random("timetable")  # noqa: S311 - made up, and meant to be the same every time
    teaching = Teaching(rooms=_make_rooms())
    _make_terms(calendar)
    for school in SCHOOLS:
        for facts in school.modules:
            teaching.modules[facts.code] = Module(
                code=facts.code,
                title=facts.title,
                department=population.departments[school.code],
                source=SOURCE,
                source_id=facts.code,
            )
    Module.objects.bulk_create(teaching.modules.values())
    week = _Week(random)
    for school in SCHOOLS:
        for level in LEVELS:
            students = [one for one in population.students if one.school is school and one.level == level]
            _teach_cohort(_Cohort(school, level, students), teaching, population, week, calendar)
    Group.objects.bulk_create(teaching.groups, batch_size=BATCH)
    Place.objects.bulk_create(teaching.places, batch_size=BATCH)
    staff = {
        (group.pk, one.pk): GroupStaff(group=group, person=one, source=SOURCE)
        for slot in teaching.slots
        for group in slot.groups
        for one in slot.staff
    }
    GroupStaff.objects.bulk_create(staff.values(), batch_size=BATCH)
    make_leaders(population, teaching.leaders)
    return teaching


def _make_rooms() -> dict[str, Room]:
    sites = {name: Site.objects.create(name=name) for name in dict.fromkeys(room.site for room in ROOMS)}
    rooms = [Room(name=room.name, site=sites[room.site], capacity=room.capacity) for room in ROOMS]
    return {room.name: room for room in Room.objects.bulk_create(rooms)}


def _make_terms(calendar: TeachingCalendar) -> None:
    for year in calendar.years:
        Term.objects.bulk_create(
            Term(
                name=term.name,
                academic_year=year.name,
                starts_on=term.first,
                ends_on=term.last,
                source=SOURCE,
                source_id=term.name,
            )
            for term in year.terms
        )
        Vacation.objects.bulk_create(
            Vacation(name=span.name, starts_on=span.first, ends_on=span.last) for span in year.vacations
        )


def _teach_cohort(cohort: _Cohort, teaching: Teaching, population: Population, week: _Week, calendar: TeachingCalendar) -> None:
    if not cohort.students:
        return
    everyone = population.academics[cohort.school.code]
    team = everyone[cohort.level % 4 :: 3]
    if cohort.school is PERSONA_SCHOOL:  # the personas teach their own year, so that nothing of theirs can clash
        personas = [population.personas["lecturer"], population.personas["tutor"]]
        team = [one for one in team if one not in personas]
        if cohort.level == PERSONA_LEVEL:
            team = personas + team
    for nth, facts in enumerate(one for one in cohort.school.modules if one.level == cohort.level):
        leader = team[nth % len(team)]
        teaching.leaders.append((teaching.modules[facts.code], leader))
        _lecture(cohort, facts, nth, leader, team, teaching, week, calendar)
        _seminars(cohort, facts, nth, team, teaching, week, calendar)


def _group(teaching: Teaching, module: Module, code: str, name: str, kind: Kind) -> Group:
    group = Group(module=module, code=code, name=name, kind=kind, source=SOURCE, source_id=f"{module.code}/{code}")
    teaching.groups.append(group)
    return group


def _place(teaching: Teaching, group: Group, student: Student, calendar: TeachingCalendar) -> None:
    teaching.places.append(
        Place(
            group=group,
            person=student.person,
            starts_on=max(student.joined_on, calendar.first),
            ends_on=student.left_on,
            source=SOURCE,
            source_id=f"{group.source_id}/{student.person.number}",
        )
    )


def _rooms_for(school: School, use: str, size: int) -> list[RoomFacts | None]:
    """Rooms on the school's campus that hold `size`, the smallest first; too large a group is split over what there is."""
    rooms = sorted((room for room in ROOMS if room.site == school.campus and room.use == use), key=lambda r: r.capacity)
    return [room for room in rooms if room.capacity >= size] or [rooms[-1]]


def _lecture(
    cohort: _Cohort,
    facts: ModuleFacts,
    nth: int,
    leader: Person,
    team: list[Person],
    teaching: Teaching,
    week: _Week,
    calendar: TeachingCalendar,
) -> None:
    """The weekly lecture: a joint class of both courses in every other module, one lecture group in the rest."""
    module = teaching.modules[facts.code]
    joint = nth % 2 == 0
    if joint:
        groups = {
            course.code: _group(teaching, module, f"L-{course.code}", f"Lecture group {course.title}", Kind.LECTURE)
            for course in cohort.school.courses
        }
    else:
        group = _group(teaching, module, "L", "Lecture group", Kind.LECTURE)
        groups = {course.code: group for course in cohort.school.courses}
    for student in cohort.students:
        _place(teaching, groups[student.course], student, calendar)
    taught = list(groups.values())[: len(groups) if joint else 1]
    needs = [(cohort.school.code, cohort.level, one) for one in range(cohort.sets)]
    hours = 2 if nth % 3 == 0 else 1
    remote = facts.level == LEVELS[-1] and nth == 1
    co_taught = 2 if nth == 2 else 1
    rooms: list[RoomFacts | None] = [None] if remote else _rooms_for(cohort.school, LECTURES, len(cohort.students))
    pool = [leader] if co_taught == 1 else [leader, *(one for one in team if one is not leader)]
    day, hour, staff, room = week.find(needs=needs, hours=hours, staff=pool, rooms=rooms, many=co_taught)
    hybrid = facts.level == LEVELS[1] and nth == 1
    delivery = Delivery.REMOTE if remote else Delivery.HYBRID_OPTIONAL if hybrid else Delivery.IN_PERSON
    teaching.slots.append(
        Slot(
            f"{facts.code}/L",
            module,
            taught,
            Kind.LECTURE,
            day,
            hour,
            hours,
            staff,
            teaching.rooms[room.name] if room else None,
            facts.title,
            delivery,
        )
    )
    if facts.level == LEVELS[0] and nth == 0:  # help for first-years, for those who want it
        day, hour, staff, room = week.find(
            needs=needs, hours=1, staff=team, rooms=_rooms_for(cohort.school, LECTURES, len(cohort.students) // 2)
        )
        teaching.slots.append(
            Slot(
                f"{facts.code}/DROPIN",
                module,
                taught,
                Kind.WORKSHOP,
                day,
                hour,
                1,
                staff,
                teaching.rooms[room.name] if room else None,
                f"{facts.title}: drop-in",
                mandatory=False,
            )
        )


def _seminars(
    cohort: _Cohort,
    facts: ModuleFacts,
    nth: int,
    team: list[Person],
    teaching: Teaching,
    week: _Week,
    calendar: TeachingCalendar,
) -> None:
    """A weekly seminar or lab for each group of the cohort."""
    module = teaching.modules[facts.code]
    kind = Kind.LAB if facts.practical else Kind.SEMINAR
    hours = 2 if facts.practical and nth % 2 else 1
    groups = []
    for one in range(cohort.sets):
        letter = chr(ord("A") + one)
        group = _group(teaching, module, f"{kind.value.upper()}-{letter}", f"{kind.value.capitalize()} group {letter}", kind)
        groups.append(group)
        members = [student for at, student in enumerate(cohort.students) if cohort.set_of(at) == one]
        remote = facts.level == LEVELS[1] and nth == 2 and one == cohort.sets - 1 > 0
        use = LABS if facts.practical else SEMINARS
        rooms: list[RoomFacts | None] = [None] if remote else _rooms_for(cohort.school, use, len(members))
        day, hour, staff, room = week.find(
            needs=[(cohort.school.code, cohort.level, one)], hours=hours, staff=team, rooms=rooms
        )
        teaching.slots.append(
            Slot(
                f"{facts.code}/{group.code}",
                module,
                [group],
                kind,
                day,
                hour,
                hours,
                staff,
                teaching.rooms[room.name] if room else None,
                facts.title,
                Delivery.REMOTE if remote else Delivery.IN_PERSON,
            )
        )
    for at, student in enumerate(cohort.students):
        _place(teaching, groups[cohort.set_of(at)], student, calendar)


def places_by_group(teaching: Teaching) -> dict[int, list[Place]]:
    """Who holds a place in each group, by the group's id."""
    held: defaultdict[int, list[Place]] = defaultdict(list)
    for place in teaching.places:
        held[place.group_id].append(place)
    return held


def weekly(teaching: Teaching) -> dict[int, list[Slot]]:
    """The slots of each weekday, in the order of the day."""
    days: defaultdict[int, list[Slot]] = defaultdict(list)
    for slot in sorted(teaching.slots, key=lambda slot: (slot.hour, slot.key)):
        days[slot.weekday].append(slot)
    return days

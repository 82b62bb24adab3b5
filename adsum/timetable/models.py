"""What is taught, to whom, where and when."""

from __future__ import annotations

import uuid
from datetime import date, datetime

from django.db import models
from django.db.models import Exists, F, OuterRef, Q

from adsum.accounts.models import Department, Person
from adsum.accounts.rules import KEEPS_REGISTERS, Access, Role
from adsum.core.declared import For, From, Keep, about_no_one, declare
from adsum.timetable.partner_table import DeliveryPartner
from adsum.timetable.rules import Change, ClassStatus, Delivery, Kind
from adsum.timetable.sources import Import


class Sourced(models.Model):
    """Something another system owns: (source, source_id) is its stable key across imports; empty when made here."""

    source = models.CharField(max_length=40, blank=True)
    source_id = models.CharField(max_length=200, blank=True)

    class Meta:
        abstract = True
        constraints = [
            models.UniqueConstraint(fields=["source", "source_id"], condition=~Q(source=""), name="one_%(class)s_per_source_id")
        ]


class Term(Sourced):
    """A teaching period, first to last day in the university's zone, both included."""

    name = models.CharField(max_length=120)
    academic_year = models.CharField(max_length=9, blank=True)
    starts_on = models.DateField()
    ends_on = models.DateField()
    declared = about_no_one("source source_id name academic_year starts_on ends_on")

    def __str__(self) -> str:
        return self.name


class Vacation(models.Model):
    """Days without teaching, both ends included."""

    name = models.CharField(max_length=120)
    starts_on = models.DateField()
    ends_on = models.DateField()
    declared = about_no_one("name starts_on ends_on")

    def __str__(self) -> str:
        return self.name


class Site(models.Model):
    """A campus or building group."""

    name = models.CharField(max_length=120, unique=True)
    declared = about_no_one("name")

    def __str__(self) -> str:
        return self.name


class Room(models.Model):
    """A place a class is held in, named as people say it."""

    site = models.ForeignKey(Site, null=True, blank=True, on_delete=models.PROTECT, related_name="rooms")
    name = models.CharField(max_length=200, unique=True)
    capacity = models.PositiveIntegerField(null=True, blank=True)
    by_hand = models.BooleanField(default=False)
    """Written by somebody who moved or added a class, and not known to any timetable since."""
    declared = about_no_one("site name capacity by_hand")

    def __str__(self) -> str:
        return self.name


class Course(Sourced):
    """What a student is enrolled on (BSc Computer Science)."""

    code = models.CharField(max_length=40, unique=True)
    title = models.CharField(max_length=250)
    department = models.ForeignKey(Department, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    declared = about_no_one("source source_id code title department")

    def __str__(self) -> str:
        return f"{self.code} {self.title}"


class EnrolmentQuerySet(models.QuerySet["Enrolment"]):
    def on(self, day: date | OuterRef) -> EnrolmentQuerySet:
        """Rows whose dates hold that day, both ends included."""
        return self.filter(Q(ends_on=None) | Q(ends_on__gte=day), starts_on__lte=day)


class Enrolment(models.Model):
    """One person on one course, from one day to another (empty: open). A suspension is a row of its own beside that of the
    enrolment. Outside the dates, and while suspended from that course, nothing is expected of the student."""

    class Status(models.TextChoices):
        ENROLLED = "enrolled"
        SUSPENDED = "suspended"
        WITHDRAWN = "withdrawn"
        COMPLETED = "completed"

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="enrolments")
    course = models.ForeignKey(Course, on_delete=models.PROTECT, related_name="enrolments")
    tutor = models.ForeignKey(Person, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    mode = models.CharField(max_length=20, default="full_time")
    level = models.CharField(max_length=20, blank=True)
    year_of_study = models.PositiveSmallIntegerField(default=1)
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.ENROLLED)
    starts_on = models.DateField()
    ends_on = models.DateField(null=True, blank=True)
    delivery_partner = models.ForeignKey(
        DeliveryPartner,
        to_field="code",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="enrolments",
        db_index=False,
    )
    """Who teaches this student for the university; empty: the university itself."""
    source = models.CharField(max_length=40, blank=True)
    declared = declare(
        "person",
        Keep.ATTENDANCE,
        For.TEACHING,
        From.RECORDS,
        facts="course mode level year_of_study status starts_on ends_on delivery_partner source",
        people="tutor",
    )

    objects = EnrolmentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person", "course", "starts_on"], name="one_enrolment_per_course_and_start")
        ]
        indexes = [
            models.Index(fields=["delivery_partner"], condition=Q(delivery_partner__isnull=False), name="enrolment_by_partner")
        ]

    def __str__(self) -> str:
        return f"{self.person_id} on {self.course_id}"


def studies(person: Person | OuterRef, day: OuterRef) -> Q:
    """Whether something may be expected of a student on that day of the row outside: they are on a course and not suspended
    from it, or no enrolment of theirs is known at all, so that their places alone decide."""
    own = Enrolment.objects.filter(person=person)
    suspended = Enrolment.objects.filter(
        person=OuterRef("person"), course=OuterRef("course"), status=Enrolment.Status.SUSPENDED
    )
    on_course = own.on(day).exclude(status=Enrolment.Status.SUSPENDED).filter(~Exists(suspended.on(OuterRef(day))))
    return Q(~Exists(own)) | Q(Exists(on_course))


class ModuleQuerySet(models.QuerySet["Module"]):
    def visible_to(self, person: Person, access: Access) -> ModuleQuerySet:
        """Modules whose attendance as a whole the person may see: those they lead, and their departments'."""
        departments = access.departments(*KEEPS_REGISTERS)
        if departments is None:
            return self
        return self.filter(
            Q(department__in=departments) | Q(pk__in=ModuleLeader.objects.led_by(person, access).values("module"))
        )

    def taught_by(self, person: Person, access: Access) -> ModuleQuerySet:
        """Modules to which the person may add a class: those they teach a class or a group of, those whose attendance they
        may see, and for the timetabling team all of them."""
        if access.holds(Role.TIMETABLING):
            return self
        own = Q(pk__in=self.visible_to(person, access).values("pk"))
        if access.holds(Role.LECTURER):
            own |= Q(pk__in=Teaching.objects.filter(person=person).values("session__module"))
            own |= Q(pk__in=GroupStaff.objects.filter(person=person).values("group__module"))
        return self.filter(own)


class Module(Sourced):
    """A unit of study within a year."""

    code = models.CharField(max_length=60, unique=True)
    title = models.CharField(max_length=250)
    department = models.ForeignKey(Department, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    ended_on = models.DateField(null=True, blank=True)
    """The last day its source knew it; empty while it does."""
    declared = about_no_one("source source_id code title department ended_on")

    objects = ModuleQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.code} {self.title}"


class ModuleLeaderQuerySet(models.QuerySet["ModuleLeader"]):
    def led_by(self, person: Person, access: Access) -> ModuleLeaderQuerySet:
        """What the person leads on the day of `access`, both ends included; nothing without the role."""
        if not access.holds(Role.MODULE_LEADER):
            return self.none()
        on = access.on
        return self.filter(Q(starts_on=None) | Q(starts_on__lte=on), Q(ends_on=None) | Q(ends_on__gte=on), person=person)


class ModuleLeader(models.Model):
    """Who leads a module, from one day to another (empty: open): with the role, every class of it is theirs to see."""

    module = models.ForeignKey(Module, on_delete=models.CASCADE, related_name="leaders")
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")
    starts_on = models.DateField(null=True, blank=True)
    ends_on = models.DateField(null=True, blank=True)
    source = models.CharField(max_length=40, blank=True)
    declared = declare("person", Keep.ACCOUNTS, For.SERVICE, From.RECORDS, facts="module starts_on ends_on source")

    objects = ModuleLeaderQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["module", "person"], name="one_leader_row_per_module")]

    def __str__(self) -> str:
        return f"{self.person_id} leads {self.module_id}"


class Group(Sourced):
    """The students of a module who are taught together (lecture group, lab group B)."""

    module = models.ForeignKey(Module, on_delete=models.PROTECT, related_name="groups")
    code = models.CharField(max_length=120)
    name = models.CharField(max_length=250, blank=True)
    kind = models.CharField(max_length=20, choices=[(k.value, k.value) for k in Kind], default=Kind.OTHER)
    ended_on = models.DateField(null=True, blank=True)
    """The last day its source knew it; empty while it does."""
    declared = about_no_one("source source_id module code name kind ended_on")

    class Meta(Sourced.Meta):
        constraints = [
            *Sourced.Meta.constraints,
            models.UniqueConstraint(fields=["module", "code"], name="one_group_per_module_and_code"),
        ]

    def __str__(self) -> str:
        return self.name or self.code


class PlaceQuerySet(models.QuerySet["Place"]):
    def on(self, day: date) -> PlaceQuerySet:
        """Places held on that day, both ends included."""
        return self.filter(Q(starts_on=None) | Q(starts_on__lte=day), Q(ends_on=None) | Q(ends_on__gte=day))


class Place(Sourced):
    """One student's membership of a group, from one day to another (empty: open). Never deleted, only ended."""

    group = models.ForeignKey(Group, on_delete=models.CASCADE, related_name="places")
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")
    starts_on = models.DateField(null=True, blank=True)
    ends_on = models.DateField(null=True, blank=True)
    declared = declare(
        "person", Keep.ATTENDANCE, For.TEACHING, From.RECORDS, facts="group starts_on ends_on", names="source source_id"
    )

    objects = PlaceQuerySet.as_manager()

    class Meta(Sourced.Meta):
        indexes = [models.Index(fields=["person", "group"], name="place_by_person")]

    def __str__(self) -> str:
        return f"{self.person_id} in {self.group_id}"


class PlaceChange(models.Model):
    """Append-only: a place as it was known from this moment on. The source of "as of"; a place without any was never changed
    since its history began."""

    place = models.ForeignKey(Place, on_delete=models.CASCADE, related_name="changes")
    group = models.ForeignKey(Group, on_delete=models.CASCADE, related_name="+")
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")
    starts_on = models.DateField(null=True)
    ends_on = models.DateField(null=True)
    at = models.DateTimeField()
    declared = declare("person", Keep.ATTENDANCE, For.TEACHING, From.RECORDS, facts="place group starts_on ends_on at")

    def __str__(self) -> str:
        return f"{self.person_id} in {self.group_id} from {self.at:%Y-%m-%d %H:%M}"


class GroupStaff(models.Model):
    """A lecturer of a group: teaches its classes where the timetable names no staff."""

    group = models.ForeignKey(Group, on_delete=models.CASCADE, related_name="staff")
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")
    source = models.CharField(max_length=40, blank=True)
    source_id = models.CharField(max_length=200, blank=True)
    declared = declare("person", Keep.ACCOUNTS, For.SERVICE, From.RECORDS, facts="group", names="source source_id")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["group", "person"], name="one_staff_row_per_group")]

    def __str__(self) -> str:
        return f"{self.person_id} teaches {self.group_id}"


def _taught_by(person: Person) -> Q:
    named = Teaching.objects.filter(person=person).values("session")
    groups = GroupStaff.objects.filter(person=person).values("group")
    by_group = ClassSession.groups.through.objects.filter(group__in=groups).values("classsession")
    names_nobody = ~Exists(Teaching.objects.filter(session=OuterRef("pk")))
    return Q(pk__in=named) | Q(names_nobody, pk__in=by_group)


class ClassSessionQuerySet(models.QuerySet["ClassSession"]):
    def taught_by(self, person: Person) -> ClassSessionQuerySet:
        """Classes the person teaches, covers or co-teaches. A class that names no staff belongs to its groups' lecturers."""
        return self.filter(_taught_by(person))

    def expecting(self, person: Person) -> ClassSessionQuerySet:
        """Classes the person was expected in: a place in one of the groups, and on a course, on the day of the class."""
        return self.filter(
            studies(person, OuterRef("starts_on")),
            Q(groups__places__starts_on=None) | Q(groups__places__starts_on__lte=F("starts_on")),
            Q(groups__places__ends_on=None) | Q(groups__places__ends_on__gte=F("starts_on")),
            groups__places__person=person,
        ).distinct()

    def visible_to(self, person: Person, access: Access) -> ClassSessionQuerySet:
        """Classes whose register the person may open, given what they may be. Nothing else exists for them:
        their departments' (also joint ones), those of modules they lead, and those they teach."""
        departments = access.departments(*KEEPS_REGISTERS)
        if departments is None:
            return self
        modules = Module.objects.visible_to(person, access).values("pk")
        joint = ClassSession.groups.through.objects.filter(group__module__in=modules).values("classsession")
        own = _taught_by(person) if access.holds(Role.LECTURER) else Q()
        if not departments and not access.holds(Role.MODULE_LEADER):
            return self.filter(own) if own else self.none()
        return self.filter(Q(module__in=modules) | Q(pk__in=joint) | own)

    def changeable_by(self, person: Person, access: Access) -> ClassSessionQuerySet:
        """Classes that the person may cancel, move, have covered: those whose register they may open, and for the
        timetabling team every class."""
        return self if access.holds(Role.TIMETABLING) else self.visible_to(person, access)

    def between(self, start: datetime, end: datetime) -> ClassSessionQuerySet:
        """Classes that start in [start, end)."""
        return self.filter(starts_at__gte=start, starts_at__lt=end)


class ClassSession(models.Model):
    """One scheduled occurrence on the timetable: a class. Times are UTC; `starts_on` is its civil date, and the day whose
    places decide who is expected in it: a class that is moved after it was held keeps that day."""

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    source = models.CharField(max_length=40, blank=True)
    source_id = models.CharField(max_length=200, blank=True)
    occurrence = models.CharField(max_length=40, blank=True)
    """Which repetition of the event this is; with source and source_id the key that keeps marks across imports."""
    module = models.ForeignKey(Module, on_delete=models.PROTECT, related_name="sessions")
    title = models.CharField(max_length=250)
    kind = models.CharField(max_length=20, choices=[(k.value, k.value) for k in Kind], default=Kind.OTHER)
    delivery = models.CharField(max_length=20, choices=[(d.value, d.value) for d in Delivery], default=Delivery.IN_PERSON)
    mandatory = models.BooleanField(default=True)
    delivery_partner = models.ForeignKey(
        DeliveryPartner,
        to_field="code",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="sessions",
        db_index=False,
    )
    """Who teaches it for the university; empty: the university itself."""
    status = models.CharField(max_length=20, choices=[(s.value, s.value) for s in ClassStatus], default=ClassStatus.SCHEDULED)
    starts_at = models.DateTimeField(db_index=True)
    ends_at = models.DateTimeField()
    starts_on = models.DateField(db_index=True)
    zone = models.CharField(max_length=40, default="Europe/London")
    rooms = models.ManyToManyField(Room, related_name="sessions", blank=True)
    groups = models.ManyToManyField(Group, related_name="sessions", blank=True)
    staff = models.ManyToManyField(Person, through="Teaching", related_name="taught_sessions", blank=True)
    version = models.PositiveIntegerField(default=1)
    source_changed_at = models.DateTimeField(null=True, blank=True)
    sequence = models.PositiveIntegerField(default=0)
    """iCalendar SEQUENCE: an older one never overwrites a newer one."""
    suspect_since = models.DateTimeField(null=True, blank=True)
    """Set while the class is missing from its source: suspect, not cancelled, until a person says so."""
    kept_at = models.DateTimeField(null=True, blank=True)
    """When a person said that a suspect class does take place: not suspected again until its source names it again."""
    said = models.JSONField(null=True, blank=True)
    """What its source last said, in the source's words: only what differs from it changes the class, so that a change
    made here by hand outlives the next import."""
    declared = about_no_one(
        "ref source source_id occurrence module title kind delivery mandatory delivery_partner status starts_at ends_at "
        "starts_on zone rooms groups version source_changed_at sequence suspect_since kept_at said",
        people="staff",
    )

    objects = ClassSessionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["source", "source_id", "occurrence"], condition=~Q(source=""), name="one_session_per_occurrence"
            ),
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="session_ends_after_it_starts"),
        ]
        indexes = [
            models.Index(
                fields=["delivery_partner", "starts_at"], condition=Q(delivery_partner__isnull=False), name="class_by_partner"
            )
        ]

    def __str__(self) -> str:
        return f"{self.title} {self.starts_at:%Y-%m-%d %H:%M}"

    @property
    def cancelled(self) -> bool:
        return self.status == ClassStatus.CANCELLED


class Teaching(models.Model):
    """One member of staff on one class. Covers and co-teachers have the same rights over its register."""

    session = models.ForeignKey(ClassSession, on_delete=models.CASCADE, related_name="teachings")
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")
    declared = declare("person", Keep.ACCOUNTS, For.SERVICE, From.RECORDS, facts="session")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["session", "person"], name="one_teaching_per_person")]

    def __str__(self) -> str:
        return f"{self.person_id} teaches {self.session_id}"


class ClassChange(models.Model):
    """Append-only: one step in the life of a class, with what it was and what it became. The source of "as of"."""

    session = models.ForeignKey(ClassSession, on_delete=models.CASCADE, related_name="changes")
    version = models.PositiveIntegerField()
    at = models.DateTimeField()
    change = models.CharField(max_length=12, choices=[(c.value, c.value) for c in Change])
    before = models.JSONField(null=True)
    after = models.JSONField()
    actor = models.CharField(max_length=64)
    reason = models.CharField(max_length=200, blank=True)
    import_run = models.ForeignKey(Import, null=True, on_delete=models.SET_NULL, related_name="+")
    declared = about_no_one("session version at change import_run", people="actor", words="before after reason")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["session", "version"], name="one_change_per_version")]
        indexes = [models.Index(fields=["at"], name="class_change_by_time")]

    def __str__(self) -> str:
        return f"{self.change} {self.session_id} v{self.version}"


class ClassReport(models.Model):
    """What a person at the class said about it before the timetabling team did. It takes effect at once and waits to be
    confirmed or undone; until then imports do not overwrite these facts."""

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    session = models.ForeignKey(ClassSession, on_delete=models.CASCADE, related_name="reports")
    by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    reason = models.CharField(max_length=200, blank=True)
    touches = models.JSONField(default=list)
    """What it is about: `status`, `when`, `rooms`, `staff`, `groups`, `delivery`, or `new` for a class that it added."""
    undo = models.JSONField(default=dict)
    """What undoing it restores, by the same words: the class as it was, or as its source has said since."""
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(Person, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    """Empty when the source came to say the same."""
    confirmed = models.BooleanField(null=True)
    declared = about_no_one("ref session at touches undo decided_at confirmed", people="by decided_by", words="reason")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["session"], condition=Q(decided_at=None), name="one_open_report_per_class"),
            models.CheckConstraint(
                condition=Q(decided_at=None, confirmed=None) | Q(decided_at__isnull=False, confirmed__isnull=False),
                name="report_decided_with_its_time",
            ),
        ]

    def __str__(self) -> str:
        return f"report on {self.session_id}"

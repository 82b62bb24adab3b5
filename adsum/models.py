"""The one list of tables."""

from adsum.accounts.models import BreakGlass, Department, Identifier, Person, RoleGrant, UsedAssertion
from adsum.attendance.models import (
    Correction,
    Mark,
    MarkChange,
    Outage,
    Policy,
    Proposal,
    ProposedMark,
    Query,
    Register,
    ReportedPeriod,
)
from adsum.audit.models import AccessLog, AccessReport, Alias, Checkpoint, Event, Leaf, Node, Verification
from adsum.checkin.models import (
    Alarm,
    CheckAnswer,
    Display,
    Epoch,
    GateState,
    HeldDecision,
    Kiosk,
    LateCode,
    Opening,
    Pairing,
    RetiredKey,
    RevokedPass,
    Scan,
    SecondCheck,
    SpotCall,
    SpotCheck,
    TypedTries,
)
from adsum.messages.models import Bookmark, Message, Told
from adsum.timetable.models import (
    CalendarKey,
    ClassChange,
    ClassReport,
    ClassSession,
    Course,
    Enrolment,
    Group,
    GroupStaff,
    Module,
    ModuleLeader,
    Place,
    PlaceChange,
    Room,
    Site,
    Teaching,
    Term,
    Vacation,
)
from adsum.timetable.sources import FeedMapping, Import, ImportChange, ImportProblem, Poll

__all__ = [
    "AccessLog", "AccessReport", "Alarm", "Alias", "Bookmark", "BreakGlass", "CalendarKey", "CheckAnswer", "Checkpoint",
    "ClassChange", "ClassReport", "ClassSession", "Correction", "Course", "Department", "Display", "Enrolment", "Epoch",
    "Event", "FeedMapping", "GateState", "Group", "GroupStaff", "HeldDecision", "Identifier", "Import", "ImportChange",
    "ImportProblem", "Kiosk", "LateCode", "Leaf", "Mark", "MarkChange", "Message", "Module", "ModuleLeader", "Node", "Opening",
    "Outage", "Pairing", "Person", "Place", "PlaceChange", "Policy", "Poll", "Proposal", "ProposedMark", "Query", "Register",
    "ReportedPeriod", "RetiredKey", "RevokedPass", "RoleGrant", "Room", "Scan", "SecondCheck", "Site", "SpotCall", "SpotCheck",
    "Teaching", "Term", "Told", "TypedTries", "UsedAssertion", "Vacation", "Verification",
]  # fmt: skip

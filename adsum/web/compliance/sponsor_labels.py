"""The words for what is known of sponsored students."""

from django.utils.translation import gettext_lazy as _

from adsum.compliance.clock import Because
from adsum.compliance.sponsor_rules import Arrival, ArrivalStage, Level, Mode, Permission, Route
from adsum.compliance.taught import Light
from adsum.compliance.watching import Ended, Sign
from adsum.compliance.weights import Assurance, Way
from adsum.engagement.supervising import Supervised

ROUTES = {Route.STUDENT: _("Student"), Route.CHILD_STUDENT: _("Child Student"), Route.TIER_4: _("Tier 4 (before October 2020)")}
LEVELS = {
    Level.PRE_SESSIONAL: _("Pre-sessional"),
    Level.BELOW_DEGREE: _("Below degree level"),
    Level.DEGREE: _("First degree"),
    Level.TAUGHT: _("Taught postgraduate"),
    Level.RESEARCH: _("Research"),
}
MODES = {Mode.FULL_TIME: _("Full time"), Mode.PART_TIME: _("Part time")}
STEPS = {Arrival.ARRIVED: _("Arrived"), Arrival.VISA_CHECKED: _("Visa checked"), Arrival.ENROLLED: _("Enrolled")}
STAGES = {
    ArrivalStage.EXPECTED: _("Expected"),
    ArrivalStage.ARRIVED: _("Arrived"),
    ArrivalStage.VISA_CHECKED: _("Visa checked"),
    ArrivalStage.ENROLLED: _("Enrolled"),
    ArrivalStage.ATTENDING: _("Attending"),
    ArrivalStage.MISSING: _("Not enrolled in time"),
}
PERMISSIONS = {
    Permission.UNKNOWN: _("Not known"),
    Permission.NOT_BEGUN: _("Not begun"),
    Permission.HOLDS: _("In force"),
    Permission.ENDS_SOON: _("Ends soon"),
    Permission.PENDING: _("Application pending"),
    Permission.ENDED: _("Ended"),
}
WAYS = {
    Way.SCAN: _("Checked in to a class"),
    Way.STAFF: _("Marked present in a class by a person"),
    Way.FILE: _("Marked present in a class from a file"),
    Way.ONLINE: _("Attended a class that is taught remotely"),
    Way.REMOTE: _("Joined a class remotely that is taught in a room"),
    Way.MEETING: _("Came to a meeting"),
    Way.CONVERSATION: _("Conversation, or an answer of the student’s"),
    Way.SUPERVISION: _("Supervision"),
    Way.SUBMISSION: _("Submission"),
    Way.EXAM: _("Examination"),
    Way.VISA_CHECK: _("Visa check"),
    Way.VLE: _("Opened a page of the learning environment"),
    Way.SELF_REPORTED: _("Told of an absence"),
}
ASSURANCES = {Assurance.LOW: _("low"), Assurance.MEDIUM: _("medium"), Assurance.HIGH: _("high")}
PAUSES = {Because.VACATION: _("Vacation"), Because.ABSENCE: _("Approved absence"), Because.SUSPENDED: _("Suspended")}
SIGNS = {
    Sign.POLICY: _("days without engagement by the university’s clock"),
    Sign.CALENDAR: _("days without engagement by the calendar"),
    Sign.ROW: _("classes missed in a row"),
    Sign.PERMISSION: _("days until the permission ends"),
    Sign.CONTACTS: _("contacts too few in the period"),
    Sign.MONTH: _("per cent not reached in the month"),
}
ENDED = {Ended.ENGAGED: _("The student engaged"), Ended.CORRECTED: _("The record was put right"), Ended.OVER: _("It is over")}
LIGHTS = {Light.GREEN: _("Within"), Light.AMBER: _("Near the limit"), Light.RED: _("Beyond the limit")}
LIGHT_TAGS = {Light.GREEN: "", Light.AMBER: "tag-warn", Light.RED: "tag-bad"}
SUPERVISED = {
    Supervised.WAITING: _("Not answered"),
    Supervised.MET: _("Met"),
    Supervised.NOT_MET: _("Not met"),
    Supervised.NOT_OBSERVED: _("Not observed"),
}

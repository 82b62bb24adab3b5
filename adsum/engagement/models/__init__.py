"""The tables of engagement: a file for each thing."""

from adsum.engagement.models.alert import Alert, AlertClass, Closure, Tick, Told, WelfareHold
from adsum.engagement.models.answer import ReminderAnswer
from adsum.engagement.models.assigned import Assigned
from adsum.engagement.models.case import Case, CaseStep, Contacted, Meeting, MeetingSlot
from adsum.engagement.models.concern import Concern, Conduct, ConductClass
from adsum.engagement.models.contact import ContactPoint
from adsum.engagement.models.cover import Fallback, Leave
from adsum.engagement.models.monitoring import MonitoringGroup
from adsum.engagement.models.policy import AlertRule, RuleSwitch, RuleVersion, StageWording, WordingApproval
from adsum.engagement.models.supervision import Supervision, SupervisionPlan
from adsum.engagement.models.trial import Judgement, RuleTrial, WouldBe

__all__ = [
    "Alert",
    "AlertClass",
    "AlertRule",
    "Assigned",
    "Case",
    "CaseStep",
    "Closure",
    "Concern",
    "Conduct",
    "ConductClass",
    "ContactPoint",
    "Contacted",
    "Fallback",
    "Judgement",
    "Leave",
    "Meeting",
    "MeetingSlot",
    "MonitoringGroup",
    "ReminderAnswer",
    "RuleSwitch",
    "RuleTrial",
    "RuleVersion",
    "StageWording",
    "Supervision",
    "SupervisionPlan",
    "Tick",
    "Told",
    "WelfareHold",
    "WordingApproval",
    "WouldBe",
]

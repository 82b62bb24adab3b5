"""What `test_scoping` looks for: a query of a page that begins with everybody's rows (T-AZ-8)."""

import ast
from collections.abc import Iterator
from pathlib import Path

SCOPES = {"visible_to", "taught_by", "expecting", "led_by", "open_to", "changeable_by", "none"}
"""What makes the rows those that this person may see."""

ROWS = {"session", "opening", "person"}
"""Names under which a view holds a row that was scoped before; `student` is one in some views and an address in others."""

SCREEN = "a screen is known by the secret it keeps"
SCOPED = "of rows that were scoped before"
ADMINISTRATORS = "administrators see everybody; nobody else has the page"
APPLICATIONS = "applications are the whole university's; administrators set them up, and nobody else has the page"
OFFICER = "the data-protection officer sees every look; nobody else has the page"
AUDITOR = "the auditor sees every event; nobody else has the page"
OUTAGES = "an outage is the whole university's, and names nobody"
POLICIES = "what a policy says is public"
COVER = "who steps in is said for the whole university; nobody else has the page"
DECIDERS = "who decides is the whole university's to say; nobody else has the page"
DEMO = "the demo's own people"
RULES = "alert rules are the whole university's, and name nobody"
UKVI = "the UKVI officer sees every sponsored student; nobody else has the page"
SLC = "the SLC officer sees every funded student; nobody else has the page"
COMPLIANCE = "guidance and samples are the whole university's; who may draw from which is decided by the scope in their address"
PARTNERS = "partners and their checks are the whole university's; only those who oversee them have the page"
PRIVACY = "the data-protection officer sees every request; nobody else has the page but the auditor, who sees disclosures"
ALLOWED = {
    "compliance/board.py _hearing Representation": UKVI,
    "compliance/board.py _rows Duty": UKVI,
    "compliance/board.py _rows Person": UKVI,
    "compliance/board.py _rows SponsorStanding": UKVI,
    "compliance/board.py board SponsorStanding": UKVI,
    "compliance/campus.py _rows Person": UKVI,
    "compliance/duties.py checked Duty": UKVI,
    "compliance/duties.py moments DutyStep": UKVI,
    "compliance/funding.py deadlines Confirmation": SLC,
    "compliance/funding.py overview ChangeOfCircumstance": SLC,
    "compliance/funding.py overview Funding": SLC,
    "compliance/funding.py overview LiabilityPoint": SLC,
    "compliance/funding_files.py WorklistForm LiabilityPoint": SLC,
    "compliance/funding_files.py back TheirWorklist": SLC,
    "compliance/funding_files.py files TheirWorklist": SLC,
    "compliance/funding_files.py points LiabilityPoint": SLC,
    "compliance/funding_files.py profiles Funding": SLC,
    "compliance/funding_tasks.py task ChangeOfCircumstance": SLC,
    "compliance/funding_tasks.py tasks ChangeOfCircumstance": SLC,
    "compliance/funding_worklist.py look_again LiabilityPoint": SLC,
    "compliance/funding_worklist.py together Confirmation": SLC,
    "compliance/funding_worklist.py together LiabilityPoint": SLC,
    "compliance/funding_worklist.py worklist Confirmation": SLC,
    "compliance/funding_worklist.py worklist LiabilityPoint": SLC,
    "compliance/guidance.py edition Edition": COMPLIANCE,
    "compliance/guidance.py editions Edition": COMPLIANCE,
    "compliance/packs.py _page Sample": COMPLIANCE,
    "compliance/packs.py _sample Sample": COMPLIANCE,
    "compliance/partners.py _classes_of ClassSession": PARTNERS,
    "compliance/partners.py _page PartnerCheck": PARTNERS,
    "compliance/partners.py count PartnerCheck": PARTNERS,
    "compliance/partners.py draw PartnerCheck": PARTNERS,
    "compliance/partners.py students Enrolment": PARTNERS,
    "compliance/sponsor_terms.py __init__ Enrolment": UKVI,
    "compliance/sponsor_terms.py _taught SponsorStanding": UKVI,
    "compliance/sponsor_terms.py supervisions Supervision": UKVI,
    "compliance/sponsor_terms.py terms SponsorTerms": UKVI,
    "compliance/sponsor_terms.py terms StudyVacation": UKVI,
    "compliance/sponsor_terms.py terms SupervisionPlan": UKVI,
    "compliance/sponsor_work.py arrivals SponsorStanding": UKVI,
    "compliance/sponsor_work.py clean_agreed_by Person": UKVI,
    "compliance/sponsor_work.py leave SponsorProfile": UKVI,
    "compliance/sponsored.py _clocks SponsorStanding": UKVI,
    "compliance/sponsored.py _filtered SponsorAlert": UKVI,
    "compliance/sponsored.py _the_student Person": UKVI,
    "compliance/sponsored.py _the_student SponsorProfile": UKVI,
    "compliance/sponsored.py clean_number Person": UKVI,
    "compliance/sponsored.py clean_number RoleGrant": UKVI,
    "compliance/sponsored.py profile SponsorProfile": UKVI,
    "compliance/sponsored.py student SponsorAlert": UKVI,
    "compliance/sponsored.py student SponsorStanding": UKVI,
    "compliance/sponsored.py students Person": UKVI,
    "compliance/sponsored.py students SponsorStanding": UKVI,
    "frame.py _waiting BreakGlass": "a number, for the data-protection officer alone",
    "frame.py _waiting RightsRequest": "a number, for the data-protection officer alone",
    "frame.py _waiting SponsorStanding": "a number, for the UKVI officer alone",
    "frame.py _waiting Duty": "a number, for the UKVI officer alone",
    "frame.py _waiting ChangeOfCircumstance": "a number, of the fundings that this officer may see",
    "frame.py _waiting ClassReport": "a number, for the timetabling team and administrators alone",
    "live/streams.py _still_there ClassSession": "of a class that this visitor may open",
    "office/alert_rules.py approve_wording RuleVersion": RULES,
    "office/rooms.py _uses ClassSession": "numbers of rooms; of one's own classes, but for timetabling and administrators",
    "oversight/disclosures.py index Disclosure": PRIVACY,
    "oversight/erasure.py _asked RightsRequest": PRIVACY,
    "oversight/erasure.py decide Erasure": PRIVACY,
    "oversight/erasure.py index Erasure": PRIVACY,
    "oversight/erasure.py one Erasure": PRIVACY,
    "oversight/retention.py decide RetentionRun": PRIVACY,
    "oversight/retention.py index LegalHold": PRIVACY,
    "oversight/retention.py index RetentionRun": PRIVACY,
    "oversight/retention.py release LegalHold": PRIVACY,
    "oversight/rights.py _found RightsRequest": PRIVACY,
    "oversight/rights.py hand_over AccessFile": PRIVACY,
    "oversight/rights.py index RightsRequest": PRIVACY,
    "student/record.py query Opening": SCOPED,
    "student/decisions.py _open Message": "one's own: the decision was looked up by whom it is told",
    "support/cases.py _page Alert": SCOPED,
    "support/supervisions.py answer Supervision": "of whom one supervises",
    "support/work.py _colleagues RoleGrant": "colleagues of the same departments",
    "support/work_kinds.py counted Person": "oneself, to count what waits in one query",
    "support/work_kinds.py with_owners Person": "colleagues to whom one's own tasks were given",
    "case_timeline.py moments CaseStep": SCOPED,
    "case_timeline.py moments Concern": SCOPED,
    "case_timeline.py moments Contacted": SCOPED,
    "case_timeline.py told_to_student CaseStep": SCOPED,
    "office/conduct.py refer Scan": "of classes and students that are scoped in the same query",
    "office/cover.py back Leave": COVER,
    "office/cover.py clean Person": COVER,
    "office/cover.py overview Fallback": COVER,
    "office/cover.py overview Leave": COVER,
    "student/support.py calendar Meeting": "of the two who meet",
    "support/case_deeds.py _hand_over Person": "a case may be given to any colleague",
    "support/concerns.py about_student_in_class Person": SCOPED,
    "calendars.py feed CalendarKey": "a calendar is known by the secret in its address",
    "class_news.py undoing Person": SCOPED,
    "live/streams.py _display Display": SCREEN,
    "oversight/access.py _rows Person": OFFICER,
    "oversight/access.py access BreakGlass": OFFICER,
    "oversight/access.py seen BreakGlass": OFFICER,
    "messages.py choices Message": "one's own, narrowed to whoever asks",
    "messages.py message Message": "one's own, narrowed to whoever asks",
    "messages.py messages Message": "one's own, narrowed to whoever asks",
    "support/contact.py contact ContactDetail": SCOPED,
    "support/unopened.py open_to HandOver": "one's own tasks, and those about students who are scoped in the same query",
    "support/unopened.py unopened ContactDetail": SCOPED,
    "admin/applications.py _page ApplicationToken": APPLICATIONS,
    "admin/applications.py _page Webhook": APPLICATIONS,
    "admin/applications.py checked Application": APPLICATIONS,
    "admin/applications.py clean_name Application": APPLICATIONS,
    "admin/applications.py end_token ApplicationToken": APPLICATIONS,
    "admin/applications.py index Application": APPLICATIONS,
    "admin/webhooks.py _page WebhookDelivery": APPLICATIONS,
    "admin/webhooks.py checked Webhook": APPLICATIONS,
    "admin/webhooks.py replay WebhookDelivery": APPLICATIONS,
    "admin/outbox.py decide Message": "the whole outbox belongs to those who may open it at all",
    "admin/outbox.py outbox Message": "the whole outbox belongs to those who may open it at all",
    "oversight/audit.py _people Person": AUDITOR,
    "oversight/audit.py _rows ClassSession": AUDITOR,
    "oversight/audit.py _rows Person": AUDITOR,
    "office/outages.py end Outage": OUTAGES,
    "office/outages.py overview Outage": OUTAGES,
    "office/outages.py withdraw Outage": OUTAGES,
    "admin/people.py _names Person": ADMINISTRATORS,
    "admin/people.py checked Person": ADMINISTRATORS,
    "admin/people.py take_role RoleGrant": ADMINISTRATORS,
    "admin/people.py stop_leading ModuleLeader": ADMINISTRATORS,
    "admin/people.py people Person": ADMINISTRATORS,
    "admin/people.py people RoleGrant": ADMINISTRATORS,
    "office/alert_rules.py _begin_with RuleVersion": RULES,
    "office/alert_rules.py _editor RuleVersion": RULES,
    "office/alert_rules.py detail RuleVersion": RULES,
    "office/alert_rules.py index RuleVersion": RULES,
    "office/alert_rules.py switch Person": "guests of a rehearsal are named by number, by those who make the rules",
    "office/alert_rules.py switch RuleVersion": RULES,
    "office/alert_rules.py trial RuleTrial": "sums of the whole university, with small numbers hidden",
    "office/alert_rules.py try_it RuleVersion": RULES,
    "office/alerts.py _classes Mark": SCOPED,
    "office/alerts.py _tick ClassSession": "only classes of an alert that was scoped before are ticked",
    "office/alerts.py detail WelfareHold": SCOPED,
    "office/alerts.py mine Alert": "of the departments over which the person is attendance team, in the same query",
    "office/contradictions.py waiting Contradiction": "of classes that are scoped in the same query",
    "office/rehearsal.py _of ClassSession": SCOPED,
    "office/rehearsal.py index RuleSwitch": RULES,
    "office/rehearsal.py judgement WouldBe": "of students who are scoped in the same query",
    "student/reminder.py _classes ClassSession": "one's own classes, narrowed to whoever asks",
    "office/policies.py _begin_with Policy": POLICIES,
    "office/policies.py _within Policy": POLICIES,
    "office/policies.py detail Policy": POLICIES,
    "office/policies.py index Policy": POLICIES,
    "timetabling/reported.py decide ClassReport": "the timetabling team settles what anybody reports of a class",
    "policy.py version Policy": POLICIES,
    "signin/entrance.py _demo_person Identifier": DEMO,
    "signin/scan.py scan_waiting Opening": "the class whose code this browser has just scanned",
    "student/record.py class_record Opening": SCOPED,
    "student/record.py module_record Opening": SCOPED,
    "student/today.py _cards Opening": SCOPED,
    "support/modules.py module Person": SCOPED,
    "support/record.py record Enrolment": SCOPED,
    "support/students.py _courses Enrolment": SCOPED,
    "teaching/amendments.py decide_proposal Proposal": SCOPED,
    "teaching/amendments.py waiting_in ClassSession": SCOPED,
    "teaching/class_changes.py _staffed Person": "of those who teach a class that one may change",
    "teaching/class_changes.py _teachers Person": "whoever teaches may be asked to cover",
    "teaching/class_changes.py _teachers RoleGrant": "whoever teaches may be asked to cover",
    "teaching/checkin.py stop_screen Display": SCOPED,
    "teaching/checks.py call SpotCall": SCOPED,
    "teaching/checks.py overview SpotCall": SCOPED,
    "teaching/checks.py seen CheckAnswer": SCOPED,
    "teaching/checks.py take_back SecondCheck": SCOPED,
    "office/queries.py _together Mark": SCOPED,
    "office/absence_rules.py __init__ Person": DECIDERS,
    "office/absence_rules.py __init__ RoleGrant": DECIDERS,
    "office/absence_rules.py _page AbsenceRoute": DECIDERS,
    "office/absence_rules.py _page AbsenceTerms": POLICIES,
    "office/absence_rules.py end_decider AbsenceRoute": DECIDERS,
    "support/absences.py shared_evidence AbsenceRequest": SCOPED,
    "support/deciding.py _narrowed Enrolment": "narrows rows that are scoped",
    "support/record.py _files Evidence": SCOPED,
    "support/record.py record AbsenceRequest": SCOPED,
    "office/classes.py _matching ClassSession": "narrows rows that are scoped",
    "teaching/display.py _held Display": SCREEN,
    "teaching/held.py decide Scan": "asks of its class at once",
    "teaching/kiosk.py _held Kiosk": SCREEN,
    "teaching/kiosk.py stop Kiosk": SCOPED,
    "teaching/marks.py _line_of Person": SCOPED,
    "teaching/register.py register ClassSession": SCOPED,
}
"""Where a page begins with all rows of a table about people, and why that is right: file, function, model."""


def unscoped(path: Path, tree: ast.AST, models: set[str]) -> Iterator[str]:
    """Where a file (its path below web/) begins a query with all rows of one of these models: file, function, model."""
    above = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}

    def function(node: ast.AST) -> str:
        while node in above and not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            node = above[node]
        return getattr(node, "name", "-")

    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in {"objects", "_default_manager", "_base_manager"}:
            begins = above.get(node)
            scoped = isinstance(begins, ast.Attribute) and begins.attr in SCOPES
            if isinstance(node.value, ast.Name) and node.value.id in models and not scoped and not _narrowed(node, above):
                yield f"{path.as_posix()} {function(node)} {node.value.id}"
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "get_object_or_404":
            for first in node.args[:1]:
                if isinstance(first, ast.Name) and first.id in models:
                    yield f"{path.as_posix()} {function(node)} {first.id}"


def _narrowed(node: ast.AST, above: dict[ast.AST, ast.AST]) -> bool:
    """Whether the query asks at once for what belongs to a row in hand, under its own name (`session=session`), or to whoever
    asks (`person=request.user`). What an address says is called `ref` or `pk`, so it is not mistaken for a row."""
    while node in above and not isinstance(node, ast.stmt):
        node = above[node]
        called = getattr(node.func, "attr", getattr(node.func, "id", "")) if isinstance(node, ast.Call) else ""
        if isinstance(node, ast.Call) and called in {"filter", "get", "get_object_or_404"}:
            for keyword in node.keywords:
                own = isinstance(keyword.value, ast.Attribute) and ast.unparse(keyword.value) == "request.user"
                if own or (isinstance(keyword.value, ast.Name) and keyword.value.id == keyword.arg and keyword.arg in ROWS):
                    return True
    return False

"""What the table of doors leads to: a class that is on now, everyone who knocks, and one of everything an address can name."""

from datetime import UTC, date, datetime, timedelta
from urllib.parse import urlencode

from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.test import Client

from adsum.absence.evidence import keep
from adsum.absence.placements import Stay, place
from adsum.absence.reports import span_of
from adsum.absence.rules import Cleaned, FileKind, Spell
from adsum.absence.services import Telling, tell
from adsum.absence.terms import add_route
from adsum.accounts import applications
from adsum.accounts.application_rules import Scope as MayDo
from adsum.accounts.application_tables import ApplicationToken
from adsum.accounts.models import Person, RoleGrant
from adsum.accounts.rules import Purpose, Role
from adsum.accounts.services import break_glass
from adsum.attendance.adjustments import Arrangement, adjust
from adsum.attendance.ahead import Contrary
from adsum.attendance.ahead_tables import Contradiction
from adsum.attendance.counting import Terms
from adsum.attendance.models import Correction, Mark, MarkChange, Proposal, ReportedPeriod
from adsum.attendance.outages import declare_outage
from adsum.attendance.policies import make_policy
from adsum.attendance.queries import raise_query
from adsum.attendance.reported import report_period
from adsum.attendance.rules import Reason, Source, Status
from adsum.attendance.weighing import Act
from adsum.audit.services import publish
from adsum.checkin.checks import begin_check, begin_spot_check
from adsum.checkin.kiosks import open_kiosk
from adsum.checkin.models import CheckAnswer, SpotCall
from adsum.checkin.pairing import begin_pairing
from adsum.checkin.rules import Refusal
from adsum.checkin.services import NewDisplay, add_display, open_checkin
from adsum.checkin.writer import record_scans
from adsum.compliance.duties import open_duty
from adsum.compliance.duty_life import Kind
from adsum.compliance.editions import edition_in_force
from adsum.compliance.guidance import Authority, Number
from adsum.compliance.models import Funding
from adsum.compliance.partner_checks import plan_check
from adsum.compliance.representations import About as RepresentationAbout
from adsum.compliance.representations import announce
from adsum.compliance.samples import draw_sample
from adsum.compliance.scopes import Scope
from adsum.compliance.sponsor_rules import Level, Sponsorship
from adsum.compliance.sponsorship import keep_profile
from adsum.core.university import civil_date
from adsum.engagement.case_rules import MeetingState, Span, Worry
from adsum.engagement.cases import open_case
from adsum.engagement.concerns import raise_concern
from adsum.engagement.conduct import About, refer_conduct
from adsum.engagement.covering import take_leave
from adsum.engagement.evaluation import evaluate
from adsum.engagement.meetings import offer_meeting, pick_slot, settle_meeting
from adsum.engagement.models import Alert, Closure, RuleTrial, StageWording, Supervision, WouldBe
from adsum.engagement.rules import Trigger
from adsum.engagement.supervisions import ask_for, tend_supervisions
from adsum.integrations.imports.mapping import PRESETS
from adsum.integrations.webhooks import services as webhooks
from adsum.integrations.webhooks.rules import Topic
from adsum.messages.models import HandOver, Message, Phone
from adsum.messages.ordering import order
from adsum.messages.report_rules import Every, Report
from adsum.messages.services import write as write_messages
from adsum.messages.topic import Draft, class_named
from adsum.messages.topics import queries
from adsum.privacy import rights_rules
from adsum.privacy.access_files import ask_for_file, keep_file
from adsum.privacy.disclosure_rules import Basis, Body
from adsum.privacy.disclosures import record_disclosure
from adsum.privacy.erasing import propose
from adsum.privacy.holds import hold
from adsum.privacy.models import RetentionRun
from adsum.privacy.requests import open_request
from adsum.timetable.models import ClassReport, Course, Enrolment, ModuleLeader, Term
from adsum.timetable.partners import add_partner
from adsum.timetable.services import renew_calendar, save_mapping, start_import
from tests.kit import oidc
from tests.kit.alerted import rules_in_force
from tests.kit.door import IN, Door
from tests.kit.funded import funding_of
from tests.kit.guidance import edition, in_force
from tests.kit.marking import mark_students
from tests.kit.passkeys import give
from tests.kit.scans import attempt
from tests.kit.signing_in import prove
from tests.kit.world import World

EMPTY_ARCHIVE = b"PK\x05\x06" + bytes(18)


class House:
    """A class that is on now, everyone of WHO, and one of everything an address can name."""

    def __init__(self) -> None:
        world = World()
        at = datetime.now(UTC)
        group = world.group()
        computing, history = world.department("CS", "Computing"), world.department("HI", "History")
        elsewhere = world.group(world.module("Tudors", department=history))
        self.people: dict[str, Person] = {
            "student": world.student(groups=[group]),
            "other student": world.student(groups=[elsewhere]),
            "lecturer": world.lecturer(),
            "other lecturer": world.lecturer(),
            "leader": world.person(Role.MODULE_LEADER),
            "tutor": world.person(Role.TUTOR),
            "other tutor": world.person(Role.TUTOR),
            "department": world.person(Role.DEPARTMENT, department=computing),
            "other department": world.person(Role.DEPARTMENT, department=history),
            "team": world.person(Role.ATTENDANCE_TEAM),
            "ukvi": world.person(Role.COMPLIANCE_UKVI),
            "slc": world.person(Role.COMPLIANCE_SLC),
            "timetabling": world.person(Role.TIMETABLING),
            "administrator": world.person(Role.ADMINISTRATOR),
            "data protection": world.person(Role.DATA_PROTECTION),
            "auditor": world.person(Role.AUDITOR),
            "help desk": world.person(Role.HELP_DESK),
        }
        for who, department, tutor in (("student", computing, "tutor"), ("other student", history, "other tutor")):
            world.enrol(self.people[who], department, tutor=self.people[tutor])
        for who, person in self.people.items():
            if who == "administrator":  # the one with a password here
                person.set_password("correct horse battery")
            else:
                person.set_unusable_password()
            person.save()
        give(self.people["administrator"])
        student, other, lecturer = (self.people[who] for who in ("student", "other student", "lecturer"))
        session = world.session(group, starts_at=at - timedelta(minutes=5), staff=[lecturer])
        ModuleLeader.objects.create(module=session.module, person=self.people["leader"])
        world.session(elsewhere, staff=[self.people["other lecturer"]])
        mark_students(session, [student], Status.ABSENT, by=lecturer, at=at)
        opening = open_checkin(session, by=lecturer, at=at)
        self._away(student, world.session(group, starts_at=at + timedelta(days=3), staff=[lecturer]).starts_on, at)
        self.display: NewDisplay = add_display(opening, by=lecturer, at=at)
        held = attempt(opening, other, first_seen_at=at, finished_at=at, verdict=Refusal.NOT_EXPECTED)
        record_scans([held])
        mapping = save_mapping(
            name="feed", url="http://127.0.0.1:9/feed.ics", mapping=PRESETS["plain"], actor="system:test", at=at
        )
        report = ClassReport.objects.create(session=session, by=lecturer, at=at, touches=["rooms"], undo={"rooms": []})
        run = start_import(kind="events", filename="a.csv", content=b"", options={}, actor="system:test", at=at)
        old = world.session(group, starts_at=at - timedelta(days=20), staff=[lecturer])
        Mark.objects.create(session=old, student=student, status=Status.PRESENT, source=Source.STAFF, at=at, changed_at=at)
        day = old.starts_on
        report_period(ReportedPeriod.Body.SLC, starts_on=day, ends_on=day, by=self.people["slc"], at=at)
        change = MarkChange.objects.create(session=old, student=student, after=Status.PRESENT, source=Source.STAFF, at=at)
        correction = Correction.objects.create(change=change, period=ReportedPeriod.objects.get())
        proposal = Proposal.objects.create(
            session=session, status=Status.PRESENT, reason_code=Reason.OTHER, by=self.people["team"], at=at
        )
        policy = make_policy(
            Terms(),
            department=computing,
            kind="lab",
            valid_from=at.date() + timedelta(days=2),
            today=at.date(),
            by=self.people["team"],
            at=at,
        )
        here = world.student(groups=[group])
        mark_students(session, [here], Status.PRESENT, by=lecturer, at=at)
        spot = begin_spot_check(session, by=lecturer, at=at)
        check = begin_check(opening, by=lecturer, at=at)
        CheckAnswer.objects.create(second_check=check, student=student)
        SpotCall.objects.create(spot_check=spot, student=student, place=2)
        rules = rules_in_force(
            world, at=at, rules=[{"code": "0a", "stage": 0, "trigger": Trigger.MISSED_IN_A_ROW, "number": 1}]
        )
        evaluate([student.pk], at=at)
        term = Term.objects.create(name="Term", starts_on=day, ends_on=at.date())
        trial = RuleTrial.objects.create(version=rules, term=term, asked_by=self.people["team"], asked_at=at)
        would_be = WouldBe.objects.create(
            version=rules, student=student, stage=0, rule="0a", found_at=at, leaves_at=at, facts=Alert.objects.get().facts
        )
        self.names = {
            "absence": self.away.ref,
            "evidence": self.letter.ref,
            "decider": self.route.pk,
            "alert": Alert.objects.get().ref,
            "closure": Closure.objects.create(name="Christmas", starts_on=at.date(), ends_on=at.date()).pk,
            "rules": rules.ref,
            "wording": StageWording.objects.create(version=rules, stage=0, language="cy", subject="S", body="B").pk,
            "trial": trial.ref,
            "would_be": would_be.ref,
            "kiosk": open_kiosk(opening, by=lecturer, at=at).kiosk.ref,
            "check": check.ref,
            "spot": spot.ref,
            "module": session.module_id,
            "session": session.ref,
            "student": student.ref,
            "display": self.display.display.ref,
            "query": raise_query(session, student, at=at).ref,
            "scan": held.ref,
            "pairing": begin_pairing(at=at).pairing.code,
            "calendar": mapping.pk,
            "import": run.ref,
            "policy": policy.ref,
            "report": report.ref,
            "calendar_secret": renew_calendar(student, at=at),
            "outage": declare_outage(by=self.people["team"], at=at, starts_at=at, ends_at=None, reason="Fire").ref,
            "passkey": Authenticator.objects.get(type="webauthn").pk,
            "proposal": proposal.ref,
            "adjustment": adjust(student, Arrangement(at.date(), extra_minutes=20), actor=lecturer.actor, at=at).ref,
            "placement": place(
                student,
                Stay(at.date() + timedelta(days=90), at.date() + timedelta(days=99), "Ward 7"),
                act=Act(self.people["team"], at),
            ).ref,
            "order": order(self.people["team"], Report.WORK, None, Every.WEEK, at=at).ref,
            "contradiction": Contradiction.objects.create(
                kind=Contrary.MANY_CHANGES, student=student, session=session, found_at=at
            ).pk,
            "correction": correction.pk,
            "period": correction.period.ref,
        }

        by_tutor, by_team = Act(self.people["tutor"], at), Act(world.person(Role.ATTENDANCE_TEAM), at)
        case = open_case(student, because="Three weeks without a class", act=by_tutor)
        slots = [Span(at + timedelta(days=days), at + timedelta(days=days, minutes=30)) for days in (20, 21)]
        agreed = offer_meeting(case, slots, about="How it goes", place="C2.10", formal=False, act=by_tutor)
        pick_slot(agreed, agreed.slots.earliest("starts_at"), act=Act(student, at))
        settle_meeting(agreed, MeetingState.REARRANGED, act=by_tutor)
        ukvi = Act(self.people["ukvi"], at)
        in_force(ukvi.by)
        duty = open_duty(student, Kind.WITHDRAWAL, civil_date(at), because="The enrolment ended.", act=at)
        self.names |= {
            "duty": duty.ref,
            "decision": announce(student, RepresentationAbout("duty", str(duty.ref)), "You left.", act=ukvi).ref,
            "case": case.ref,
            "agreed": agreed.ref,
            "meeting": offer_meeting(case, slots, about="Again", place="C2.10", formal=False, act=by_tutor).ref,
            "concern": raise_concern(student, Worry.STOPPED_COMING, "", act=Act(lecturer, at)).ref,
            "conduct": refer_conduct(student, [About(session)], "Two phones", act=by_team).ref,
            "leave": take_leave(self.people["leader"], None, at.date(), at.date(), act=by_team).pk,
        }
        self._compliance(student, at)
        self._rights(student, at)
        self.names |= self._sponsored(here, at)
        roles = start_import(kind="roles", filename="r.csv", content=b"", options={}, actor="system:test", at=at)
        self.names["roles"] = roles.ref
        self.names["grant"] = RoleGrant.objects.get(person=student).pk
        self.names["leader"] = self.people["leader"].ref
        self.names["leading"] = ModuleLeader.objects.get(person=self.people["leader"]).pk
        self.names["identity"] = SocialAccount.objects.create(user=student, provider="elsewhere", uid="s-1").pk
        self.names["opened"] = break_glass(
            other, viewer=lecturer, access=lecturer.access(at), purpose=Purpose.SAFETY, reason="He asked for it.", at=at
        ).ref
        draft = Draft(student, queries.ANSWERED, "house", class_named(session), session.ends_at)
        draft.facts.update(outcome="declined", mark=Status.ABSENT)
        write_messages([draft], at=at)
        message = Message.objects.get()
        self.names["message"] = message.ref
        task = HandOver.objects.create(message=message, owner=self.people["tutor"], at=at, due_on=civil_date(at))
        self.names["unopened"] = task.ref
        phone = Phone.objects.create(
            person=self.people["student"], name="x" * 64, sealed="x", kid="p1", wants="changes", made_at=at
        )
        self.names["phone"] = phone.ref
        self.names["checkpoint"] = publish(by="system:test", at=at).size
        self.subjects = {
            "session": f"session:{session.pk}",
            "module": f"module:{session.module_id}",
            "student": student.actor,
            "sponsored": here.actor,
        }
        """How the logs name them."""
        self.names |= funding_of(student, self.people["slc"], at)
        self.names |= self._applications(at)
        self.names["provider"] = oidc.register("http://localhost:9", domains=("elsewhere.example",)).provider_id

    def _applications(self, at: datetime) -> dict[str, object]:
        """A system beside us with a token, and a webhook of which one message has arrived."""
        by = self.people["administrator"]
        made = applications.add(
            name="Warehouse", purpose="Reports", keeper=self.people["team"], scopes=list(MayDo), departments=[], by=by, at=at
        )
        token = applications.make_token(made, ApplicationToken.Kind.TOKEN, lives=timedelta(days=30), by=by, at=at).token
        webhook = webhooks.create(made, "https://warehouse.example/", [Topic.REGISTER], by=by, at=at).webhook
        delivery = webhooks.send_test(webhook, by=by, at=at)
        webhooks.settle(delivery, status=200, problem="", at=at)
        return {"application": made.ref, "token": token.ref, "webhook": webhook.ref, "delivery": delivery.ref}

    def _rights(self, student: Person, at: datetime) -> None:
        """A request of the student about their data, their own file, and one that an officer released."""
        officer = Act(self.people["data protection"], at)
        asked = open_request(student, rights_rules.Kind.ACCESS, "", act=Act(student, at))
        record_disclosure(
            student,
            Body.POLICE,
            Basis.CRIME,
            asked_by="PC 1234",
            why="A theft",
            given="When the student was in class that day",
            given_on=civil_date(at),
            may_be_told=True,
            act=officer,
        )
        own, _new = ask_for_file(student, parts=1, language="en-gb", act=Act(student, at))
        released, _new = ask_for_file(student, parts=1, language="en-gb", act=officer, request=asked)
        for file in (own, released):
            keep_file(file, EMPTY_ARCHIVE, rows=0, left_out=0, at=at)
        self.names |= {"rights": asked.ref, "own_file": own.ref, "released": released.ref}
        run = RetentionRun.objects.create(on=civil_date(at), state="waiting", why_asked="first", made_at=at, students=1)
        held = hold(self.people["other student"], "A claim.", civil_date(at), act=officer)
        erasure = propose(self.people["other student"], "They asked.", act=officer)
        self.names |= {"run": run.ref, "hold": held.ref, "erasure": erasure.ref}

    def _sponsored(self, here: Person, at: datetime) -> dict[str, object]:
        """Guidance in force, an edition that is not, and a student of the class whom the university sponsors."""
        officer = self.people["ukvi"]
        now = edition_in_force(Authority.UKVI, at.date())
        what = Sponsorship("E4G1AB2C3D4E5F", Level.RESEARCH, at.date() - timedelta(days=60), enrol_by=at.date())
        profile = keep_profile(here, what, act=Act(officer, at))
        Enrolment.objects.filter(person=self.people["student"]).update(level="research")
        ask_for("research", at.date(), act=Act(officer, at))
        tend_supervisions(at=at)
        return {
            "sponsored": here.ref,
            "profile": profile.ref,
            "edition": edition(officer, {Number.NO_ENGAGEMENT_CEILING: 50}, like=now).ref,
            "supervision": Supervision.objects.get().ref,
        }

    def _away(self, student: Person, day: date, at: datetime) -> None:
        """An absence of the student, under decision, with a letter that their tutor may read; and somebody who decides."""
        telling = Telling("jury", *span_of(Spell(day, day)), day, day, shared=True)
        self.away = tell(student, telling, act=Act(student, at))
        self.letter = keep(self.away, Cleaned(FileKind.PDF, b"a letter"), act=Act(student, at))
        team = self.people["team"]
        self.route = add_route(decider=team, deputy=None, category="", group=None, department=None, by=team, at=at)

    def _compliance(self, student: Person, at: datetime) -> None:
        """A sample drawn for the Student Loans Company; a partner, and a spot check of it."""
        officer = self.people["slc"]
        Funding.objects.create(
            student=student,
            course=Course.objects.get(code="BSC-CS"),
            academic_year="2025/26",  # that of this year is `funded`'s
            product="full_time",
            ssn="SSN1",
            starts_on=at.date(),
            brought_at=at,
        )
        partner = add_partner("west", "West College", by=officer, at=at)
        self.names |= {
            "sample": draw_sample(Scope.SLC, 1, course=None, as_of=at, by=officer, at=at).ref,
            "partner": partner.code,
            "partner_check": plan_check(partner, civil_date(at), civil_date(at), by=officer, at=at).ref,
        }

    def browser(self, who: str, *, csrf: bool = False) -> Client:
        """A browser that has been here for a moment, as this person, who has just proved themselves."""
        client = Client(enforce_csrf_checks=csrf, raise_request_exception=False)
        if who in self.people:
            client.force_login(self.people[who], "allauth.account.auth_backends.AuthenticationBackend")
            client.get("/language/")
            prove(client)
        return client

    def knock(self, client: Client, door: Door, method: str = "") -> int | str:
        """What this browser gets there."""
        data = urlencode({name: value.format(**self.names) for name, value in door.data.items()})
        answer = client.generic(
            method or door.method, door.path.format(**self.names), data, content_type="application/x-www-form-urlencoded"
        )
        to_sign_in = answer.status_code == 302 and answer["Location"].startswith("/sign-in/?next=")
        return IN if to_sign_in else answer.status_code

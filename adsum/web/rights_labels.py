"""Words for requests about one's own data, their steps and outcomes, and for disclosures."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from adsum.privacy.disclosure_rules import Basis, Body
from adsum.privacy.parts import Why
from adsum.privacy.rights_rules import Came, Decision, Ground, Kind, Outcome, State, Step

KINDS: dict[Kind, Promise] = {
    Kind.ACCESS: _("The rest of your data"),
    Kind.COMPLAINT: _("Complain about how your data is used"),
    Kind.RECTIFICATION: _("Have something put right"),
    Kind.RESTRICTION: _("Have something kept but not used"),
    Kind.OBJECTION: _("Object to a use of your data"),
    Kind.ERASURE: _("Have something erased"),
}
"""As the person asks for it."""
CALLED: dict[Kind, Promise] = {
    Kind.ACCESS: _("Access"),
    Kind.COMPLAINT: _("Complaint"),
    Kind.RECTIFICATION: _("Rectification"),
    Kind.RESTRICTION: _("Restriction"),
    Kind.OBJECTION: _("Objection"),
    Kind.ERASURE: _("Erasure"),
}
EXPLAINED: dict[Kind, Promise] = {
    Kind.COMPLAINT: _("You think that we used your data wrongly, or lost it, or told somebody who should not know."),
    Kind.RECTIFICATION: _("Something about you is wrong. A single mark is quicker to query on the page of its class."),
    Kind.RESTRICTION: _("Keep it, but use it for nothing, for instance while you and we disagree about it."),
    Kind.OBJECTION: _("Say to which use, and what it is in your situation that speaks against it."),
    Kind.ERASURE: _("Some of it we have to keep for a while by law. We tell you which, and why."),
}
CAME: dict[Came, Promise] = {
    Came.FORM: _("By the form here"),
    Came.EMAIL: _("By e-mail"),
    Came.LETTER: _("By letter"),
    Came.TELEPHONE: _("By telephone"),
    Came.IN_PERSON: _("In person"),
}
STATES: dict[State, tuple[Promise, str]] = {
    State.OPEN: (_("Being answered"), "note"),
    State.WAITING: (_("Waits for the person"), "warn"),
    State.ANSWERED: (_("Answered"), "good"),
    State.WITHDRAWN: (_("Taken back"), "none"),
}
STEPS: dict[Step, Promise] = {
    Step.RECEIVED: _("Received"),
    Step.ACKNOWLEDGED: _("Acknowledged"),
    Step.ASKED_IDENTITY: _("Asked to show who they are"),
    Step.ASKED_SCOPE: _("Asked what is meant"),
    Step.REPLIED: _("Reply"),
    Step.TAKEN: _("Step"),
    Step.NOTED: _("Note, for those who answer it"),
    Step.EXTENDED: _("Two more months are needed"),
    Step.ANSWERED: _("Answered"),
    Step.WITHDRAWN: _("Taken back"),
}
OUTCOMES: dict[Outcome, Promise] = {
    Outcome.DONE: _("In full"),
    Outcome.IN_PART: _("In part"),
    Outcome.REFUSED: _("Refused, or nothing wrong was found"),
}
GROUNDS: dict[Ground, Promise] = {
    Ground.ABOUT_OTHERS: _("It tells of another person, who did not agree"),
    Ground.HARM: _("It would be likely to harm somebody’s health"),
    Ground.INVESTIGATION: _("It would prejudice an open investigation"),
    Ground.LEGAL_ADVICE: _("Legal advice"),
    Ground.CONFIDENCE: _("Given in confidence"),
}
DECISIONS: dict[Decision, Promise] = {
    Decision.RELEASE: _("Hand over"),
    Decision.REDACT: _("Black out in part"),
    Decision.WITHHOLD: _("Keep back"),
}
HELD: dict[Why, Promise] = {
    Why.NOTE: _("A note in a member of staff’s own words"),
    Why.CONCERN: _("A concern"),
    Why.INVESTIGATION: _("An open investigation"),
    Why.DISCLOSURE: _("A disclosure of which the person may not know yet"),
}
BODIES: dict[Body, Promise] = {
    Body.POLICE: _("Police"),
    Body.HOME_OFFICE: _("Home Office"),
    Body.COUNCIL: _("Council"),
    Body.HEALTH: _("Health service"),
    Body.COURT: _("Court"),
    Body.OTHER: _("Another body"),
}
BASES: dict[Basis, Promise] = {
    Basis.CRIME: _("To prevent or detect crime"),
    Basis.ORDER: _("A court order, or a duty by law"),
    Basis.VITAL: _("Somebody’s life is in danger"),
    Basis.SAFEGUARDING: _("Safeguarding a child or an adult at risk"),
    Basis.SPONSOR: _("A duty as visa sponsor"),
    Basis.TAX: _("Council tax and benefits"),
    Basis.CONSENT: _("The person agreed"),
}

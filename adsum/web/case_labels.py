"""What pages call the codes of cases, meetings, concerns and conduct referrals."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from adsum.engagement.case_rules import (
    Channel,
    ConductState,
    Event,
    Finding,
    MeetingState,
    Outcome,
    Readers,
    Reply,
    State,
    Stop,
    Way,
    Worry,
)

STATES: dict[State, Promise] = {
    State.OPEN: _("Open"),
    State.STOPPED: _("Clock stopped"),
    State.CLOSED: _("Closed"),
    State.APPEALED: _("Under appeal"),
    State.OVERTURNED: _("Outcome taken back"),
}
EVENTS: dict[Event, Promise] = {
    Event.OPENED: _("Case opened"),
    Event.NOTED: _("Note"),
    Event.PLANNED: _("Next step"),
    Event.OFFERED: _("Meeting offered"),
    Event.PICKED: _("Time agreed"),
    Event.MET: _("Meeting"),
    Event.REFERRED: _("Referred"),
    Event.HANDED_OVER: _("Handed over"),
    Event.STOPPED: _("Clock stopped"),
    Event.RESTARTED: _("Clock running again"),
    Event.CLOSED: _("Closed"),
    Event.APPEALED: _("Appeal"),
    Event.UPHELD: _("Appeal upheld"),
    Event.DISMISSED: _("Appeal dismissed"),
    Event.CORRECTED: _("Reminder withdrawn: the record was put right"),
}
OUTCOMES: dict[Outcome, Promise] = {
    Outcome.RECOVERED: _("Attending again"),
    Outcome.SUPPORT_AGREED: _("Support agreed"),
    Outcome.REFERRED: _("Referred to another service"),
    Outcome.NOT_NEEDED: _("Not needed"),
    Outcome.NOT_REACHED: _("Could not be reached"),
    Outcome.WARNED: _("Formal warning"),
    Outcome.TO_PANEL: _("Passed to a panel"),
    Outcome.LEFT: _("Has left, or is leaving"),
}
STOPS: dict[Stop, Promise] = {
    Stop.ABSENCE: _("An absence is under way"),
    Stop.SUSPENDED: _("Their studies are suspended"),
    Stop.OTHER_SERVICE: _("Another service has asked us to wait"),
    Stop.RECORD: _("The record is being looked into"),
    Stop.OTHER: _("Another reason"),
}
WAYS: dict[Way, Promise] = {
    Way.CALL: _("Call"),
    Way.EMAIL: _("E-mail"),
    Way.VISIT: _("Visit"),
    Way.LETTER: _("Letter"),
    Way.IN_PERSON: _("In person"),
}
REPLIES: dict[Reply, Promise] = {
    Reply.SPOKE: _("We spoke"),
    Reply.NO_ANSWER: _("No answer"),
    Reply.SENT: _("Sent"),
    Reply.THEY_ANSWERED: _("They answered"),
}
OFFERED: dict[Way, tuple[Reply, ...]] = {
    Way.CALL: (Reply.NO_ANSWER, Reply.SPOKE, Reply.THEY_ANSWERED),
    Way.EMAIL: (Reply.SENT, Reply.THEY_ANSWERED),
    Way.VISIT: (Reply.NO_ANSWER, Reply.SPOKE),
    Way.LETTER: (Reply.SENT, Reply.THEY_ANSWERED),
    Way.IN_PERSON: (Reply.SPOKE,),
}
"""What can come of each way of getting in touch, as the buttons stand."""
READERS: dict[Readers, Promise] = {
    Readers.SUPPORT: _("Those who look after the student"),
    Readers.STUDENT: _("The student too"),
    Readers.TEAM: _("The attendance team only"),
}
MEETINGS: dict[MeetingState, Promise] = {
    MeetingState.OFFERED: _("Times offered"),
    MeetingState.AGREED: _("Agreed"),
    MeetingState.CAME: _("Came"),
    MeetingState.DID_NOT_COME: _("Did not come"),
    MeetingState.REARRANGED: _("Rearranged"),
    MeetingState.CALLED_OFF: _("Called off"),
}
WORRIES: dict[Worry, Promise] = {
    Worry.STOPPED_COMING: _("They have stopped coming, or hardly take part"),
    Worry.NOT_THEMSELVES: _("They do not seem themselves"),
    Worry.SAID_SOMETHING: _("They said something that worried me"),
    Worry.OTHER: _("Something else"),
}


def worried(worry: str) -> str:
    """What staff were worried about; empty once that is known no more."""
    return str(WORRIES[Worry(worry)]) if worry else ""


CHANNELS: dict[Channel, Promise] = {
    Channel.CLASS: _("Class"),
    Channel.MEETING: _("Meeting"),
    Channel.CONVERSATION: _("Conversation"),
    Channel.SUPERVISION: _("Supervision"),
    Channel.SUBMISSION: _("Submission"),
    Channel.EXAM: _("Examination"),
    Channel.VLE: _("Learning environment (kept, does not count)"),
}
CONDUCT: dict[ConductState, Promise] = {
    ConductState.ASKED: _("The student is asked"),
    ConductState.HEARD: _("The student has answered"),
    ConductState.DECIDED: _("Decided"),
}
FINDINGS: dict[Finding, Promise] = {
    Finding.NOTHING: _("Nothing to follow"),
    Finding.ADVICE: _("Advice given"),
    Finding.MISUSE: _("Check-in was misused"),
}

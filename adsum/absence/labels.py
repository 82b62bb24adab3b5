"""Words for absences."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from adsum.absence.rules import Category, Outcome, People, State, Told

CATEGORIES: dict[str, Promise] = {
    "illness": gettext_lazy("Illness"),
    "medical": gettext_lazy("Medical appointment"),
    "bereavement": gettext_lazy("Bereavement"),
    "caring": gettext_lazy("Caring for someone"),
    "religious": gettext_lazy("Religious observance"),
    "jury": gettext_lazy("Jury service"),
    "sport": gettext_lazy("Sport or representing the university"),
    "interview": gettext_lazy("Interview or placement"),
    "transport": gettext_lazy("Transport failure"),
    "fault": gettext_lazy("The code or the system did not work"),
    "device": gettext_lazy("Lost or broken phone"),
    "travel": gettext_lazy("Visa or travel"),
    "other": gettext_lazy("Something else"),
}
STATES: dict[State, Promise] = {
    State.TOLD: gettext_lazy("Told"),
    State.UNDER_DECISION: gettext_lazy("Under decision"),
    State.DECIDED: gettext_lazy("Decided"),
    State.WITHDRAWN: gettext_lazy("Taken back"),
}
OUTCOMES: dict[Outcome, Promise] = {
    Outcome.WHOLE: gettext_lazy("Authorised"),
    Outcome.PART: gettext_lazy("Authorised in part"),
    Outcome.REFUSED: gettext_lazy("Not authorised"),
    Outcome.EVIDENCE: gettext_lazy("Evidence needed"),
}
SOURCES: dict[Told, Promise] = {
    Told.STUDENT: gettext_lazy("Told here"),
    Told.PHONE: gettext_lazy("By telephone"),
    Told.MAIL: gettext_lazy("By e-mail"),
    Told.DESK: gettext_lazy("At the desk"),
}
WHY_PEOPLE: dict[People, Promise] = {
    People.CATEGORY: gettext_lazy("Requests with this reason are decided by people"),
    People.LATE: gettext_lazy("Told later than the policy asks for"),
    People.IN_A_ROW: gettext_lazy("Longer than a student may certify alone"),
    People.A_YEAR: gettext_lazy("More days this year than a student may certify alone"),
}


def word_of(state: str, outcome: str = "") -> str:
    """How far a request has come, with what was decided where something was."""
    return str(OUTCOMES[Outcome(outcome)] if state == State.DECIDED and outcome else STATES[State(state)])


def category_label(category: Category) -> str:
    """The word for a category, in the university's words where it has its own."""
    return category.title or str(CATEGORIES.get(category.code, category.code))

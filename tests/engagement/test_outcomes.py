"""The last stage: what is decided once holds for the case and for the reminder, and an appeal takes it back from both."""

from datetime import timedelta

import pytest

from adsum.engagement.alert_life import State
from adsum.engagement.case_rules import Because, Outcome
from adsum.engagement.case_rules import State as CaseState
from adsum.engagement.cases import appeal, open_case
from adsum.engagement.models import Alert, Case
from adsum.engagement.outcomes import conclude_alert, conclude_case, decide_appeal
from tests.kit.alerted import DAY, Missing
from tests.kit.world import NINE

pytestmark = pytest.mark.django_db


class Panel(Missing):
    """Alice was asked before the panel, and has a case."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.case = open_case(self.alice, because=Because.MEETING, act=self.act(NINE))
        self.panel = Alert.objects.create(
            student=self.alice,
            stage=3,
            rule="3a",
            version=1,
            found_at=NINE,
            held_until=NINE,
            released_at=NINE,
            released_by=self.team,
            told_at=NINE,
            state=State.TOLD,
            facts={},
        )

    @property
    def stands(self) -> tuple[str, str, str, str]:
        case, alert = Case.objects.get(), Alert.objects.get()
        return case.state, case.outcome, alert.state, alert.outcome


@pytest.fixture
def panel(db: None) -> Panel:
    return Panel()


WARNED = (CaseState.CLOSED, Outcome.WARNED, State.CLOSED, Outcome.WARNED)


def test_decided_in_the_case(panel: Panel):
    conclude_case(panel.case, Outcome.WARNED, "A warning, as we said.", act=panel.act(NINE + DAY))
    assert panel.stands == WARNED


def test_decided_at_the_alert(panel: Panel):
    conclude_alert(panel.panel, "A warning, as we said.", act=panel.act(NINE + DAY), outcome="warned")
    assert panel.stands == WARNED


def test_a_case_that_is_closed_for_another_reason_leaves_the_reminder_open(panel: Panel):
    conclude_case(panel.case, Outcome.NOT_NEEDED, "Opened twice.", act=panel.act(NINE + DAY))
    assert panel.stands == (CaseState.CLOSED, Outcome.NOT_NEEDED, State.TOLD, "")


def test_an_alert_closed_without_an_outcome_leaves_the_case_open(panel: Panel):
    conclude_alert(panel.panel, "They are coming again.", act=panel.act(NINE + DAY))
    assert panel.stands == (CaseState.OPEN, "", State.CLOSED, "")


def test_an_appeal_that_is_upheld_takes_the_outcome_back_from_both(panel: Panel):
    case = conclude_case(panel.case, Outcome.WARNED, "A warning, as we said.", act=panel.act(NINE + DAY))
    appeal(case, "The letters went elsewhere.", act=panel.act(NINE + 2 * DAY, panel.alice))
    decide_appeal(case, "You are right.", uphold=True, act=panel.act(NINE + 2 * DAY + timedelta(hours=1), panel.tutor))
    assert panel.stands == (CaseState.OVERTURNED, Outcome.WARNED, State.CLOSED, "")

"""Topics: a new thing that people are told is one file and one line, and whoever it is about hears what became of it."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.test import Client

from adsum.accounts.models import Person
from adsum.accounts.rules import Role
from adsum.core.errors import AdsumError
from adsum.messages import services
from adsum.messages.letter import Letter
from adsum.messages.models import Message
from adsum.messages.rules import State
from adsum.messages.topic import Draft, Kind, Outcome, Pending, Reading, Topic
from adsum.messages.topics import registry
from adsum.ops import jobs
from adsum.timetable.models import Term
from tests.kit.reading import words
from tests.kit.world import NINE, World

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[2]
NEWCOMER = '''
"""Terms that have come into the timetable."""

from adsum.messages.letter import Letter
from adsum.messages.topic import Kind, Pending, Reading, Topic
from adsum.timetable.models import Term

TOPIC = Topic(
    kinds=(Kind("a_term_that_is_new_to_everybody", "New terms", lambda facts: Letter(facts["name"], "A term is new.")),),
    readings=(Reading("term", lambda reader, at, zone: Pending(), follows=Term),),
)
'''
ASKED = """
import django
django.setup()
from django.core.management import call_command
from adsum.messages.models import Message
from adsum.messages.topics.registry import KINDS, TOPICS, letter_of
call_command("makemigrations", "--check", "--dry-run")
kind = TOPICS["terms"].kinds[0].name
Message._meta.get_field("kind").clean(kind, None)
print(len(TOPICS), letter_of(kind, {"name": "Autumn"}).subject)
"""


@pytest.mark.once
def test_a_new_topic_is_one_file_and_one_line_and_no_migration(tmp_path: Path):
    shutil.copytree(ROOT / "adsum", tmp_path / "adsum", ignore=shutil.ignore_patterns("static", "__pycache__", "locale"))
    topics = tmp_path / "adsum/messages/topics"
    (topics / "terms.py").write_text(NEWCOMER)
    lines = (topics / "registry.py").read_text()
    (topics / "registry.py").write_text(lines.replace('    "classes",\n', '    "classes",\n    "terms",\n'))
    done = subprocess.run(
        [sys.executable, "-c", ASKED],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(tmp_path), "DJANGO_SETTINGS_MODULE": "adsum.settings", "ADSUM_DATA": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[-2] == f"{len(registry.TOPICS) + 1} Autumn"


# One for tests: people are told of terms


class Terms:
    """A topic, and the feature that hears what became of its messages."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self.heard: list[tuple[str, Outcome, datetime]] = []
        self.refuses = False
        kind = Kind("terms", "New terms", lambda facts: Letter(facts["name"], "A term is new."), self.hear)
        self.topic = Topic((kind,), (Reading("terms", self.find, follows=Term),))

    def find(self, reader: object, at: datetime, zone: object) -> Pending:
        terms = list(reader.left(Term.objects.all()))  # type: ignore[attr-defined]
        drafts = [
            Draft(self.person, "terms", f"terms:{term.pk}", {"name": term.name}, at + timedelta(days=9)) for term in terms
        ]
        return Pending(drafts, [term.pk for term in terms])

    def hear(self, message: Message, outcome: Outcome, at: datetime) -> None:
        if self.refuses:
            raise AdsumError("no", "The feature cannot take it.")
        self.heard.append((message.facts["name"], outcome, at))


@pytest.fixture
def terms(world: World, monkeypatch: pytest.MonkeyPatch) -> Terms:
    made = Terms(world.student())
    monkeypatch.setitem(registry.TOPICS, "terms", made.topic)
    monkeypatch.setitem(registry.KINDS, "terms", made.topic.kinds[0])
    Term.objects.create(name="Autumn", starts_on=NINE.date(), ends_on=NINE.date())
    return made


def told(terms: Terms) -> Message:
    assert jobs.tell_of(topic="terms") == 1
    return Message.objects.get()


def test_a_topic_is_told_by_the_jobs_once_and_read_on_the_pages(
    terms: Terms, world: World, client: Client, monkeypatch: pytest.MonkeyPatch
):
    queue: list[str] = []
    monkeypatch.setattr(jobs, "enqueue", lambda job, topic: queue.append(topic))
    assert jobs.tell_people() == len(registry.TOPICS)
    assert queue == list(registry.TOPICS)
    message = told(terms)
    assert jobs.tell_of(topic="terms") == 0
    client.force_login(terms.person)
    assert "Autumn" in words(client.get("/messages/").content.decode())
    client.force_login(world.person(Role.ADMINISTRATOR))
    assert "New terms" in words(client.get(f"/office/mail/?state={message.state}").content.decode())


def test_a_feature_hears_what_became_of_its_messages(terms: Terms):
    message = told(terms)
    services.refused(message, "421 not now", at=NINE, for_good=False)
    assert terms.heard == [], "it is tried again"
    services.refused(message, "550 no such person", at=NINE, for_good=True)
    services.send_again(message, by=terms.person, at=NINE)
    services.sent(message, at=NINE)
    later = NINE + timedelta(hours=1)
    services.mark_read(terms.person, at=later)
    services.mark_read(terms.person, at=later)
    assert terms.heard == [("Autumn", Outcome.REFUSED, NINE), ("Autumn", Outcome.SENT, NINE), ("Autumn", Outcome.OPENED, later)]


def test_a_feature_hears_of_a_message_that_came_too_late(terms: Terms):
    message = told(terms)
    Message.objects.update(useful_until=NINE)
    assert services.lapse(at=NINE) == 1
    assert terms.heard == [(message.facts["name"], Outcome.LAPSED, NINE)]


VERBS: dict[str, Callable[[Message], object]] = {
    "sent": lambda message: services.sent(message, at=NINE),
    "refused": lambda message: services.refused(message, "550 no such person", at=NINE, for_good=True),
    "read": lambda message: services.mark_read(message.person, at=NINE),
    "late": lambda message: services.lapse(at=NINE),
}


@pytest.mark.parametrize("how", VERBS)
def test_what_a_feature_cannot_take_has_not_happened(terms: Terms, how: str):
    """They are one transaction."""
    message = told(terms)
    Message.objects.update(useful_until=NINE)
    terms.refuses = True
    with pytest.raises(AdsumError, match="cannot take it"):
        VERBS[how](message)
    message.refresh_from_db()
    assert (message.state, message.sent_at, message.opened_at) == (State.WAITING, None, None)

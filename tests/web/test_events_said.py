"""Every kind of event has a sentence: a new one without fails here, and nobody has to read codes. No database is asked."""

import ast
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

import pytest

import adsum
from adsum.attendance.models import Proposal, Query
from adsum.checkin.rules import AlarmKind, Refusal
from adsum.compliance import duty_life
from adsum.engagement import alert_life, case_rules
from adsum.privacy.models import retention
from adsum.privacy.rights_rules import Step as RightsStep
from adsum.timetable.rules import Change, ImportState
from adsum.web.oversight.happened import SENTENCES, has_a_sentence, sentence_of
from tests.kit.actions import DEEDS

ROOT = Path(adsum.__file__).parent
BY_STATE: dict[str, Iterable[str]] = {
    "scan.": ["accept", *Refusal],
    "alert.": alert_life.Step,
    "case.": case_rules.Event,
    "duty.": duty_life.Event,
    "query.": Query.State.values,
    "amendment.": Proposal.State.values,
    "import.": ImportState,
    "class.": Change,
    "gate.alarm_": AlarmKind,
    "rights.": RightsStep,
    "privacy.retention_": [state for state, _label in retention.STATES],
}
"""Kinds that are made of a state: what stands before it, and the states."""
OF_THINGS = {"export.", "import.", "sample_", "test."}
"""Kinds that are made of whatever they are about: their family has a sentence."""


def _constants(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from chain(_constants(node.body), _constants(node.orelse))


def _is_event(text: str) -> bool:
    return "." in text and not text.startswith(("adsum.", "system:")) and text.replace(".", "").replace("_", "").isalpha()


def _prefix(node: ast.expr) -> str:
    first = node.values[0] if isinstance(node, ast.JoinedStr) else None
    return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else ""


def kinds() -> set[str]:
    """Every kind of event that the code writes, as far as it stands there in letters."""
    found = set[str]()
    for path in ROOT.rglob("*.py"):
        text = path.read_text()
        if "migrations" in path.parts or not ("verb=" in text or "Entry(" in text):
            continue
        tree = ast.parse(text)
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
        said = [word.value for call in calls for word in call.keywords if word.arg == "verb"]
        said += [call.args[0] for call in calls if call.args and "Entry" in ast.unparse(call.func)]
        found |= {text for node in said for text in _constants(node) if _is_event(text)}
        makers = {_prefix(node): node for node in said if _prefix(node)}
        for prefix, node in makers.items():
            if prefix in BY_STATE:
                found |= {f"{prefix}{state}" for state in BY_STATE[prefix]}
            elif prefix not in OF_THINGS:
                written = set(_suffixes(tree, calls, node))
                assert written, f"{path.name}: nothing is known of what follows {prefix}"
                found |= {f"{prefix}{suffix}" for suffix in written}
    return found


def _suffixes(tree: ast.Module, calls: list[ast.Call], node: ast.expr) -> Iterator[str]:
    """The words with which the function is called that makes a kind of event of them."""
    makers = [one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef) and node in ast.walk(one)]
    names = {one.name for one in makers}
    for call in calls:
        if isinstance(call.func, ast.Name) and call.func.id in names:
            words = [*call.args, *(word.value for word in call.keywords if word.arg in {"verb", "event", "what"})]
            yield from (text for word in words for text in _constants(word) if text.replace("_", "").isalpha())


def test_every_kind_of_event_that_is_written_has_a_sentence():
    found = kinds()
    assert len(found) > 200, "they were found at all"
    assert sorted(kind for kind in found if not has_a_sentence(kind)) == []


def test_what_the_verbs_leave_has_a_sentence():
    left = {kind for deed in DEEDS.values() for kind in deed.leaves}
    assert sorted(kind for kind in left if not has_a_sentence(kind)) == []


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("scan.already_in", "Scanned again; already checked in"),
        ("import.person.new", "Added by an import: a person"),
        ("import.group_staff.gone", "Taken out by an import: the teaching of a group"),
        ("export.record", "Took a list or a record as a file"),
        ("sample_ukvi.draw", "Drew a sample for evidence packs"),
        ("nothing.of_ours", "nothing.of_ours"),
    ],
)
def test_it_is_said_in_words(kind: str, said: str):
    assert sentence_of(kind) == said


def test_no_sentence_is_a_code():
    assert [kind for kind, said in SENTENCES.items() if "_" in str(said) or "." in str(said)] == []

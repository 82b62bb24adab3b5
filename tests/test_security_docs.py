"""docs/asvs.md is whole and its links lead to tests; the runbooks of docs/security.md are rehearsed as they are written."""

import ast
import re
import shlex
from functools import cache
from pathlib import Path

import pytest

from adsum.environment import Environment
from tests.kit import migrated
from tests.kit.commands import adsum
from tests.kit.oidc import honest

ROOT = Path(__file__).resolve().parent.parent
ROW = re.compile(r"^\| ([\d.]+) \| ([12]) \| (.+?) \| (.+?) \| (.+?) \|$", re.MULTILINE)
TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")

LEVEL_2 = {
    "1.1": 2,
    "1.2": 9,
    "1.3": 11,
    "1.4": 3,
    "1.5": 2,
    "2.1": 3,
    "2.2": 3,
    "2.3": 4,
    "2.4": 1,
    "3.2": 2,
    "3.3": 4,
    "3.4": 6,
    "3.5": 5,
    "3.7": 2,
    "4.1": 3,
    "4.2": 1,
    "4.3": 2,
    "4.4": 4,
    "5.1": 1,
    "5.2": 3,
    "5.3": 2,
    "5.4": 3,
    "6.1": 3,
    "6.2": 12,
    "6.3": 4,
    "6.4": 4,
    "6.5": 5,
    "6.6": 3,
    "6.8": 4,
    "7.1": 3,
    "7.2": 4,
    "7.3": 2,
    "7.4": 5,
    "7.5": 2,
    "7.6": 2,
    "8.1": 2,
    "8.2": 3,
    "8.3": 1,
    "8.4": 1,
    "9.1": 3,
    "9.2": 4,
    "10.1": 2,
    "10.2": 2,
    "10.3": 4,
    "10.4": 11,
    "10.5": 5,
    "10.6": 2,
    "10.7": 3,
    "11.1": 2,
    "11.2": 3,
    "11.3": 3,
    "11.4": 4,
    "11.5": 1,
    "11.6": 1,
    "12.1": 3,
    "12.2": 2,
    "12.3": 4,
    "13.1": 1,
    "13.2": 5,
    "13.3": 2,
    "13.4": 5,
    "14.1": 2,
    "14.2": 4,
    "14.3": 3,
    "15.1": 3,
    "15.2": 3,
    "15.3": 7,
    "16.1": 1,
    "16.2": 5,
    "16.3": 4,
    "16.4": 3,
    "16.5": 3,
    "17.1": 1,
    "17.2": 4,
    "17.3": 2,
}
"""How many requirements of levels 1 and 2 each section of ASVS 5.0.0 begins with; those of level 3 come after them."""


def rows() -> list[tuple[str, ...]]:
    return ROW.findall((ROOT / "docs/asvs.md").read_text())


def test_every_requirement_of_level_two_has_one_row():
    wanted = [f"{section}.{n}" for section, count in LEVEL_2.items() for n in range(1, count + 1)]
    assert [row[0] for row in rows()] == wanted
    assert len(wanted) == 253


@cache
def names_in(path: Path) -> set[str]:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, kinds)} if path.exists() else set()


def test_every_row_leads_to_a_test_or_says_why_not():
    dead = []
    for number, _, _, _, proof in rows():
        linked = TEST.findall(proof)
        if not linked and len(proof.split()) < 2:
            dead.append(f"{number}: neither a test nor a reason")
        dead += [f"{number}: {file}::{name}" for file, name in linked if name not in names_in(ROOT / file)]
    assert dead == []


@pytest.mark.parametrize("document", ["security.md", "asvs.md"])
def test_every_test_file_that_is_named_is_there(document: str):
    named = set(re.findall(r"`(tests/[\w/]+(?:\.py)?)", (ROOT / "docs" / document).read_text()))
    assert named
    assert {name for name in named if not (ROOT / name).exists()} == set()


# The runbooks


def commands() -> list[tuple[str, list[str]]]:
    """(runbook, command) of every line of the runbooks that is one, in order."""
    text = (ROOT / "docs/security.md").read_text()
    found = []
    for runbook in text[text.index("## Runbooks") :].split("\n### ")[1:]:
        title, _, body = runbook.partition("\n")
        for block in re.findall(r"```\n(.*?)```", body, re.DOTALL):
            found += [(title, shlex.split(line)[1:]) for line in block.splitlines()]
    return found


@pytest.mark.sqlite
def test_the_runbooks_work(tmp_path: Path):
    """On a new university whose people and provider are those the runbooks name, each command in a process of its own: as
    after the restarts they ask for."""
    data = tmp_path / "data"
    migrated.copy_to(data)
    assert adsum(data, "check", "--fix").returncode in {0, 1}
    for person, role in (("sam@uni.ac.uk", "attendance_team"), ("gone@uni.ac.uk", "student")):
        added = adsum(data, "person", "add", person, "Sam Stone", "--role", role, typed="four quite new words\n")
        assert added.returncode == 0, added.stderr
    with honest() as provider:
        added = adsum(data, "oidc", "add", "--issuer", provider.issuer, "--client-id", "adsum", "--domain", "elsewhere.ac.uk")
        assert added.returncode == 0, added.stderr
        seen = set()
        for runbook, words in commands():
            done = adsum(data, *(provider.issuer if word == "https://login.uni.ac.uk" else word for word in words))
            assert done.returncode == 0, f"{runbook}: adsum {' '.join(words)}\n{done.stdout}{done.stderr}"
            seen.add(words[0])
    assert seen == {"check-in", "audit", "person", "oidc"}


def test_every_secret_is_in_the_inventory():
    text = (ROOT / "docs/security.md").read_text()
    keys = text[text.index("## Keys") : text.index("## Logs")]
    secret = {name for name in Environment.model_fields if re.search(r"key|secret|password", name)}
    assert {name for name in secret if f"ADSUM_{name.upper()}" not in keys} == set()

"""Somebody to ask, and help: on every page, for everybody, in few words."""

from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, get_resolver

from adsum.accounts.rules import Role
from adsum.ops.health import State, _somebody_to_ask
from adsum.web.help.topics import ABOUT, BY_PAGE, TOPICS, topics_for
from tests.kit.doors import DOORS
from tests.kit.reading import text_of

TEMPLATES = Path("adsum/web/templates")
NO_PAGES = {
    "set_language", "account_logout", "sign_in_passkey", "passkey_options", "passkey_new_options", "openid_connect_ended",
    "saml_metadata", "student_receipt", "meeting_calendar", "calendar_feed", "own_file_download", "mail_report", "checkpoint",
    "checkpoint_keys", "duty_table", "campus_table", "rooms_file", "over_time_file", "classes_file", "classes_sheets",
    "module_file", "record_file", "own_record_file", "class_sheet_pdf", "class_register_file", "import_problems",
    "office_evidence", "shared_evidence", "manifest", "worker", "api_openapi", "api_token", "api_unknown", "api_absences",
    "api_cases", "api_changes", "api_class", "api_classes", "api_import", "api_imports", "api_marks", "api_queries",
    "api_record", "api_register", "api_students",
}  # fmt: skip
"""Addresses that answer with a file, to a program, or with nothing to read."""
NOT_FOR_PEOPLE = {
    "adsum/teaching/display_over.html": "stands on a projector",
    "adsum/teaching/no_display.html": "stands on a projector",
    "adsum/teaching/no_kiosk.html": "stands on a kiosk",
    "adsum/design_sheet.html": "is a sample",
    "adsum/signin/other.html": "asks, and refuses nothing",
    "adsum/signin/signed_out.html": "refuses nothing",
    "adsum/signin/confirmed.html": "refuses nothing",
}


def test_every_page_has_help():
    named = {pattern.name for pattern in get_resolver().url_patterns if isinstance(pattern, URLPattern)}
    assert named - BY_PAGE.keys() - NO_PAGES == set()
    assert BY_PAGE.keys() - named == set()
    assert ABOUT.keys() == TOPICS.keys()


@pytest.mark.parametrize("role", Role)
def test_every_role_has_help_for_its_work(role: Role):
    assert len(topics_for({role})) > len(topics_for(set())) >= 6


def test_every_refusal_says_whom_to_ask():
    silent = set()
    for path in TEMPLATES.rglob("*.html"):
        text = path.read_text()
        if "sheet-refusal" in text and "components/somebody.html" not in text:
            silent.add(str(path.relative_to(TEMPLATES)))
    assert silent == NOT_FOR_PEOPLE.keys()


def test_no_page_is_without_a_description_and_none_reloads_without_being_asked():
    for base in ("base.html", "base_bare.html"):
        assert '<meta name="description"' in (TEMPLATES / "adsum" / base).read_text()
    reloading = {
        str(path.relative_to(TEMPLATES))
        for path in TEMPLATES.rglob("*.html")
        if 'http-equiv="refresh"' in path.read_text().replace('<noscript><meta http-equiv="refresh"', "")
    }
    assert reloading == {"adsum/signin/university.html"}, "only the one that leads on at once"


@pytest.mark.django_db
def test_the_house_says_whom_to_ask(client: Client, settings: Any):
    page = text_of(client.get("/no-such-page/"))
    assert "Ask your lecturer, or your university’s attendance team." in page
    settings.TEAM_EMAIL, settings.TEAM_TELEPHONE = "attendance@uni.example", "01234 567 890"
    settings.TEAM_HOURS, settings.HELP_DESK_TELEPHONE = "Monday to Friday, 9:00 to 17:00", "01234 567 999"
    settings.WELLBEING_URL, settings.POLICY_URL = "https://uni.example/wellbeing", "https://uni.example/policy"
    answer = client.get("/no-such-page/")
    page, html = text_of(answer), answer.content.decode()
    assert "(Monday to Friday, 9:00 to 17:00)" in page
    assert 'href="mailto:attendance@uni.example"' in html
    assert "Cannot sign in? The help desk: 01234 567 999" in page
    for address in ("tel:01234567890", "https://uni.example/wellbeing", "https://uni.example/policy"):
        assert f'href="{address}"' in html
    assert 'href="/privacy/"' in html, "what is not given is Adsum's own"


def test_check_says_what_is_not_set(settings: Any):
    found = _somebody_to_ask()
    assert (found.state, found.do.split()[1]) == (State.UNWISE, "ADSUM_TEAM_EMAIL,")
    for name in ("TEAM_EMAIL", "TEAM_TELEPHONE", "TEAM_HOURS", "HELP_DESK_EMAIL", "HELP_DESK_TELEPHONE", "WELLBEING_URL"):
        setattr(settings, name, "given")
    assert _somebody_to_ask().state == State.GOOD


@pytest.mark.django_db
@pytest.mark.once
def test_help_is_open_to_everybody_and_a_page_names_its_own(client: Client):
    assert "Why attendance is recorded" in text_of(client.get("/help/"))
    assert "It is kindly meant" in text_of(client.get("/help/why/"))
    assert 'href="/help/sign-in/"' in client.get("/sign-in/").content.decode()
    assert client.get("/help/nonsense/").status_code == 404
    assert {door.name for door in DOORS} >= {"help", "help_topic"}

"""The Welsh catalogue is whole: every sentence translated, none left over, and the compiled file is the one that ships."""

import gettext
import io
import re
from pathlib import Path

import pytest
from django.template import Context, Template
from django.test import Client
from django.utils import translation
from django.utils.translation import gettext as translated
from django.utils.translation import ngettext

from scripts import translate


def test_every_sentence_is_in_welsh_and_nothing_is_left_over():
    assert translate.wrong() == []


def test_the_compiled_file_is_what_gettext_reads():
    catalogue = gettext.GNUTranslations(io.BytesIO(translate.MO.read_bytes()))
    for entry in translate.read().values():
        if entry.plural:
            assert [catalogue.ngettext(entry.id, entry.plural, n) for n in (1, 2, 5, 11)] == entry.text
        else:
            assert catalogue.gettext(entry.id) == entry.text[0]


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('_("One") + gettext_lazy("Two " "parts") + other("Three")', [("One", ""), ("Two parts", "")]),
        ('ngettext("%(n)s class", "%(n)s classes", n)', [("%(n)s class", "%(n)s classes")]),
        ("x = _(variable)", []),
    ],
)
def test_what_is_said_in_python_is_found(source: str, found: list[tuple[str, str]]):
    assert list(translate._in_python(source)) == found


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("{% translate \"It’s (here)\" %}{% translate 'Not “there”' as x %}", [("It’s (here)", ""), ("Not “there”", "")]),
        ("{% blocktranslate with a=b %}Hello {{ a }}{% endblocktranslate %}", [("Hello %(a)s", "")]),
        (
            "{% blocktranslate count n=m %}{{ n }} class{% plural %}{{ n }} classes{% endblocktranslate %}",
            [("%(n)s class", "%(n)s classes")],
        ),
        ('{% notice title=_("Many people") %}{{ x|default:_("none") }}{% endnotice %}', [("Many people", ""), ("none", "")]),
    ],
)
def test_what_is_said_in_templates_is_found(source: str, found: list[tuple[str, str]]):
    assert list(translate._in_template(source)) == found


def test_a_missing_a_stale_and_a_broken_translation_are_each_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    entries = translate.read()
    sentences = list(entries)
    entries[sentences[0]].text = [""]
    hole = next(text for text in sentences if "%(" in text and not entries[text].plural)
    entries[hole].text = [re.sub(r"%\(\w+\)s", "%(other)s", entries[hole].text[0])]
    entries["Said by nobody"] = translate.Entry("Said by nobody", text=["Neb"])
    po = tmp_path / "django.po"
    po.write_text(translate.written(entries))
    monkeypatch.setattr(translate.read, "__defaults__", (po,))
    said = "\n".join(translate.wrong())
    assert f"not translated: {sentences[0]!r}" in said
    assert "no longer said: 'Said by nobody'" in said
    assert f"fills other holes than the English: {hole!r}" in said


def test_django_speaks_it():
    with translation.override("cy"):
        assert translated("Present") == "Yn bresennol"
        assert ngettext("%(count)s class", "%(count)s classes", 2) % {"count": 2} == "2 ddosbarth"
        assert Template("{% load i18n %}{% translate 'Sign out' %}").render(Context()) == "Allgofnodi"
    with translation.override("en-gb"):
        assert translated("Present") == "Present"


def test_a_page_in_welsh_says_so(client: Client, db: None):
    with translation.override(None):  # a request leaves its language behind
        page = client.get("/sign-in/", headers={"accept-language": "cy"}).content.decode()
    assert '<html lang="cy">' in page
    assert "Mewngofnodi" in page

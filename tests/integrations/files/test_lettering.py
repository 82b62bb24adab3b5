"""Names that no font here has are drawn another way; the paper is always printed."""

import io

import pytest
import typst
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from adsum.integrations.files import lettering, sheets
from adsum.ops import health
from tests.kit.world import NINE, World


@pytest.fixture(autouse=True)
def only_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server on which no font was installed: what comes with Adsum and with the printer."""
    ours = typst.Fonts(include_system_fonts=False, font_paths=[lettering.OURS])
    monkeypatch.setattr(lettering, "fonts", lambda: ours)


NAMES = ["Zoë Łukasz", "Nguyễn Văn", "Олена", "Ελένη", "محمد علي", "שרה", "Նարե", "გიორგი", "नमिता", "ລາວ", "Ọlá Gŵyneth"]
NAMES += ["สมชาย", "বৃষ্টি", "தமிழ்", "ਗੁਰਪ੍ਰੀਤ", "પટેલ"]
ELSEWHERE = ["王小明", "አበበ", "김민준", "さくら", "තරුෂි", "မောင်", "సీత", "\x01", "\u1c80\U0001e900"]


@pytest.mark.parametrize("name", NAMES)
def test_our_own_fonts_draw(name: str):
    assert lettering.undrawable(lettering.letters_of(name)) == set()


@pytest.mark.parametrize("name", ELSEWHERE)
def test_what_our_own_fonts_do_not_draw_is_found_letter_by_letter(name: str):
    assert lettering.undrawable(lettering.letters_of(f"{name} Zoë")) >= {name[0]}
    assert lettering.undrawable(lettering.letters_of("Zoë")) == set()


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Zoë Łukasz", "Zoë Łukasz"),
        ("王小明", ""),
        ("王小明 (Xiaoming Wang)", "… (Xiaoming Wang)"),
        ("Xiaoming 王 小明 Wang", "Xiaoming … Wang"),
        ("Wang 王", "Wang …"),
        ("Dr王Wang", "Dr… Wang"),
        ("𝐀da", "Ada"),
        ("王, 王", ""),
        ("김민준", ""),
        ("", ""),
    ],
)
def test_what_is_left_of_a_name(text: str, left: str):
    assert lettering.legible(text, set("王小明𝐀김민준")) == left


def text_of(content: bytes) -> str:
    return " ".join(" ".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages).split())


@pytest.mark.django_db
def test_one_name_that_no_font_has_does_not_keep_a_class_without_its_paper():
    world = World()
    group = world.group(students=1)
    lecturer = world.lecturer("王 Lecturer")
    session = world.session(group, starts_at=NINE, staff=[lecturer])
    students = [world.student(groups=[group]) for _ in (*NAMES, *ELSEWHERE)]
    for student, name in zip(students, [*NAMES, *ELSEWHERE], strict=True):
        student.given_name, student.family_name, student.preferred_name = "", name, ""
        student.save()
    text = text_of(sheets.register_pdf([session], at=NINE))
    assert "Zoë Łukasz" in text
    assert "Олена" in text
    assert "… Lecturer" in text
    for student in students[len(NAMES) :]:
        assert f"Student {student.number}" in text
        assert sheets.row_reference(session, student) in text


@pytest.mark.django_db
@settings(max_examples=25, deadline=None)
@given(st.lists(st.text(max_size=12), min_size=1, max_size=4))
def test_whatever_people_are_called_there_is_a_sheet(names: list[str]):
    row = {"n": 1, "number": "00012345", "ref": "7F3K22"}
    words = {"columns": [""] * 8} | dict.fromkeys("page of sheet printed how headcount time signature".split(), "x")
    rows = [{**row, "name": name} for name in names]
    sheet = {"code": "CS201", "title": names[0], "when": "now", "ref": "7F3K", "facts": [("Room", names[-1])], "rows": rows}
    data = {"title": "Register", "university": "U", "language": "en", "region": "GB", "words": words, "sheets": [sheet]}
    assert sheets.draw(data).startswith(b"%PDF")


def test_the_check_names_what_is_missing_and_what_brings_it(monkeypatch: pytest.MonkeyPatch):
    finding = health._fonts()
    assert finding.state == health.State.UNWISE
    assert "Ethiopic" in finding.says
    assert "fonts-noto-cjk fonts-noto-core" in finding.do
    monkeypatch.setattr(lettering, "SCRIPTS", [lettering.Script("Thai", "สม", "fonts-noto-core")])
    assert health._fonts().state == health.State.GOOD


def test_the_licences_lie_beside_the_fonts():
    found = {path.name.removesuffix("-Regular.ttf") for path in lettering.OURS.iterdir()}
    noto = {f"NotoSans{name}" for name in "Bengali Devanagari Gujarati Gurmukhi Tamil Thai".split()}
    assert found == noto | {"DejaVuSans.ttf", "DejaVu.LICENSE", "Noto.LICENSE"}
    assert "Bitstream Vera" in (lettering.OURS / "DejaVu.LICENSE").read_text()
    assert "SIL Open Font License" in (lettering.OURS / "Noto.LICENSE").read_text()
    assert sum(path.stat().st_size for path in lettering.OURS.iterdir()) < 2_000_000

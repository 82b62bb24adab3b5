"""What the demo university teaches, and where. Rooms and buildings are named after people long dead, or are made up."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ModuleFacts:
    """One module. `practical`: taught in labs rather than seminars."""

    code: str
    title: str
    level: int
    practical: bool


@dataclass(frozen=True, slots=True)
class CourseFacts:
    """One course, and its share of the university's students (per thousand)."""

    code: str
    title: str
    share: int


@dataclass(frozen=True, slots=True)
class School:
    """A school of a faculty: its two courses share the modules of each year."""

    code: str
    name: str
    campus: str
    courses: tuple[CourseFacts, ...]
    modules: tuple[ModuleFacts, ...]


@dataclass(frozen=True, slots=True)
class Faculty:
    code: str
    name: str
    schools: tuple[School, ...]


PARK, RIVERSIDE = "Park Campus", "Riverside Campus"
LEVELS = (4, 5, 6)
"""First to third year (FHEQ levels)."""


def _school(code: str, name: str, campus: str, courses: str, modules: str) -> School:
    """Courses as `CODE share Title`, modules as `level Title` with `*` for practical ones; both one a line."""
    parsed: list[ModuleFacts] = []
    for line in modules.strip().splitlines():
        level, title = line.strip().split(" ", 1)
        number = 1 + sum(module.level == int(level) for module in parsed)
        parsed.append(ModuleFacts(f"{code}{level}{number:02d}", title.rstrip("*"), int(level), title.endswith("*")))
    split = [line.strip().split(" ", 2) for line in courses.strip().splitlines()]
    return School(code, name, campus, tuple(CourseFacts(c, title, int(share)) for c, share, title in split), tuple(parsed))


FACULTIES = (
    Faculty(
        "SCI",
        "Faculty of Science and Engineering",
        (
            _school(
                "CMP",
                "School of Computing",
                PARK,
                """
            CS 105 BSc (Hons) Computer Science
            CY 70 BSc (Hons) Cyber Security""",
                """
            4 Programming*
            4 Computer Systems*
            4 Mathematics for Computing
            4 Web Technologies*
            5 Algorithms and Data Structures*
            5 Databases*
            5 Networks and Security*
            6 Machine Learning*
            6 Distributed Systems*
            6 Ethics and Professional Practice""",
            ),
            _school(
                "LIF",
                "School of Life Sciences",
                PARK,
                """
            BM 80 BSc (Hons) Biomedical Science
            PS 110 BSc (Hons) Psychology""",
                """
            4 Cell Biology*
            4 Introduction to Psychology
            4 Chemistry for Life Sciences*
            4 Research Methods 1*
            5 Genetics and Genomics*
            5 Cognitive Neuroscience
            5 Research Methods 2*
            6 Immunology*
            6 Health Psychology
            6 Clinical Skills*""",
            ),
        ),
    ),
    Faculty(
        "HSC",
        "Faculty of Health and Social Sciences",
        (
            _school(
                "HLT",
                "School of Health",
                RIVERSIDE,
                """
            NU 120 BSc (Hons) Adult Nursing
            PA 60 BSc (Hons) Paramedic Science""",
                """
            4 Foundations of Care*
            4 Anatomy and Physiology*
            4 Communication in Practice
            4 Law and Ethics of Health
            5 Acute Care*
            5 Pharmacology
            5 Evidence-based Practice
            6 Leading in Practice
            6 Emergency Care*
            6 Public Health""",
            ),
            _school(
                "SOC",
                "School of Social Sciences",
                RIVERSIDE,
                """
            SW 65 BA (Hons) Social Work
            CR 75 BA (Hons) Criminology""",
                """
            4 Sociology Now
            4 Crime and Society
            4 Human Growth and Development
            4 Study and Research Skills
            5 Social Policy
            5 Youth Justice
            5 Counting Crime: Statistics*
            6 Safeguarding
            6 Prisons and Punishment
            6 Gender, Race and Power""",
            ),
        ),
    ),
    Faculty(
        "BAL",
        "Faculty of Business, Arts and Law",
        (
            _school(
                "BUS",
                "School of Business",
                PARK,
                """
            BU 120 BA (Hons) Business Management
            AF 75 BSc (Hons) Accounting and Finance""",
                """
            4 Principles of Management
            4 Economics for Business
            4 Accounting in Context
            4 Marketing
            5 Business Analytics*
            5 Organisational Behaviour
            5 Corporate Finance
            6 Strategy
            6 Audit and Assurance
            6 Entrepreneurship""",
            ),
            _school(
                "LAH",
                "School of Law and Humanities",
                RIVERSIDE,
                """
            LA 75 LLB (Hons) Law
            EH 45 BA (Hons) English and History""",
                """
            4 English Legal System
            4 Reading Texts
            4 Britain since 1707
            4 Contract and Promise
            5 Public Law
            5 The Victorian City
            5 Writing and Advocacy
            6 Human Rights
            6 Welsh Writing in English
            6 Dissertation Workshop""",
            ),
        ),
    ),
)

SCHOOLS = tuple(school for faculty in FACULTIES for school in faculty.schools)


@dataclass(frozen=True, slots=True)
class RoomFacts:
    """A room; `use` is what is taught in it. Rooms for `moves` are kept free for classes that must move."""

    name: str
    site: str
    capacity: int
    use: str


LECTURES, SEMINARS, LABS, MOVES, LIVE = "lectures", "seminars", "labs", "moves", "live"


def _rooms() -> tuple[RoomFacts, ...]:
    rooms: list[RoomFacts] = []
    for site, building, theatres, floors in (
        (PARK, "P", ("Franklin", "Turing", "Somerville", "Babbage"), (1, 2)),
        (RIVERSIDE, "R", ("Seacole", "Wollstonecraft", "Hypatia", "Bevan"), (0, 1)),
    ):
        rooms += [
            RoomFacts(f"{name} Lecture Theatre", site, size, LECTURES)
            for name, size in zip(theatres, (320, 240, 200, 180), strict=True)
        ]
        for floor in floors:
            rooms += [RoomFacts(f"{building}{floor}.{n:02d}", site, 28 + 2 * (n % 4), SEMINARS) for n in range(1, 9)]
            rooms += [RoomFacts(f"{building}{floor}.{n} Lab", site, 28 + 4 * (n % 2), LABS) for n in range(20, 26)]
        rooms += [RoomFacts(f"{building}3.01", site, 200, MOVES), RoomFacts(f"{building}3.02", site, 60, MOVES)]
    return (*rooms, RoomFacts("Lovelace Lecture Theatre", PARK, 220, LIVE))


ROOMS = _rooms()
LIVE_ROOM = "Lovelace Lecture Theatre"
"""Kept for the classes around now."""

"""What `adsum demo` says once it is open: where to go, who to be, what to try."""

from urllib.parse import urlsplit

from django.conf import settings
from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from adsum.accounts.models import Person
from adsum.ops.demo import PASSWORD
from adsum.timetable.models import ClassSession
from adsum.timetable.reports import university_zone

PURPOSES = {
    "lecturer": ("Lecturer", "show the code, amend a mark"),
    "student": ("Student", "check in, see the record"),
    "tutor": ("Personal tutor", "look after students"),
    "module_leader": ("Module leader", "a module, week by week"),
    "department": ("Department staff", "modules, students, records"),
    "attendance_team": ("Attendance team", "any register, any query"),
    "help_desk": ("Help desk", "a student at the desk"),
    "compliance": ("Compliance officer", "sponsored students"),
    "timetabling": ("Timetabling", "bring a timetable in"),
    "data_protection": ("Data protection", "who looked at whose record"),
    "administrator": ("Administrator", "imports, sign-in, roles"),
}


def personas() -> dict[str, Person]:
    """The people a visitor can be, by what they are. A demo university made before there was one of them goes without."""
    found = Person.objects.filter(identifiers__system="demo", identifiers__kind="persona", identifiers__valid_to=None)
    known = {value: found.filter(identifiers__value=value).first() for value in PURPOSES}
    return {value: person for value, person in known.items() if person is not None}


def show(console: Console, running: list[ClassSession], *, port: int) -> None:
    """Print it."""
    people = personas()
    console.print(Panel.fit(_where(port), title=f"[bold]{settings.UNIVERSITY}[/bold] is open", border_style="green"))
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("Sign in as", "E-mail", "to"):  # what people type stays whole, the rest may wrap
        table.add_column(heading, header_style="bold", no_wrap=heading != "to")
    for value, person in people.items():
        label, purpose = PURPOSES[value]
        table.add_row(label, person.username, purpose)
    console.print(table)
    console.print(f"One tap on the sign-in page is enough. By e-mail: everybody's password is “[bold]{PASSWORD}[/bold]”.")
    if not settings.DEMO_ANYWHERE:
        console.print("Only this network gets in that way; [bold]--anywhere[/bold] lets the rest of the world in.")
    console.print()
    steps = Table.grid(padding=(0, 1))
    for number, line in enumerate(_steps(people, running), start=1):
        steps.add_row(f"{number}.", line)
    console.print("[bold]What to try, in this order[/bold]")
    console.print(steps)
    console.print("\n[bold]Ctrl-C[/bold] stops everything. [bold]--reset[/bold] makes a new demo university around today.")


def _where(port: int) -> str:
    origin = urlsplit(settings.ORIGIN)
    lines = [f"On this machine            [bold]http://localhost:{port}[/bold]"]
    if origin.hostname not in {"localhost", "127.0.0.1"}:
        lines.append(f"On a phone, same network   [bold]{settings.ORIGIN}[/bold]")
    else:
        lines.append("A phone cannot reach this machine: it has no network, or the demo listens on this machine alone.")
    return "\n".join(lines)


def _steps(people: dict[str, Person], running: list[ClassSession]) -> list[str]:
    zone = university_zone()
    now, following = (one.starts_at.astimezone(zone).strftime("%H:%M") for one in running)
    lecturer, student = people["lecturer"].display_name, people["student"].display_name
    title = running[0].title
    return [
        f"As {lecturer} (lecturer), open My classes: {title} began at {now} (the next: {following}). Show the code.",
        f"Scan it with your phone's camera, sign in there as {student} (student), and say “I'm here”.",
        "In a second tab, as the lecturer, open the live register of that class: the mark is there within a second.",
        "No phone? In a private window, as the student, type the eight digits beside the code instead.",
        "As the student, open Your attendance: every mark says why it is what it is. Say that one of them is wrong.",
        "As the lecturer, mark somebody by hand, change a mark with a reason, and look at its history.",
        "As the attendance team, open any class of today; as timetabling, bring in a timetable and read what would change.",
    ]

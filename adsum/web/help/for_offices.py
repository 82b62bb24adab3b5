"""Help for those who run Adsum, report to authorities, or watch over it."""

from django.utils.translation import gettext_lazy as _

from adsum.accounts.rules import (
    COMPLIANCE,
    IMPORTS,
    KEEPS_REGISTERS,
    MAKES_POLICIES,
    MANAGES_PEOPLE,
    OVERSEES_PARTNERS,
    READS_ACCESS_LOG,
    RUNS_CHECKIN,
    SETS_UP_APPLICATIONS,
    SETS_UP_SIGN_IN,
    Role,
)
from adsum.web.help.topic import Topic

TOPICS = (
    Topic(
        "amendments",
        _("Amendments and reported periods"),
        _("Changes of marks that need a second person, or that touch what was reported."),
        steps=(
            _("“Amendments” lists changes that wait for a colleague. See before and after, then confirm or decline."),
            _("Corrections of a period that was reported outside are listed for those who reported it."),
        ),
        roles=KEEPS_REGISTERS | COMPLIANCE,
    ),
    Topic(
        "policies",
        _("Attendance policies"),
        _("When check-in opens, what is late, what counts, and until when a mark can be queried."),
        steps=(
            _("Open “Policies” and make a new version from the one in force. It begins on a day you choose."),
            _("See the effect on last term before it begins."),
            _("Students read the policy under “Attendance policy” at the foot of every page."),
        ),
        roles=MAKES_POLICIES,
    ),
    Topic(
        "reports",
        _("Reports"),
        _("Check-in, rooms and registers over time; counts that name nobody."),
        steps=(
            _("“Reports” lists those you have. Each says what it counts, and can be taken as a file."),
            _("A report can come by mail each week. Stop it on the same page."),
        ),
        roles=KEEPS_REGISTERS | {Role.TIMETABLING, Role.ADMINISTRATOR, Role.DATA_PROTECTION},
    ),
    Topic(
        "sponsored",
        _("Sponsored students"),
        _("Who has been absent for how long, what is due to UKVI, and by when."),
        steps=(
            _("The board begins with what is due first. Open a duty to decide, report or close it."),
            _("A student’s page has the clocks, contact points, leave and what was reported."),
            _(
                "“Guidance” says which edition of the sponsor guidance the "
                "clocks follow. Without one in force nothing is watched."
            ),
        ),
        roles=frozenset({Role.COMPLIANCE_UKVI}),
    ),
    Topic(
        "packs",
        _("Evidence packs and partners"),
        _("Proof of attendance for an inspection, and teaching by partners."),
        steps=(
            _("Draw a sample or choose a student. The pack is made again from the record, as of any day."),
            _("“Partners” shows the attendance at providers that teach for the university, and the checks you plan there."),
        ),
        roles=OVERSEES_PARTNERS,
    ),
    Topic(
        "funding",
        _("Funded students"),
        _("Confirmations to the Student Loans Company, points of liability, and changes."),
        steps=(
            _("“Funding” has the lists and the tasks, with the days by which they are due."),
            _("Each list says what it takes to be confirmed, and what the record knows of it."),
            _("Files go out and come back in the layout that was set, and every row that came back is kept."),
        ),
        roles=frozenset({Role.COMPLIANCE_SLC}),
    ),
    Topic(
        "imports",
        _("Timetables and rosters"),
        _("Bring a file or a calendar in, see what would change, then approve it."),
        steps=(
            _("Upload a file, or give a calendar’s address. Nothing changes yet."),
            _("Read what would change: how many are new, moved or missing, and which rows need you."),
            _("Approve it. Marks stay with their classes, also when those move."),
            _("“Reported from the room” lists what lecturers said. Confirm each, or undo it."),
        ),
        answers=(
            (
                _("A class is missing from the new file"),
                _("It is kept and marked “is it still on?”, because its marks would be lost. Cancel it, or keep it."),
            ),
        ),
        roles=IMPORTS,
    ),
    Topic(
        "people",
        _("People and roles"),
        _("Who may do what, over which departments, and until when."),
        steps=(
            _("Find a person under “People”. Their roles, modules, sign-ins and history are on one page."),
            _("Give a role with a first and a last day, and end it there. Nobody can change their own."),
        ),
        roles=MANAGES_PEOPLE,
    ),
    Topic(
        "set-up-sign-in",
        _("Connect the university’s sign-in"),
        _("OpenID Connect or SAML, tried before anybody depends on it."),
        steps=(
            _("Choose the kind, and fill in what your identity team gives you."),
            _("Check the connection, then try a sign-in yourself before you switch it on."),
            _("Say which of its answers prove a second factor. Without that, staff cannot sign in."),
        ),
        roles=SETS_UP_SIGN_IN,
    ),
    Topic(
        "applications",
        _("Applications"),
        _("Systems of the university that read and write through the API: what each may do, and where."),
        steps=(
            _("Add the system under “Applications”. Choose what it may do and where, and name a colleague who answers for it."),
            _("Make a token for it. It is shown once: hand it safely to those who look after the system."),
            _("If the system is to be told of changes, add a webhook and send it a test."),
        ),
        answers=(
            (
                _("A token has fallen into the wrong hands"),
                _("End it on the application’s page: calls with it are refused within a second. Then make another."),
            ),
            (
                _("Messages to a webhook do not arrive"),
                _("The webhook’s page says how each one stands, and why it failed. Send it again there."),
            ),
        ),
        roles=SETS_UP_APPLICATIONS,
    ),
    Topic(
        "run-check-in",
        _("Run check-in and mail"),
        _("Pause check-in for everybody, see alarms, retire a key, and look after letters."),
        steps=(
            _("“Check-in” shows what the servers noticed: codes from the future, slow sign-in, late codes."),
            _("Pausing stops check-in for the whole university. Scans made before are safe and finish afterwards."),
            _("“Mail” lists letters that did not go out, with what the mail server said."),
        ),
        roles=RUNS_CHECKIN,
    ),
    Topic(
        "data-protection",
        _("Data protection"),
        _("Requests, retention, erasure, and who looked at whose record."),
        steps=(
            _("“Requests” lists what people asked about their data, with the day each answer is due."),
            _("“Who looked” shows what is unusual first, and every record that was opened from outside."),
            _("“Retention” shows what ends tonight, and asks you before a first or a large run."),
            _("“Documents” fill themselves in: notices, assessment and record of processing. Say who is responsible first."),
        ),
        roles=READS_ACCESS_LOG | {Role.ADMINISTRATOR},
    ),
    Topic(
        "audit",
        _("The event log"),
        _("Who did what, when, in sentences; and the proof that nothing was changed."),
        steps=(
            _("Search by person, day, class or what happened. Each event is a sentence; its code stands beside it."),
            _("The top of the page says when the log was last signed, verified and compared with the record."),
        ),
        roles=READS_ACCESS_LOG,
    ),
)

"""Help for those who teach, and for those who look after students."""

from django.utils.translation import gettext_lazy as _

from adsum.accounts.rules import (
    DECLARES_OUTAGES,
    HELPS,
    KEEPS_RECORDS,
    KEEPS_REGISTERS,
    LISTS_CLASSES,
    LOOKS_AFTER,
    STAFF,
    Role,
)
from adsum.web.help.topic import Topic

TEACHES = LISTS_CLASSES | {Role.LECTURER}

TOPICS = (
    Topic(
        "search",
        _("Search and keyboard"),
        _("One search for students, modules, rooms, classes and pages."),
        steps=(
            _("Press / on any page, or the magnifying glass at the top, and type a few letters."),
            _("Several words find what has all of them: “cs201 monday” finds less than “cs201”."),
            _("Press ? for the keys that work everywhere. They rest while you type in a field, and can be switched off there."),
        ),
        answers=(
            (
                _("Why can I not find a student?"),
                _(
                    "The search shows whom you look after. For anybody else, "
                    "open the record under “Students, outside those you "
                    "look after” with a reason, which the data-protection officer reads."
                ),
            ),
        ),
        roles=STAFF,
    ),
    Topic(
        "show-the-code",
        _("Show the code"),
        _("Two clicks from your classes to the code on the screen."),
        steps=(
            _("Open “My classes” and press “Show code” beside the class. Check-in opens at its time."),
            _("Move the window to the projector and press “Full screen”."),
            _("On a lectern PC, open the address with /display and type the eight characters it shows on your register."),
            _("“Register”, at the foot of the screen, leads back to the register of the class."),
        ),
        answers=(
            (
                _("The screen says that it waits for the network"),
                _(
                    "It shows a new code by itself when the network is back. "
                    "Meanwhile mark by hand, or note the names on paper."
                ),
            ),
            (
                _("A photo of the code is in a chat"),
                _("Press “New codes now” on the register, under “Check-in and screens”: all codes so far stop working."),
            ),
            (
                _("Four screens already show this class"),
                _("A screen that was silent for two minutes makes room by itself. Otherwise stop one on the register."),
            ),
        ),
        roles=TEACHES,
    ),
    Topic(
        "register",
        _("Take and amend a register"),
        _("Marks arrive by themselves; everything else is one click, with an undo."),
        steps=(
            _("Open a class to see its register. Names fill in as students scan."),
            _(
                "Select one student or several and press a status. With the "
                "keyboard: arrows, space, then the letter of the status."
            ),
            _("“Held” lists scans that wait for you. Accept or decline each, or all together."),
            _("Count heads if you like, and “Mark the rest absent” at the end. Otherwise the register closes by itself."),
            _("To change a mark later, open the student and give a reason."),
        ),
        answers=(
            (_("Can I undo it?"), _("Yes: “Undo” follows every change, and the history keeps what was there before.")),
            (
                _("My sign-in ended during the lecture"),
                _("Sign in again: a mark that you had just pressed is made then. While a register is open it counts as work."),
            ),
            (
                _("A student is not on the list"),
                _(
                    "Add them by number or university e-mail. If they belong to "
                    "another group, their own class expects them no more."
                ),
            ),
            (
                _("Two students have the same name"),
                _("Their numbers stand beside their names, and on paper everybody’s number does."),
            ),
        ),
        roles=TEACHES,
    ),
    Topic(
        "change-a-class",
        _("Cancel, move or add a class"),
        _("Said once from your phone, true everywhere at once."),
        steps=(
            _("Open the class and choose “Cancel or change this class”."),
            _("Say what it is: cancelled, moved, covered by a colleague, online, or for another group."),
            _(
                "Choose a room from the list. A room that is not on it can be "
                "written, and timetabling is told that it is not known."
            ),
            _("Students are told at once, and timetabling confirms the change or undoes it."),
        ),
        roles=TEACHES | {Role.TIMETABLING},
    ),
    Topic(
        "queries",
        _("Answer a query"),
        _("A student says that a mark is wrong. What they tried is attached."),
        steps=(
            _("Open the query: the mark, what the student says, and what they tried stand together."),
            _("Uphold it with a status, or decline it. Say in a few words why: the student reads it."),
            _("If you do not know, say so. The attendance team then looks into it."),
            _("“Next” leads to the next query, and “Back to the list” to where you were."),
        ),
        answers=(
            (
                _("Until when?"),
                _("Students are promised an answer within five working days. After three the team is asked too."),
            ),
        ),
        roles=TEACHES,
    ),
    Topic(
        "checks",
        _("Second checks and spot checks"),
        _("Ask once more in the middle of a class. It changes no mark."),
        steps=(
            _("Open the register and choose “Second check”: students scan a new code within 90 seconds."),
            _("Or call a few names, drawn at random, and note who answers."),
            _("Whoever misses it is “unconfirmed”: a note, never an absence. You can say that you saw them."),
        ),
        roles=TEACHES,
    ),
    Topic(
        "paper",
        _("Paper registers and files"),
        _("Print a sheet, type it in afterwards, or take a list as a file."),
        steps=(
            _("On the register, choose “Sheet to print”. Everybody’s number stands beside the name."),
            _("Afterwards choose “Type in the sheet”, tick who signed, and check what would change before you save it."),
        ),
        roles=TEACHES,
    ),
    Topic(
        "classes",
        _("Classes and registers to complete"),
        _("Find any class, and those whose register nobody has taken."),
        steps=(
            _("“Classes” lists a day. Search by module, room or lecturer; without a day it searches all."),
            _("“To complete” lists classes that are over without a register. Take it, or say why there is none."),
        ),
        roles=LISTS_CLASSES,
    ),
    Topic(
        "modules",
        _("Modules"),
        _("How a module is attended, week by week, class by class and student by student."),
        steps=(
            _("“Modules” lists those you may see, with the last six weeks. A week opens to its classes."),
            _("Open a module for its students, those who attended least first."),
            _("“As of” shows a register or record as it was on an earlier day."),
        ),
        roles=LISTS_CLASSES,
    ),
    Topic(
        "work",
        _("Work"),
        _("What waits for you, what is due first, and how to get through it."),
        steps=(
            _("“Work” lists everything that waits, sorted by what is due. The number beside it in the menu is how much."),
            _("Open one and decide. “Next” leads to the next, “Back to the list” to the list as you had it."),
            _("Select several to do the same with all of them at once."),
        ),
        roles=KEEPS_REGISTERS,
    ),
    Topic(
        "decide-absences",
        _("Decide about absences"),
        _("What students told, what the rules say, and what still needs a person."),
        steps=(
            _("“Absences” lists those that wait for a decision, the oldest first."),
            _("Open one: days, classes, reason and evidence stand together. Decide, with words that the student reads."),
            _("An absence told by telephone is recorded on the student’s page, under “Record an absence”."),
            _("“Rules” holds the reasons, their limits and who decides."),
        ),
        roles=KEEPS_RECORDS | HELPS,
    ),
    Topic(
        "standing-arrangements",
        _("Adjustments and placements"),
        _("What is agreed with a student for a while, and takes effect without a word in class."),
        steps=(
            _("“Adjustments” gives a student longer to check in or more time before a reminder. No lecturer sees why."),
            _("“Placements” says when students are elsewhere, so that classes do not expect them."),
            _("Both can come from a file. You see what would change before anything does."),
        ),
        roles=KEEPS_RECORDS,
    ),
    Topic(
        "cases",
        _("Cases, concerns and meetings"),
        _("From a first conversation to an outcome, with the next step and its day."),
        steps=(
            _("“Cases” lists the students you follow, with the stage and the next step."),
            _("Note each contact on the case, offer times for a meeting, and write down what was agreed."),
            _("“Concerns” are what colleagues noticed. Read each, and open a case if there is something to do."),
            _("“Not opened” lists formal messages that nobody read. Ring the student instead of waiting."),
        ),
        answers=(
            (
                _("Somebody may be in danger now"),
                _("Call first, write afterwards. The concern form says whom to call at your university."),
            ),
        ),
        roles=LOOKS_AFTER,
    ),
    Topic(
        "alerts",
        _("Reminders and alert rules"),
        _("Who would get a reminder, why, and what the rules are."),
        steps=(
            _("“Alerts” holds reminders that wait for you before they are sent, each with the classes it rests on."),
            _("Release it, hold it back, or say that it is wrong. When a mark changes, it is taken back by itself."),
            _("“Alert rules” are tried on past weeks before they begin, so that you see whom they would have reached."),
            _("Closure days and outages keep reminders back for what nobody could attend."),
        ),
        roles=KEEPS_RECORDS | {Role.ADMINISTRATOR},
    ),
    Topic(
        "students",
        _("Students and their records"),
        _("Find a student you look after, read the record, and write down why if you open another."),
        steps=(
            _("“Students” lists those you look after. Search by name, number or e-mail."),
            _("The record has the sum, each mark with its reason, queries, absences and cases, and can be taken as a file."),
            _(
                "For a student you do not look after, “outside those you look "
                "after” opens the record for half an hour, with a reason."
            ),
        ),
        answers=(
            (_("Is it noted that I looked?"), _("Yes, every look is noted, and the student can see it by role and day.")),
        ),
        roles=STAFF,
    ),
    Topic(
        "tutees",
        _("Your tutees"),
        _("Who needs a look this week, and why."),
        steps=(
            _("“My tutees” begins with those who need a look, with the reason and a first step."),
            _("Open one for the record, note a contact, or offer a meeting."),
            _("“Supervisions” asks whether you saw a research student, once for each due day."),
        ),
        roles=frozenset({Role.TUTOR}),
    ),
    Topic(
        "desk",
        _("At the help desk"),
        _("A student calls or comes: what you can see, and what you can do."),
        steps=(
            _("Find the student by name, number or e-mail."),
            _("Their page has the classes of this week and what became of each scan, in words you can read out."),
            _("Record an absence, or pass on that they were there. The lecturer answers, and the student is told."),
        ),
        roles=HELPS,
    ),
    Topic(
        "outages",
        _("Outages"),
        _("When check-in could not be relied on, nobody loses by it."),
        steps=(
            _("Say when it began and ended, and which rooms, sites or the whole university it was."),
            _("Students without a mark in those classes are “not observed”, and reminders wait."),
            _("It can be withdrawn, and everything is then as it was."),
        ),
        roles=DECLARES_OUTAGES,
    ),
)

"""Help for students, and for what everybody has."""

from django.utils.translation import gettext_lazy as _

from adsum.accounts.rules import Role
from adsum.web.help.topic import Topic

STUDENTS = frozenset({Role.STUDENT})

TOPICS = (
    Topic(
        "why",
        _("Why attendance is recorded"),
        _("What it is for, what happens with it, and why a shared code helps nobody."),
        answers=(
            (
                _("What is it for?"),
                _(
                    "Students who stop coming to classes often have a reason that somebody could help with. Attendance is the "
                    "earliest sign, so the university looks at it in order to offer help before it is late. Some students are "
                    "also sponsored or funded on the condition that they attend, and the university must be able to say so."
                ),
            ),
            (
                _("What does it not do?"),
                _(
                    "It does not follow you around: there is no location, no "
                    "app and no microphone, only the time of your scan. "
                    "No decision about you is made by a computer alone. A class whose register was not taken, or that was "
                    "cancelled, never counts against you."
                ),
            ),
            (
                _("What if I send the code to a friend?"),
                _(
                    "It is kindly meant, but it hides that they may need help, "
                    "and the code shows where it came from. Scans that "
                    "do not fit together are looked at by a person, who asks before thinking anything. If it turns out that "
                    "somebody was checked in who was not there, the mark is put right, and it may be taken up under the "
                    "university’s rules on conduct. If a friend cannot come, show them how to report an absence instead."
                ),
            ),
            (
                _("Who can see it?"),
                _(
                    "Your lecturers see their own classes. Your personal tutor, "
                    "the attendance team and your department see your "
                    "record. Everybody who opens it is listed under “Who looked”, on Your attendance."
                ),
            ),
        ),
    ),
    Topic(
        "check-in",
        _("Check in to a class"),
        _("With your phone’s camera, with eight digits, or without a phone."),
        steps=(
            _("Point your phone’s camera at the code on the screen, and open the address it finds."),
            _("Sign in if you are asked to. Your scan counts from the moment you made it, however long that takes."),
            _("See that the class and the name are right, and press “I’m here”."),
            _("You see a tick, the time and a receipt number. You are on the register."),
        ),
        answers=(
            (
                _("I cannot scan the code"),
                _("Open the address on the screen in any browser, sign in, and type the eight digits beside the code."),
            ),
            (
                _("I have no phone with me"),
                _(
                    "Use any device with a browser, the kiosk if there is one, or "
                    "ask your lecturer to mark you. It counts the same."
                ),
            ),
            (
                _("The code had just changed"),
                _("Point your camera at the screen again. The code changes every minute so that it works only in the room."),
            ),
            (
                _("It says that my scan is held"),
                _(
                    "Your lecturer decides about it: for example because you are in another group’s class. It is kept with its "
                    "time, and you are told what became of it."
                ),
            ),
            (
                _("Check-in is paused"),
                _("Keep the page and press “Try again” when it goes on. Nothing counts against you meanwhile."),
            ),
        ),
    ),
    Topic(
        "your-attendance",
        _("Your attendance"),
        _("What your record says, why each mark is what it is, and how to have one put right."),
        steps=(
            _("“Today” shows the class now and the next one, with changes of room and time."),
            _("“Your attendance” shows how many classes you attended, week by week and module by module."),
            _("Open a module, then a class: it says why the mark is what it is, and everything that ever happened to it."),
            _("Is it wrong? Press “I was there” on the page of the class. You see by when you have an answer."),
        ),
        answers=(
            (
                _("How is this worked out?"),
                _(
                    "Attended classes are divided by classes that count. "
                    "Cancelled classes, registers that nobody took, optional "
                    "classes and authorised absences are not counted. The attendance policy says it in full."
                ),
            ),
            (
                _("Until when can I ask about a mark?"),
                _(
                    "The page of the class says until when. After that day "
                    "write to the attendance team and name the class; the "
                    "address is at the foot of every page."
                ),
            ),
            (
                _("Can I take my record with me?"),
                _("Yes, as CSV or XLSX at the foot of “Your attendance”. A receipt for one mark is on the page of its class."),
            ),
        ),
        roles=STUDENTS,
    ),
    Topic(
        "reminder",
        _("You got a reminder"),
        _("It is an offer of help. What it rests on, and what closes it."),
        steps=(
            _("Open “Your attendance”: the reminder is at the top, with each class it is about."),
            _("If one of the marks is wrong, say so from there. You have ten working days."),
            _("See what closes it, such as attending three of your next four classes. It then closes by itself."),
            _("If something makes it hard to come, tell us: that is what it is for."),
        ),
        roles=STUDENTS,
    ),
    Topic(
        "absences",
        _("Report an absence"),
        _("Before or after the class, in a minute, with evidence only if it is asked for."),
        steps=(
            _("Open “Absences” and choose “Tell us of an absence”."),
            _("Say which days, why, and in a few words what happened. Nothing medical is needed."),
            _("See which classes fall into it and what becomes of it, and untick those you will attend."),
            _("Press “Tell the university”."),
        ),
        answers=(
            (
                _("Who can read the reason?"),
                _(
                    "Those who decide about absences. Lecturers see only that "
                    "you told us. Your tutor reads more if you allow it."
                ),
            ),
            (_("Is it too late?"), _("It is never too late to tell us. After the deadline, people decide.")),
        ),
        roles=STUDENTS,
    ),
    Topic(
        "support",
        _("Support and decisions"),
        _("People who have time for you, what you agreed, and decisions you can answer."),
        steps=(
            _("“Support” shows who would like to talk with you. Pick a time that suits you, or say that none does."),
            _("What was agreed stays there, and you can put the meeting into your calendar."),
            _("Before a decision that matters becomes final you read what it rests on, and can answer in your own words."),
        ),
        answers=((_("I think a decision is wrong"), _("You have ten working days to appeal. Somebody else decides.")),),
        roles=STUDENTS,
    ),
    Topic(
        "messages",
        _("Messages"),
        _("Everything you were told, and what also comes by mail."),
        steps=(
            _("“Messages” keeps all you were told, newest first. Those in bold are unread."),
            _("Under “How you are told” choose for each kind: at once, in one letter a week, or not by mail."),
            _("Where there is “On a phone”, your phone can tell you as soon as something happens, without mail."),
        ),
        answers=(
            (
                _("Can I switch everything off?"),
                _("Formal messages always come, because something depends on your having read them."),
            ),
        ),
    ),
    Topic(
        "sign-in",
        _("Sign in"),
        _("Your university e-mail first, then the way of signing in that your university uses."),
        steps=(
            _("Enter your university e-mail. You are led to your university’s own sign-in."),
            _("Sign in there as you always do, with a second step if it asks for one."),
            _(
                "If you had scanned a code before, you come back to the button "
                "“I’m here”, and your scan counts from its own time."
            ),
        ),
        answers=(
            (
                _("I cannot sign in"),
                _("The help desk can see why. In class, your lecturer can mark you by hand, so nothing is lost."),
            ),
            (
                _("I use a shared computer"),
                _("Sign out when you leave. “Where you are signed in” ends a sign-in on any device from any other."),
            ),
            (
                _("I was signed out while I worked"),
                _("Sign in again: what you had pressed is done then, and what was saved is safe."),
            ),
        ),
    ),
    Topic(
        "your-data",
        _("Your data"),
        _("Everything that is kept about you, in one file, and what you may ask about it."),
        steps=(
            _("Open “Your data” at the foot of any page and press the button. The file is ready in less than a minute."),
            _("If something in it is wrong, or you want it to stop, use the form there. Each step has a date."),
        ),
    ),
    Topic(
        "receipts",
        _("Receipts and checkpoints"),
        _("How to prove a mark, and how to prove that the log was not changed."),
        steps=(
            _("Download the receipt on the page of the class, from the day after."),
            _(
                "Anybody can check it under “Check a receipt”, or with the "
                "script that comes with Adsum, also without this site."
            ),
        ),
    ),
)

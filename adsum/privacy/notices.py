"""The privacy notices: what is told to students and to staff of how their data is used."""

from django.utils.translation import gettext as _

from adsum.core.declared import For
from adsum.privacy.sections import Facts, Section, contact, has, purposes_table, retention_table, says_of


def for_students(facts: Facts) -> list[Section]:
    """What students are told."""
    return [
        contact(facts),
        Section(
            _("What is kept about you"),
            points=[
                _(
                    "Who you are: name, numbers, course, groups, tutor, and how you can be reached. From the student record"
                    " and you."
                ),
                _("Your classes and your mark in each, with every change: by whom, when and why."),
                _(
                    "Your scans: when, and for a short time which browser, and whether from the campus network (yes, no or"
                    " unknown)."
                ),
                _(
                    "Absences you tell of, with their reason and evidence. This may be about your health, and only those"
                    " who decide read it."
                ),
                _("Reminders, answers, meetings and what was agreed with you."),
                *([_("What is reported to the Home Office, if we sponsor your visa.")] if has(facts, For.SPONSOR) else []),
                *([_("What is confirmed to the Student Loans Company, if it funds you.")] if has(facts, For.FUNDING) else []),
                _("Who looked at your record: you see that, too."),
            ],
        ),
        Section(
            _("What is not"),
            points=[
                _("Where you are. No satellite, Bluetooth or wireless tracking, ever."),
                _("Your face, fingerprints or voice. A card or a code is enough, so biometrics would be unlawful."),
                _("A score. No machine predicts anything about you."),
            ],
        ),
        purposes_table(facts, recipients=True),
        Section(_("Outside the United Kingdom"), text=[_transfers(facts)]),
        retention_table(facts),
        Section(
            _("Decisions"),
            text=[
                _(
                    "Rules find who may need a reminder, and each reminder says by which rule and which classes. Nothing"
                    " that matters"
                    " is decided by a machine alone: a named person, who sees the evidence and can decide otherwise, does it"
                    " before"
                    " it has any effect. You can say how it was, and contest it."
                )
            ],
        ),
        _rights(),
        *_changes(),
    ]


def for_staff(facts: Facts) -> list[Section]:
    """What staff are told."""
    return [
        contact(facts),
        Section(
            _("What is kept about you"),
            points=[
                _(
                    "Who you are: name, staff number, university e-mail, roles and since when. From the staff record and"
                    " the timetable."
                ),
                _("The classes you teach, and the registers, marks and decisions you make, with your name and the time."),
                _("Your sign-ins and second factors."),
                _(
                    "Every look at a student’s record: when, whose, and why if from outside your usual work. Students see"
                    " your role, not your name."
                ),
            ],
        ),
        Section(
            _("What is not"),
            points=[
                _("How well you teach. There are no ratings, and no comparison of lecturers."),
                _("Your location, or anything about your private devices."),
            ],
        ),
        purposes_table(facts, recipients=False),
        Section(_("Outside the United Kingdom"), text=[_transfers(facts)]),
        retention_table(facts),
        _rights(),
        *_changes(),
    ]


def _transfers(facts: Facts) -> str:
    return says_of(facts).transfers or _("Nothing leaves the United Kingdom.")


def _rights() -> Section:
    return Section(
        _("Your rights"),
        points=[
            _("See everything: “Your data”, at the foot of every page, gives it to you in one file within a minute."),
            _(
                "Have it put right, kept unused, or erased; object to a use of it. The same page has the form, and by when"
                " you hear."
            ),
            _(
                "Complain to us: by that form, or in any other way to the data-protection officer. It is acknowledged"
                " within 30 days."
            ),
            _("Complain to the Information Commissioner: ico.org.uk/make-a-complaint, 0303 123 1113."),
        ],
        text=[_("If you are under 18 you are owed higher protection: say so, and you are answered first.")],
    )


def _changes() -> list[Section]:
    return [Section(_("When this changes"), text=[_("Each version is kept, and you are told when a new one begins.")])]

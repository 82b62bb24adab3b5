"""The data-protection impact assessment and the record of processing, as far as the product itself can write them."""

from django.utils.translation import gettext as _

from adsum.core.declared import For
from adsum.privacy.purpose_labels import PURPOSES
from adsum.privacy.sections import Facts, Section, contact, not_said, purposes_table, retention_table, says_of


def impact(facts: Facts) -> list[Section]:
    """The assessment under Article 35."""
    return [
        contact(facts),
        Section(
            _("What happens"),
            text=[
                _(
                    "Students check in to classes by scanning a code with their own phone and confirming it, or by a typed"
                    " code, a kiosk or"
                    " their lecturer. From the marks, rules that are published find who may need help. People talk with"
                    " them, decide"
                    " about absences, and report what the law asks to be reported."
                )
            ],
        ),
        _stored(facts),
        purposes_table(facts, recipients=True),
        Section(
            _("Why it is necessary, and not more"),
            points=[
                _("There is no legal percentage of attendance. What is counted, and how, is a published policy with versions."),
                _(
                    "A code on a screen is the least intrusive way that works: nobody’s place is tracked, and a person"
                    " without a phone is served alike."
                ),
                _(
                    "Biometrics are not used. The Information Commissioner found them unlawful for attendance where a card"
                    " would do (Serco"
                    " Leisure, enforcement notice of February 2024)."
                ),
                _("Network and device are a weight of evidence for a person, never a gate and never an absence."),
                _("No predictive score: each rule is a sentence that a student can check against their own record."),
            ],
        ),
        Section(_("Risks, and what is done about them"), head=[_("Risk"), _("What is done")], rows=_risks()),
        retention_table(facts),
        Section(
            _("People with a say"),
            text=[
                _(
                    "Before this is approved, hear students and staff, and the data-protection officer. Write down here"
                    " what they said, and"
                    " who approved it when: that part no software can fill in."
                )
            ],
        ),
    ]


def _risks() -> list[list[str]]:
    return [
        [
            _("A warning that is wrong"),
            _(
                "It waits, shows each class with what was not checked, and a person lets it go. It takes itself back when"
                " the record changes."
            ),
        ],
        [
            _("Health data in the wrong hands"),
            _(
                "Reasons, evidence and notes are read by those who decide alone, kept encrypted, and never in mail, logs or"
                " other systems."
            ),
        ],
        [
            _("Curiosity of staff"),
            _(
                "Access follows the relationship. Every look is kept and shown to the student; from outside it needs a"
                " reason that the officer reads."
            ),
        ],
        [
            _("Decisions by machine"),
            _("Nothing that matters happens without a named person before the effect, who can decide otherwise."),
        ],
        [
            _("Unequal effect"),
            _(
                "Standing adjustments, other ways than a phone, and a yearly look at whether some groups are flagged more"
                " than others."
            ),
        ],
        [
            _("A lost or stolen database"),
            _(
                "Secrets and sensitive texts are encrypted with keys kept elsewhere. Who is who in the event log needs a"
                " key of its own."
            ),
        ],
        [_("Data kept too long"), _("Each field says how long it is kept. A nightly job erases it, and leaves a certificate.")],
        [
            _("People under 18"),
            _(
                "Their requests come first; the same notices are written to be understood; nothing is told to a family"
                " without asking them."
            ),
        ],
    ]


def _stored(facts: Facts) -> Section:
    """Exactly the fields stored, from the declarations."""
    return Section(
        _("Exactly what is stored"),
        text=[_("Written from the declarations beside the tables, so that nothing can be missing here.")],
        head=[_("Table"), _("Fields"), _("For")],
        rows=[[table, names, str(PURPOSES[For(purpose)][0])] for table, names, purpose in facts["stored"]],
    )


def processing(facts: Facts) -> list[Section]:
    """The record under Article 30."""
    says = says_of(facts)
    return [
        contact(facts),
        Section(
            _("Whose data"), points=[_("Students, from their enrolment on"), _("Teaching, support and administrative staff")]
        ),
        purposes_table(facts, recipients=True),
        _stored(facts),
        Section(_("Outside the United Kingdom"), text=[says.transfers or _("Nothing leaves the United Kingdom.")]),
        retention_table(facts),
        Section(
            _("Security"),
            points=[
                _(
                    "Sign-in by the university, with two factors for all staff; passkeys or passwords with a second step"
                    " for local accounts."
                ),
                _(
                    "Access by role and relationship, tested address by address; a fresh proof before exports and large"
                    " changes."
                ),
                _("An event log to which can only be added, sealed in a tree and compared with checkpoints kept elsewhere."),
                _("Sensitive texts and files encrypted; keys kept apart from backups."),
            ],
        ),
    ]


def accessibility(facts: Facts) -> list[Section]:
    """The statement that the public-sector accessibility regulations ask for."""
    says = says_of(facts)
    return [
        Section(
            _("What you can expect"),
            text=[
                _(
                    "%(university)s wants everybody to be able to use Adsum. It meets the Web Content Accessibility"
                    " Guidelines 2.2, level"
                    " AA: every page is checked by machine, with a keyboard and without scripts, in light and dark, at 320"
                    " pixels and at"
                    " twice the text size."
                )
                % {"university": facts["university"]}
            ],
            points=[
                _(
                    "No camera is needed: eight digits can be typed, a kiosk takes a number or card, and a lecturer can"
                    " mark you."
                ),
                _("Nobody has to hurry: a scan counts from when it was made, however long signing in takes."),
                _("A standing adjustment gives you longer, or another way, without anybody being told why."),
                _("Colour never speaks alone, and nothing moves if you asked your device for less motion."),
            ],
        ),
        Section(
            _("What is not accessible yet"),
            points=[
                _(
                    "The code on the screen cannot be read by a screen reader. Its eight digits can, on the lecturer’s"
                    " page; ask for them."
                ),
                _("Evidence that students send as pictures is shown as it came."),
            ],
        ),
        Section(
            _("If something does not work for you"),
            text=[
                _("Write to %(address)s. You have an answer within ten working days.")
                % {"address": not_said(says.accessibility_email)},
                _(
                    "Not content with it? The Equality Advisory and Support Service advises: equalityadvisoryservice.com."
                    " The Equality and"
                    " Human Rights Commission enforces the regulations."
                ),
            ],
        ),
        Section(
            _("How this was found out"),
            text=[
                _(
                    "By automated tests of every page with axe in a real browser with each release, and by trying the"
                    " journeys that matter"
                    " by keyboard. The university adds here its own tests with people, and their dates."
                )
            ],
        ),
    ]

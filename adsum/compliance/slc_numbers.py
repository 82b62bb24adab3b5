"""The numbers of the Student Loans Company's edition in force, as its rules read them."""

from datetime import date

from adsum.compliance.editions import guidance
from adsum.compliance.guidance import Authority, Number
from adsum.compliance.slc_rules import Numbers


def slc_numbers(on: date) -> Numbers:
    """What applies on a day (two queries). Raises AdsumError `no_edition` or `no_number`."""
    found = guidance(Authority.SLC, on)
    return Numbers(
        goes_on_days=found.whole(Number.GOES_ON_DAYS),
        goes_on_times=found.whole(Number.GOES_ON_TIMES),
        not_attending_days=found.whole(Number.NOT_ATTENDING_DAYS),
        answer_working_days=found.whole(Number.FUNDING_ANSWER_WORKING_DAYS),
        not_registered_days=(
            found.whole(Number.NOT_REGISTERED_FIRST),
            found.whole(Number.NOT_REGISTERED_SECOND),
            found.whole(Number.NOT_REGISTERED_DUE),
        ),
        change_working_days=found.whole(Number.CHANGE_WORKING_DAYS),
        change_working_days_autumn=found.whole(Number.CHANGE_WORKING_DAYS_AUTUMN),
        autumn=(found.whole(Number.AUTUMN_FROM_MONTH), found.whole(Number.AUTUMN_TO_MONTH)),
    )

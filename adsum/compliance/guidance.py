"""The numbers that authorities set: whose each is, and in what it is counted. Their values are in dated editions, never
here."""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple


class Authority(StrEnum):
    """Who publishes guidance that the university has to follow."""

    UKVI = "ukvi"
    HOME_OFFICE_BCA = "home_office_bca"
    """The Basic Compliance Assessment of sponsors."""
    SLC = "slc"
    OFS = "ofs"


class Unit(StrEnum):
    """In what a number is counted. A number without its unit means nothing."""

    CALENDAR_DAYS = "calendar_days"
    WORKING_DAYS = "working_days"
    PERCENT = "percent"
    HOURS = "hours"
    STUDENTS = "students"
    TIMES = "times"
    MONTH = "month"
    """Of the year, 1 to 12."""


class Number(StrEnum):
    """A number that an edition sets."""

    NO_ENGAGEMENT_CEILING = "no_engagement_ceiling"
    """The longest time without engagement before the university has to intervene."""
    REPORT_WORKING_DAYS = "report_working_days"
    """How soon an event is reported."""
    LOCATION_WORKING_DAYS = "location_working_days"
    """From how long a stay elsewhere on is notified."""
    REMOTE_SHARE = "remote_share"
    REMOTE_SHARE_PERMITTED = "remote_share_permitted"
    """The same, where the Home Office permitted more."""
    WEEKLY_DAYTIME_HOURS = "weekly_daytime_hours"
    """Taught in a classroom, from Monday to Friday in daytime, below degree level and pre-sessional."""
    BCA_REFUSALS_GREEN = "bca_refusals_green"
    """Below it, the share of refused visas is green,"""
    BCA_REFUSALS_RED = "bca_refusals_red"
    """and red from here on."""
    BCA_ENROLMENT_GREEN = "bca_enrolment_green"
    """From here on, the share of those who enrol is green,"""
    BCA_ENROLMENT_RED = "bca_enrolment_red"
    """and red below it."""
    BCA_COMPLETION_GREEN = "bca_completion_green"
    BCA_COMPLETION_RED = "bca_completion_red"
    GOES_ON_DAYS = "goes_on_days"
    """Who took part within so many days of term is still attending (Student Loans Company)."""
    GOES_ON_TIMES = "goes_on_times"
    """How often a student has taken part since the last liability point, at the least."""
    NOT_ATTENDING_DAYS = "not_attending_days"
    """Days of term without taking part from which on a student is not in attendance."""
    FUNDING_ANSWER_WORKING_DAYS = "funding_answer_working_days"
    NOT_REGISTERED_FIRST = "not_registered_first"
    NOT_REGISTERED_SECOND = "not_registered_second"
    NOT_REGISTERED_DUE = "not_registered_due"
    CHANGE_WORKING_DAYS = "change_working_days"
    CHANGE_WORKING_DAYS_AUTUMN = "change_working_days_autumn"
    AUTUMN_FROM_MONTH = "autumn_from_month"
    AUTUMN_TO_MONTH = "autumn_to_month"


class Meaning(NamedTuple):
    """Whose number it is, and in what it is counted."""

    authority: Authority
    unit: Unit


MEANINGS: Mapping[Number, Meaning] = {
    Number.NO_ENGAGEMENT_CEILING: Meaning(Authority.UKVI, Unit.CALENDAR_DAYS),
    Number.REPORT_WORKING_DAYS: Meaning(Authority.UKVI, Unit.WORKING_DAYS),
    Number.LOCATION_WORKING_DAYS: Meaning(Authority.UKVI, Unit.WORKING_DAYS),
    Number.REMOTE_SHARE: Meaning(Authority.UKVI, Unit.PERCENT),
    Number.REMOTE_SHARE_PERMITTED: Meaning(Authority.UKVI, Unit.PERCENT),
    Number.WEEKLY_DAYTIME_HOURS: Meaning(Authority.UKVI, Unit.HOURS),
    Number.BCA_REFUSALS_GREEN: Meaning(Authority.HOME_OFFICE_BCA, Unit.PERCENT),
    Number.BCA_REFUSALS_RED: Meaning(Authority.HOME_OFFICE_BCA, Unit.PERCENT),
    Number.BCA_ENROLMENT_GREEN: Meaning(Authority.HOME_OFFICE_BCA, Unit.PERCENT),
    Number.BCA_ENROLMENT_RED: Meaning(Authority.HOME_OFFICE_BCA, Unit.PERCENT),
    Number.BCA_COMPLETION_GREEN: Meaning(Authority.HOME_OFFICE_BCA, Unit.PERCENT),
    Number.BCA_COMPLETION_RED: Meaning(Authority.HOME_OFFICE_BCA, Unit.PERCENT),
    Number.GOES_ON_DAYS: Meaning(Authority.SLC, Unit.CALENDAR_DAYS),
    Number.GOES_ON_TIMES: Meaning(Authority.SLC, Unit.TIMES),
    Number.NOT_ATTENDING_DAYS: Meaning(Authority.SLC, Unit.CALENDAR_DAYS),
    Number.FUNDING_ANSWER_WORKING_DAYS: Meaning(Authority.SLC, Unit.WORKING_DAYS),
    Number.NOT_REGISTERED_FIRST: Meaning(Authority.SLC, Unit.CALENDAR_DAYS),
    Number.NOT_REGISTERED_SECOND: Meaning(Authority.SLC, Unit.CALENDAR_DAYS),
    Number.NOT_REGISTERED_DUE: Meaning(Authority.SLC, Unit.CALENDAR_DAYS),
    Number.CHANGE_WORKING_DAYS: Meaning(Authority.SLC, Unit.WORKING_DAYS),
    Number.CHANGE_WORKING_DAYS_AUTUMN: Meaning(Authority.SLC, Unit.WORKING_DAYS),
    Number.AUTUMN_FROM_MONTH: Meaning(Authority.SLC, Unit.MONTH),
    Number.AUTUMN_TO_MONTH: Meaning(Authority.SLC, Unit.MONTH),
}


def numbers_of(authority: Authority) -> tuple[Number, ...]:
    """What an edition of this authority has to set, in the order pages show it."""
    return tuple(number for number in Number if MEANINGS[number].authority == authority)

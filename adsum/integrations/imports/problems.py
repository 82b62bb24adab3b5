"""Every sentence an import can say about a file, in one place: what is wrong, then what to do."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from adsum.core.errors import AdsumError

UNUSABLE: dict[str, Promise] = {
    "empty": _("%(file)s is empty. Export it again and check its size before you send it."),
    "too_large": _("%(file)s is larger than %(limit)s MB. Split it, or ask for an export of this year alone."),
    "unknown_kind": _(
        "%(file)s is neither a OneRoster zip, an events, roles or enrolments CSV nor an iCalendar file. Choose one of these; "
        "the first line of an events CSV names its columns, event_id among them."
    ),
    "roles_by_administrators": _(
        "%(file)s says who may do what. Only an administrator brings such a file in, from a file and not from an address."
    ),
    "web_page": _(
        "%(file)s is a web page, not a timetable: perhaps a sign-in page was saved instead. Download the file again."
    ),
    "workbook": _("%(file)s is a spreadsheet. In the spreadsheet, choose Save as, then CSV UTF-8, and send that file."),
    "compressed": _("%(file)s is compressed. Unpack it, and send what is inside."),
    "encoding": _(
        "%(file)s is not UTF-8: line %(line)s holds a byte that is not text. Save it again as UTF-8 (in Excel: CSV UTF-8)."
    ),
    "encoding_calendar": _(
        "%(file)s is not UTF-8: line %(line)s holds a byte that is not text. Export the calendar again, in UTF-8."
    ),
    "utf16": _("%(file)s is written in UTF-16. Save it again as UTF-8 (in Excel: CSV UTF-8)."),
    "not_text": _("%(file)s is not a text file. Export it again, as text in UTF-8."),
    "separator": _("%(file)s puts %(found)s between its columns. Save it with commas instead."),
    "columns_missing": _("%(file)s lacks the columns %(columns)s. Add them to the export; their order does not matter."),
    "columns_case": _("The columns of %(file)s are headed %(found)s. Write them as %(columns)s: capitals count."),
    "heading_quotes": _("The quotation marks in the first line of %(file)s do not match. Export it again."),
    "quotes": _("In too many lines of %(file)s the quotation marks do not match. Export it again, as CSV UTF-8."),
    "lines_many": _("%(file)s has more than %(limit)s lines. Split it, or ask for an export of this year alone."),
    "line_long": _("%(file)s has a line of more than a million characters. Export it again, with a line for each row."),
    "column_twice": _("%(file)s names the column %(column)s twice. Keep one of the two."),
    "zip_damaged": _("%(file)s cannot be opened as a zip file: %(reason)s. Make the zip again and send that."),
    "zip_locked": _("%(file)s is locked with a password. Make the zip again without one."),
    "zip_bomb": _("%(file)s would unpack to more than %(limit)s MB. Split it into smaller imports."),
    "zip_crowded": _("%(file)s holds more than %(limit)s files. A OneRoster zip holds about twenty."),
    "manifest_missing": _("%(file)s has no manifest.csv. A OneRoster export always has one: export it again, whole."),
    "manifest_deep": _(
        "manifest.csv lies in the folder %(folder)s of %(file)s. Zip the files themselves, not the folder they are in."
    ),
    "manifest_value": _("manifest.csv says %(name)s = %(value)s. It must be one of: %(allowed)s."),
    "manifest_lists": _("manifest.csv lists %(name)s, but the zip has no %(name)s. Export again, with every listed file."),
    "nothing_listed": _(
        "manifest.csv lists no file that Adsum reads. Export at least users, courses, classes and enrollments."
    ),
    "not_icalendar": _("%(file)s does not begin with BEGIN:VCALENDAR. Check that it is the address of an iCalendar feed."),
    "cut_short": _("%(file)s stops before END:VCALENDAR: it was cut short on its way. Fetch or send it again."),
    "calendar_dear": _(
        "%(file)s takes too long to read: the event on line %(line)s repeats without end, or there are too many like it. "
        "Correct it in the timetable system and export again."
    ),
    "no_line": _("Not one line of %(file)s can be used, so everything stays as it was. Check its columns and its numbers."),
    "no_mapping": _("Choose how the fields of this calendar become modules and groups, then send it again."),
    "too_many": _("%(file)s holds more than %(limit)s classes. Ask for a feed of one term."),
    "pattern": _("The pattern for %(name)s cannot be used: %(reason)s. Correct it in the mapping."),
    "pattern_slow": _(
        "The pattern for %(name)s takes too long on this calendar. Simplify it in the mapping: nothing that repeats may hold "
        "something that repeats, as in (a+)+."
    ),
    "source_of_sign_ins": _("%(source)s is the name of a way to sign in. Give this source a name of its own."),
    "unreadable": _("%(file)s cannot be read: %(reason)s. Give the account that runs this command the right to read it."),
    "folder_missing": _("There is no file or folder %(file)s. Check the path."),
    "feed_kind": _(
        "%(file)s did not answer with what this feed is set to (%(expected)s). Check its address, or change the kind of feed."
    ),
    "fetch_scheme": _("%(file)s is not a web address that begins with https:// or http://."),
    "fetch_private": _(
        "%(file)s leads to %(address)s, an address inside a private network. If the feed is meant to be there, an "
        "administrator can add its network to ADSUM_FEED_NETWORKS."
    ),
    "fetch_unreachable": _("%(file)s did not answer: %(reason)s. Check the address, or try again later."),
    "fetch_status": _("%(file)s answered with status %(status)s instead of a calendar. Ask for a new address."),
    "fetch_redirects": _("%(file)s leads from one address to another without end. Ask for its final address."),
}
"""The whole file cannot be used: nothing is imported."""

PROBLEMS: dict[str, Promise] = {
    "contact": _("What stands under %(column)s cannot be used. Write digits, an e-mail address, or up to 300 characters."),
    "two_groups": _("An earlier line puts this student in another group by the same characteristic. Keep one of the two."),
    "placement": _("This placement cannot be used. %(why)s"),
    "adjustment": _("This adjustment cannot be used. %(why)s"),
    "sponsorship": _("This sponsorship cannot be used. %(why)s"),
    "cas_of_another": _("This CAS is that of another student. Check the number of the CAS, and that of the student."),
    "cas_twice": _("This CAS stands on line %(line)s already. Keep the right one of the two."),
    "amount": _("%(column)s is %(value)s, not an amount. Write it as 9535.00."),
    "whole_number": _("%(column)s is %(value)s, not a number from 1 to %(most)s. Correct it."),
    "course_or_module": _("Name a course or a module, and not both: the funding hangs on one of them."),
    "row_id": _("The id %(id)s is longer than 200 characters, or stands in the file twice. Give every row an id of its own."),
    "bad_quotes": _("The quotation marks of this line do not match. Double every quotation mark inside a quoted cell."),
    "cell_count": _("This row has %(found)s cells, the header %(expected)s. Look for a comma outside quotation marks."),
    "blank": _("%(column)s is empty. Fill it in."),
    "too_long": _("%(column)s has %(found)s characters; %(limit)s fit. Shorten it."),
    "date": _("%(column)s is %(value)s, not a date. Write it as 2026-09-21."),
    "year": _(
        "%(column)s is %(value)s; the year must be between %(first)s and %(last)s. Correct it, or leave an open end empty."
    ),
    "rounded": _(
        "%(column)s is %(value)s: a spreadsheet has rounded this number, so it is not clear whose it is. Export the file "
        "again, and set the column to text before you save it in a spreadsheet."
    ),
    "formula": _(
        "%(column)s is %(value)s: a formula that a spreadsheet did not work out, or could not. Put the value itself there."
    ),
    "no_such_role": _(
        "%(value)s is not a OneRoster role. Write student or teacher; other roles are given in Adsum where they are needed."
    ),
    "time": _("%(column)s is %(value)s, not a date and time. Write it as 2026-09-21T09:00:00+01:00."),
    "time_missing": _("On that day the clocks go forward and %(value)s does not exist. Correct the time, or add an offset."),
    "time_twice": _("On that day the clocks go back and %(value)s comes twice. Add the offset, +01:00 or +00:00."),
    "zone": _("%(column)s is %(value)s, not a time zone. Write it as Europe/London."),
    "order": _("%(last)s comes before %(first)s. Swap or correct them."),
    "no_time": _("This class ends when it begins, or before. Correct its start or its end."),
    "long_class": _("This class would last longer than a day. Correct its start or its end."),
    "ahead": _("%(column)s is %(value)s: this day has not come yet. Bring it in when it has."),
    "choice": _("%(column)s is %(value)s. It must be one of: %(allowed)s."),
    "duplicate": _(
        "%(id)s stands on lines %(lines)s with different content. Keep the right one; until then none of them is used."
    ),
    "username_twice": _("%(value)s is the sign-in name on lines %(lines)s. Each person needs their own."),
    "username_taken": _("%(value)s already is the sign-in name of someone else (%(other)s). Correct it, or merge the two."),
    "ambiguous": _(
        "This may be %(others)s, but number, name and e-mail do not agree. Correct the row, or that person's record."
    ),
    "made_by_sign_in": _(
        "%(other)s was made at a sign-in, where only the number shows whether it is the same person. If it is, give them the "
        "number of this row on the server: adsum person number %(username)s, then the number."
    ),
    "guarded": _(
        "This is %(other)s, who has a password here or a role that no file gives. Only a file that an administrator brings in "
        "changes what is known of them."
    ),
    "guarded_gone": _(
        "%(other)s is no longer in this file, and has a role that no file gives. They stay until an administrator brings such "
        "a file in, or closes the account."
    ),
    "new_source": _(
        "This is %(other)s, whom another source brought. The first file of %(source)s that speaks of such people is brought in "
        "by an administrator."
    ),
    "last_administrator": _("%(other)s is the last who can administer, and stays. Make somebody else administrator first."),
    "two_ids": _("%(other)s is already known to this source as %(id)s. One person needs one sourcedId: remove the other."),
    "identifier_taken": _("The identifier %(value)s belongs to %(other)s. The person was used, without it."),
    "code_taken": _("The code %(value)s belongs to %(other)s of another source. Give it a code of its own."),
    "code_twice": _("The code %(value)s stands on lines %(lines)s. Give each its own code."),
    "unknown": _("%(column)s is %(value)s, which is not known. Import it first (or with this file), then import this again."),
    "zeros": _(
        "%(value)s is not known; did you mean %(near)s? Spreadsheets drop leading zeros: set the column "
        "%(column)s to text before you open the export, then import this again."
    ),
    "unknown_here": _("%(column)s is %(value)s, which is not in %(file)s. Add it there, or correct this row."),
    "several": _("%(column)s is %(value)s, which could be any of: %(others)s. Use an identifier that only one of them has."),
    "by_hand_only": _("The role %(value)s is given by an administrator’s hand, on the person’s page, never by a file."),
    "own_role": _("This row is about yourself. Another administrator must bring it in."),
    "own_tutee": _("This row makes you a tutor. Somebody else must bring it in."),
    "other_source": _("The source %(other)s says this already. Send it under that name, or leave the row out."),
    "suspension_apart": _(
        "The row from %(value)s is there already, and a suspension is a row of its own. Leave that one as it was, and add a "
        "row with the days of the suspension."
    ),
    "course_differs": _("The course %(value)s has another title or department on line %(line)s. Make the two agree."),
    "not_by_department": _("The role %(value)s is held for the whole university. Leave the department empty."),
    "module_only_leader": _("Only a module_leader has a module. Leave the module empty, or correct the role."),
    "parent_cycle": _("%(value)s is above itself in the tree of organisations. Correct parentSourcedId."),
    "delta_stamp": _("In a delta file every row needs both status and dateLastModified. Fill them in."),
    "event_unreadable": _("This event cannot be read: %(reason)s. Correct it in the timetable system and export again."),
    "event_time": _("This event has no usable start and end. Give it both a DTSTART and a DTEND or DURATION."),
    "event_twice": _("This event has several %(name)s, and they differ. Keep the right one."),
    "event_rule": _("This event repeats every %(value)s, which no class does. Correct its RRULE."),
    "event_interval": _("The INTERVAL of this event is zero, so it would repeat without end. Correct its RRULE."),
    "event_often": _(
        "This event repeats more than %(limit)s times a day, which no class does. Correct BYHOUR, BYMINUTE or BYSECOND in its "
        "RRULE."
    ),
    "event_year": _("This event is on %(value)s. Classes must be between the years 2000 and 2100: correct its date."),
    "zone_unknown": _(
        "The time zone %(value)s is not known, so it is not clear when this event begins. Write it as Europe/London, or "
        "export the calendar with its VTIMEZONE."
    ),
    "event_module": _(
        "No module was found in %(field)s, “%(value)s”. Correct the event, or the pattern for modules in the mapping."
    ),
}
"""One row cannot be used; every other row is."""

NOTICES: dict[str, Promise] = {
    "separator_line": _("The first line, %(found)s, is meant for Excel only; it was skipped."),
    "no_roles": _(
        "Nothing in this zip says who is a student and who teaches, so nobody is given a role. Export roles.csv as well, or "
        "give the roles in Adsum."
    ),
    "no_days": ngettext_lazy(
        "%(count)s place begins and ends on the same day (line %(line)s). In OneRoster the end is the first day after, so it "
        "lasts no time and was left out.",
        "%(count)s places begin and end on the same day (first: line %(line)s). In OneRoster the end is the first day after, "
        "so they last no time and were left out.",
        "count",
    ),
    "heading_again": ngettext_lazy(
        "%(count)s line repeats the names of the columns (line %(line)s) and was skipped.",
        "%(count)s lines repeat the names of the columns (first: line %(line)s) and were skipped.",
        "count",
    ),
    "bom": _("The file begins with a byte order mark; it was skipped."),
    "columns_ignored": _("Columns that Adsum does not use were ignored: %(columns)s."),
    "file_ignored": _("%(name)s was ignored: %(reason)s."),
    "unread": _("Adsum does not use it"),
    "listed_absent": _("manifest.csv marks it as absent"),
    "unlisted": _("manifest.csv does not list it"),
    "no_rows": _("The file has a header and no rows. If that surprises you, export it again."),
    "repeated": ngettext_lazy(
        "%(count)s row repeats an earlier one word for word and was used once.",
        "%(count)s rows repeat earlier ones word for word; each was used once.",
        "count",
    ),
    "roles_ignored": ngettext_lazy(
        "%(count)s row gives the role %(value)s, which no file may give. Grant it in Adsum where it is needed.",
        "%(count)s rows give the role %(value)s, which no file may give. Grant it in Adsum where it is needed.",
        "count",
    ),
    "enrolment_roles_ignored": ngettext_lazy(
        "%(count)s place with the role %(value)s was ignored: only students and teachers have places.",
        "%(count)s places with the role %(value)s were ignored: only students and teachers have places.",
        "count",
    ),
    "link_unknown": ngettext_lazy(
        "%(count)s row names a %(column)s that is not in %(file)s (line %(line)s). It was used without it.",
        "%(count)s rows name a %(column)s that is not in %(file)s (first: line %(line)s). They were used without it.",
        "count",
    ),
    "not_students": ngettext_lazy(
        "%(count)s person does not have the role of a student, so no list shows them: %(names)s.",
        "%(count)s people do not have the role of a student, so no list shows them: %(names)s.",
        "count",
    ),
    "not_tutors": ngettext_lazy(
        "%(count)s tutor does not hold the role of a tutor, and sees nobody’s record until they do: %(names)s.",
        "%(count)s tutors do not hold the role of a tutor, and see nobody’s record until they do: %(names)s.",
        "count",
    ),
    "no_group": ngettext_lazy(
        "%(count)s student is in no group, so no class expects them: %(names)s.",
        "%(count)s students are in no group, so no class expects them: %(names)s.",
        "count",
    ),
    "no_staff": ngettext_lazy(
        "%(count)s class has no lecturer, neither named here nor through its groups (line %(line)s). "
        "Until one is added, only the attendance team can open its register.",
        "%(count)s classes have no lecturer, neither named here nor through their groups (first: line %(line)s). "
        "Until one is added, only the attendance team can open their registers.",
        "count",
    ),
    "no_students": ngettext_lazy(
        "%(count)s class has no group with students, so nobody is expected (line %(line)s).",
        "%(count)s classes have no group with students, so nobody is expected (first: line %(line)s).",
        "count",
    ),
    "older": ngettext_lazy(
        "%(count)s class is older here than in Adsum (line %(line)s); it was left as it is.",
        "%(count)s classes are older here than in Adsum (first: line %(line)s); they were left as they are.",
        "count",
    ),
    "kind_unknown": ngettext_lazy(
        "%(count)s class is of a kind that Adsum does not know (%(values)s); it is shown as “other”.",
        "%(count)s classes are of a kind that Adsum does not know (%(values)s); they are shown as “other”.",
        "count",
    ),
    "all_day": ngettext_lazy(
        "%(count)s event lasts whole days and is not a class (line %(line)s); it was ignored.",
        "%(count)s events last whole days and are not classes (first: line %(line)s); they were ignored.",
        "count",
    ),
    "floating": ngettext_lazy(
        "%(count)s event names no time zone (line %(line)s); it was read in %(zone)s.",
        "%(count)s events name no time zone (first: line %(line)s); they were read in %(zone)s.",
        "count",
    ),
    "not_events": ngettext_lazy(
        "%(count)s entry that is not an event was ignored (%(values)s).",
        "%(count)s entries that are not events were ignored (%(values)s).",
        "count",
    ),
    "shared_id": ngettext_lazy(
        "%(count)s UID is shared by events at different times (line %(line)s); each was read as a class of its own.",
        "%(count)s UIDs are shared by events at different times (first: line %(line)s); each was read as a class of its own.",
        "count",
    ),
    "superseded": ngettext_lazy(
        "%(count)s older version of an event was left out (line %(line)s): the file has a newer one of the same time.",
        "%(count)s older versions of events were left out (first: line %(line)s): the file has newer ones of the same times.",
        "count",
    ),
    "no_dates": ngettext_lazy(
        "%(count)s event repeats on no day at all (line %(line)s): its rule fits none. Check its RRULE.",
        "%(count)s events repeat on no day at all (first: line %(line)s): their rules fit none. Check their RRULE.",
        "count",
    ),
    "outside": ngettext_lazy(
        "%(count)s repeating event is too far away (line %(line)s): none of its classes is in the last %(back)s or the next "
        "%(ahead)s days. It was left out.",
        "%(count)s repeating events are too far away (first: line %(line)s): none of their classes is in the last %(back)s or "
        "the next %(ahead)s days. They were left out.",
        "count",
    ),
    "cut": ngettext_lazy(
        "%(count)s repeating event goes beyond the last %(back)s or the next %(ahead)s days (line %(line)s); only its classes "
        "in that time were read.",
        "%(count)s repeating events go beyond the last %(back)s or the next %(ahead)s days (first: line %(line)s); only their "
        "classes in that time were read.",
        "count",
    ),
    "off_rule": ngettext_lazy(
        "%(count)s repeating event begins on a day that its own rule does not name (line %(line)s); the rule was followed, and "
        "there is no class on that first day.",
        "%(count)s repeating events begin on days that their own rules do not name (first: line %(line)s); the rules were "
        "followed, and there are no classes on those first days.",
        "count",
    ),
    "exclusion": ngettext_lazy(
        "%(count)s excluded date fits no class of its event (line %(line)s), so nothing was left out for it. Check its EXDATE.",
        "%(count)s excluded dates fit no class of their events (first: line %(line)s), so nothing was left out for them. Check "
        "their EXDATE.",
        "count",
    ),
    "reported": ngettext_lazy(
        "%(count)s class stays as it was reported from the room (line %(line)s), though this says otherwise. Confirm or undo "
        "it under “Reported by lecturers”.",
        "%(count)s classes stay as they were reported from the room (first: line %(line)s), though this says otherwise. "
        "Confirm or undo them under “Reported by lecturers”.",
        "count",
    ),
    "held": ngettext_lazy(
        "%(count)s class had been held when this changed its time or its groups (line %(line)s): whoever was expected in it "
        "stays on its register.",
        "%(count)s classes had been held when this changed their time or their groups (first: line %(line)s): whoever was "
        "expected in them stays on their registers.",
        "count",
    ),
    "locked": ngettext_lazy(
        "%(count)s class is not cancelled, or restored, by this: its attendance has been reported to another authority.",
        "%(count)s classes are not cancelled, or restored, by this: their attendance has been reported to another authority.",
        "count",
    ),
    "begun": ngettext_lazy(
        "%(count)s row has the id of a class that had already begun, but another module or day (line %(line)s): that class "
        "stays as it was, with its marks, and the row becomes a new class.",
        "%(count)s rows have the ids of classes that had already begun, but another module or day (first: line %(line)s): "
        "those classes stay as they were, with their marks, and the rows become new classes.",
        "count",
    ),
    "renamed": ngettext_lazy(
        "%(count)s class has a different id or source from before (line %(line)s); its module, time and room are the same, "
        "so it "
        "stays the same class, with its marks.",
        "%(count)s classes have different ids or another source from before (first: line %(line)s); their module, time and "
        "room "
        "are the same, so they stay the same classes, with their marks.",
        "count",
    ),
    "still_missing": ngettext_lazy(
        "%(count)s class is still missing from this source. Confirm or keep it under “Missing classes”.",
        "%(count)s classes are still missing from this source. Confirm or keep them under “Missing classes”.",
        "count",
    ),
}
"""Said for information: the rows were used."""


CAUSES = [
    f"{name}.csv" for name in ("manifest", "orgs", "academicSessions", "courses", "classes", "users", "roles", "enrollments")
]
"""The files of a roster, those that others refer to first."""


class Refused(AdsumError):
    """The file as a whole cannot be used; nothing of it was imported."""

    def __init__(self, code: str, **values: object) -> None:
        super().__init__(code, str(UNUSABLE[code]) % values)


@dataclass(frozen=True, slots=True)
class Problem:
    """One sentence about one row (`line` counts from 1), or about a whole file (`line` 0)."""

    code: str
    file: str
    line: int = 0
    row: str = ""
    values: Mapping[str, object] = field(default_factory=dict)

    @property
    def notice(self) -> bool:
        """The row was used all the same."""
        return self.code in NOTICES

    @property
    def place(self) -> tuple[bool, int, str, int, str]:
        """Where it stands among others: causes before what follows from them, in the order of the files of a roster."""
        rank = CAUSES.index(self.file) if self.file in CAUSES else -1
        return self.notice, rank, self.file, self.line, self.code

    @property
    def message(self) -> str:
        """The sentence, in the language active now."""
        sentence: Any = (NOTICES if self.notice else PROBLEMS)[self.code]
        return str(sentence % self.values)


class Unusable(Exception):
    """A row cannot be used; carries its problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.code)
        self.problem = problem

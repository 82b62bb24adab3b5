"""Which person a row means. Two people are never merged by a guess: what does not clearly agree waits for a person."""

from collections import defaultdict
from datetime import date, timedelta
from typing import Any

from allauth.socialaccount.models import SocialAccount, SocialApp
from django.utils.translation import gettext

from adsum.accounts.models import Identifier, Person, RoleGrant
from adsum.accounts.reports import administrators
from adsum.accounts.rules import BY_HAND_ONLY
from adsum.integrations.imports.oneroster import role_of
from adsum.integrations.imports.plan import STOP_ABOVE, Plan, is_on, rows_with, some, too_long
from adsum.integrations.imports.problems import Problem, Refused
from adsum.integrations.imports.reading import Record
from adsum.integrations.imports.rows import GrantRow, PersonRow, Section
from adsum.timetable.rules import Change

SOURCED_ID = "sourced_id"
"""The kind of identifier under which a second source's own id of a person is kept."""
COLUMNS = {"given_name": "givenName", "family_name": "familyName", "preferred_name": "preferredGivenName"} | {
    "number": "identifier"
}


def people_of(source: str) -> dict[str, Person]:
    """Everyone that the source knows, by its own id."""
    own = {person.source_id: person for person in Person.objects.filter(source=source)}
    return own | {id_: link.person for id_, link in links_of(source).items()}


def links_of(source: str) -> dict[str, Identifier]:
    """Links from a source to people whom another source owns, by the id in the first source."""
    links = Identifier.objects.filter(system=source, kind=SOURCED_ID, valid_to=None).select_related("person")
    return {link.value: link for link in links}


def bare(name: str) -> str:
    """An id, a number or a sign-in name, without case, without the zeros that a spreadsheet drops, and without the “.0” that
    programs add to what they take for a number."""
    whole = name.removesuffix(".0")
    return (whole if whole.isdigit() else name).casefold().lstrip("0")


def named(person: Person) -> str:
    """How a sentence about a row names a person."""
    return f"{person.display_name} ({person.number or person.username})"


def _values(row: PersonRow) -> dict[str, Any]:
    return {
        "username": row.username,
        "email": row.email,
        "given_name": row.given_name,
        "family_name": row.family_name,
        "preferred_name": row.preferred_name,
        "pronouns": row.pronouns,
        "number": row.number,
    }


class PeoplePlanner:
    """Plans people, their further numbers and their roles, for one source."""

    def __init__(self, plan: Plan, source: str, today: date, *, trusted: bool) -> None:
        """Raises Refused `source_of_sign_ins` when the source has the name of a way to sign in."""
        self.plan, self.source, self.today, self.trusted = plan, source, today, trusted
        self.providers = {name[:40] for name in SocialApp.objects.values_list("provider_id", flat=True)}
        self.providers |= {name[:40] for name in SocialAccount.objects.values_list("provider", flat=True).distinct()}
        if source in self.providers:
            raise Refused("source_of_sign_ins", source=source)
        self.known = people_of(source)
        self.is_new = not self.known
        by_hand = RoleGrant.objects.filter(role__in=BY_HAND_ONLY).exclude(ends_on__lt=today)
        self.guarded = set(by_hand.values_list("person", flat=True))
        self.administrators = administrators(today)
        self.ids = {person.pk: id_ for id_, person in self.known.items()}
        self.index = dict(self.known)
        """The people that other rows may refer to, by id."""
        self.numbers: list[tuple[str, str]] = []
        """For people whose number changes: the old number and the new one."""
        self.gone: set[int] = set()
        """Keys of the people whom the source no longer has."""
        self.meant: set[int] = set()
        """Keys of people whom an unusable row may mean: nothing of theirs ends only because no other row names them."""

    def people(self, section: Section[PersonRow]) -> None:
        """Plan users.csv."""
        self._hold_shared_usernames(section)
        rows = list(section.live())
        by_number: defaultdict[str, list[Person]] = defaultdict(list)
        for person in rows_with(Person.objects.all(), "number", (row.number for _, row, _ in rows)):
            by_number[person.number].append(person)
        by_username = {p.username: p for p in rows_with(Person.objects.all(), "username", (row.username for _, row, _ in rows))}
        index: dict[str, Person] = {} if section.bulk else dict(self.known)
        for id_, row, record in rows:
            holder = by_username.get(row.username)
            found = self.known.get(id_) or self._match(id_, row, record, by_number[row.number], holder)
            if isinstance(found, Person) and (code := self._why_not(found, id_, row)):
                found = record.problem(code, other=named(found), source=self.source)
            if isinstance(found, Person) and holder is not None and holder != found:
                found = record.problem("username_taken", value=row.username, other=named(holder))
            problem = found if isinstance(found, Problem) else too_long(record, Person, _values(row), COLUMNS)
            if problem:
                self.plan.problems.append(problem)
                section.hold(id_, record)
            else:
                index[id_] = self._merge(id_, row, found if isinstance(found, Person) else None)
        index |= {id_: self.known[id_] for id_ in self._meant(section)}
        self._ask_about_numbers(section)
        self._end_people(section, index)
        self.index = index
        self._identifiers(section)

    def _hold_shared_usernames(self, section: Section[PersonRow]) -> None:
        sharing: defaultdict[str, dict[str, Record]] = defaultdict(dict)
        for id_, row, record in section.live():
            sharing[row.username][id_] = record
        for username, rows in sharing.items():
            if len(rows) > 1:
                lines = ", ".join(str(line) for line in sorted(record.line for record in rows.values()))
                for id_, record in rows.items():
                    self.plan.problems.append(record.problem("username_twice", value=username, lines=lines))
                    section.hold(id_, record)

    def _meant(self, section: Section[PersonRow]) -> set[str]:
        """The ids of the people whom unusable rows name, by an id, a number or a sign-in name."""
        named = {bare(id_) for id_ in section.held}
        for record in section.held.values():
            cells = (record.get(column) for column in ("identifier", "username", "email"))
            named |= {bare(cell) for cell in cells if cell}
        meant = {
            id_
            for id_, person in self.known.items()
            if named & {bare(name) for name in (id_, person.number, person.username, person.email) if name}
        }
        self.meant = {self.known[id_].pk for id_ in meant}
        return meant

    def _ask_about_numbers(self, section: Section[PersonRow]) -> None:
        """Ask before many people get other numbers, and before any number loses the zeros it begins with."""
        lost = [step for step in self.numbers if bare(step[0]) == bare(step[1]) and len(step[1]) < len(step[0])]
        values: dict[str, object] = {"file": section.file, "known": len(self.known)}
        if lost:
            values |= {"count": len(lost), "was": lost[0][0], "now": lost[0][1]}
            self.plan.stops.append(
                gettext(
                    "In %(file)s the numbers of %(count)s people have lost or gained leading zeros: %(now)s is not known; "
                    "did you mean %(was)s? Spreadsheets drop leading zeros: export again with that column as text."
                )
                % values
            )
        elif len(self.numbers) > STOP_ABOVE * len(self.known):
            values |= {"count": len(self.numbers), "was": self.numbers[0][0], "now": self.numbers[0][1]}
            self.plan.stops.append(
                gettext(
                    "%(file)s would give %(count)s of %(known)s people different numbers (%(now)s instead of %(was)s, for "
                    "example). Does the column identifier still hold the number that the university’s sign-in knows them by?"
                )
                % values
            )

    def _match(
        self, id_: str, row: PersonRow, record: Record, same_number: list[Person], same_username: Person | None
    ) -> Person | Problem | None:
        """The person to whom an id not seen before belongs; None for a new person; a problem where it is not clear.

        A number decides if the sign-in name or the family name agrees. A sign-in name decides if no number disagrees. A person
        added by a sign-in has their name from the provider: for them, the number must agree.
        """
        candidates = {p.pk: p for p in [*same_number, *([same_username] if same_username else [])]}
        if not candidates:
            return None
        found = None
        if same_username is not None:
            numbers_agree = same_username in same_number
            no_number_disagrees = not same_number and not (row.number and same_username.number)
            no_number_disagrees = no_number_disagrees and same_username.source not in self.providers
            found = same_username if numbers_agree or no_number_disagrees else None
        elif len(same_number) == 1 and same_number[0].family_name.casefold() == row.family_name.casefold():
            found = same_number[0]
        if found is None:
            if same_username is not None and same_username.source in self.providers:
                return record.problem("made_by_sign_in", other=named(same_username), username=same_username.username)
            return record.problem("ambiguous", others=some([named(person) for person in candidates.values()]))
        other_id = self.ids.setdefault(found.pk, id_)
        if other_id != id_ and bare(other_id) == bare(id_):
            return record.problem("zeros", column="sourcedId", value=id_, near=other_id)
        if other_id != id_:
            return record.problem("two_ids", other=named(found), id=other_id)
        return found

    def _why_not(self, person: Person, id_: str, row: PersonRow) -> str | None:
        """Why a file may not change this about a known person, as a code: otherwise roles that no file gives, and accounts
        with a password here, could pass to someone else."""
        if self.trusted:
            closes = person.source == self.source and person.in_source and not row.is_active
            return "last_administrator" if closes and not self._may_close(person) else None
        if self._is_guarded(person):
            same = all(getattr(person, name) == value for name, value in _values(row).items())
            as_before = id_ in self.known and (person.source != self.source or (same and person.in_source == row.is_active))
            return None if as_before else "guarded"
        return "new_source" if self.is_new and person.source not in {"", self.source} else None

    def _is_guarded(self, person: Person) -> bool:
        """Whether only a file that an administrator brings in may change this person."""
        has_password = bool(person.password) and person.has_usable_password()
        return person.pk in self.guarded or (has_password and person.source != self.source)

    def _may_close(self, person: Person) -> bool:
        """Whether an administrator is left without this person; if so, they are no longer counted as one."""
        left = self.administrators - {person.pk}
        if person.pk in self.administrators and not left:
            return False
        self.administrators = left
        return True

    def _merge(self, id_: str, row: PersonRow, person: Person | None) -> Person:
        """Plan a person. A source changes only the people it owns: those it made, and those no other source did, without a
        password here or a role that no file gives. It only links to others."""
        if person is None or person.source == self.source or (not person.source and not self._is_guarded(person)):
            values = _values(row)
            if person is None or not person.source:
                values |= {"source": self.source, "source_id": id_}
            if person is not None and person.source and person.number not in {"", row.number}:
                self.numbers.append((person.number, row.number))
            if person is None or person.in_source != row.is_active:
                values |= {"in_source": row.is_active, "is_active": row.is_active}
            merged = self.plan.merge(self.plan.writes.people, Person, person, values, "person")
            if person is None:
                merged.set_unusable_password()
            return merged
        if id_ in self.known:
            self.plan.count("person", Change.UNCHANGED)
        else:
            link = Identifier(person=person, system=self.source, kind=SOURCED_ID, value=id_)
            self.plan.writes.identifiers.new.append(link)
            self.plan.line(Change.CHANGED, "person", str(person), None, {"source_id": f"{self.source} {id_}"})
        return person

    def _end_people(self, section: Section[PersonRow], index: dict[str, Person]) -> None:
        """End people no longer in the source: they cannot sign in, and their roles and places end. They are not erased."""
        links = links_of(self.source)
        current = {id_ for id_, person in self.known.items() if id_ in links or person.in_source}
        missing = self.known.keys() - index if section.bulk else section.gone() & self.known.keys()
        for id_ in sorted(missing & current - links.keys()):
            person = self.known[id_]
            code = "" if self.trusted or not self._is_guarded(person) else "guarded_gone"
            if code or not self._may_close(person):
                self.plan.problems.append(Problem(code or "last_administrator", section.file, values={"other": named(person)}))
                missing = missing - {id_}
                index[id_] = person
        self.gone = {self.known[id_].pk for id_ in missing}
        for id_ in sorted(missing):
            index.pop(id_, None)
        for id_ in sorted(missing & current):
            person = self.known[id_]
            if id_ in links:
                links[id_].valid_to = self.today - timedelta(days=1)
                self.plan.writes.identifiers.changed.append(links[id_])
            else:
                person.in_source = person.is_active = False
                self.plan.writes.people.changed.append(person)
            self.plan.line(Change.ENDED, "person", str(person), None, None)
        if section.bulk:
            self.plan.stop_if_too_many(section.file, len(missing & current), len(current))

    def _identifiers(self, section: Section[PersonRow]) -> None:
        rows = {id_: row for id_, row, _ in section.live() if id_ in self.index}
        numbers = Identifier.objects.filter(system=self.source, valid_to=None).exclude(kind=SOURCED_ID)
        open_ones = {(i.kind, i.value): i for i in numbers.select_related("person")}
        writes = self.plan.writes.identifiers
        for id_, row in rows.items():
            person = self.index[id_]
            for kind, value in sorted(row.identifiers):
                known = open_ones.get((kind, value))
                record = section.entries[id_].record
                if problem := too_long(record, Identifier, {"kind": kind, "value": value}, {}):
                    self.plan.problems.append(problem)
                elif known is None and not self.trusted and person.pk and self._is_guarded(person):
                    self.plan.problems.append(record.problem("guarded", other=named(person)))
                elif known is None:
                    new = Identifier(person=person, system=self.source, kind=kind, value=value)
                    open_ones[kind, value] = new
                    writes.new.append(new)
                    self.plan.count("identifier", Change.NEW)
                elif known.person != person:
                    values = {"value": value, "other": named(known.person)}
                    self.plan.problems.append(record.problem("identifier_taken", **values))
        said = {person.pk: rows[id_].identifiers for id_, person in self.index.items() if id_ in rows and person.pk}
        for key, known in open_ones.items():
            if known.pk and key not in said.get(known.person_id, {key}):
                known.valid_to = self.today - timedelta(days=1)
                writes.changed.append(known)
                self.plan.line(Change.ENDED, "identifier", f"{known.person}: {known.value}", None, None)

    def grants(self, section: Section[GrantRow] | None) -> None:
        """Plan roles: a person has each role once, over all the time that any row gives it. People who are gone have none."""
        known = {(g.person_id, g.role): g for g in RoleGrant.objects.filter(source=self.source, department=None)}
        current = {key for key, grant in known.items() if is_on(grant.ends_on, self.today)}
        ended = {key for key in current if key[0] in self.gone}
        if section is not None:
            kept = self._give(section, known)
            named_gone = {self._key(section.entries[id_].record, id_) for id_ in section.gone()}
            held = {self._key(record, id_)[0] for id_, record in section.held.items()}
            missing = {key for key in current - kept if key[0] not in held | self.meant}
            ended |= missing if section.bulk else named_gone & current
            if section.bulk:
                self.plan.stop_if_too_many(section.file, len(ended), len(current))
        people = Person.objects.in_bulk([pk for pk, _ in ended])
        for key in sorted(ended):
            known[key].ends_on = self.today - timedelta(days=1)
            self.plan.writes.grants.changed.append(known[key])
            self.plan.line(Change.ENDED, "role", str(people[key[0]]), {"role": key[1]}, None)

    def _key(self, record: Record, id_: str) -> tuple[int, str]:
        person = self.known.get(record.get("userSourcedId") or id_)
        return (person.pk if person else 0), str(role_of(record) or "")

    def _give(self, section: Section[GrantRow], known: dict[tuple[int, str], RoleGrant]) -> set[tuple[int, str]]:
        """Plan the roles that rows give; returns the keys of roles that were there already."""
        wanted: dict[tuple[str, str], tuple[date | None, date | None]] = {}
        for id_, row, record in section.live():
            first, last = row.starts_on, row.ends_on
            if row.person not in self.index:
                self.plan.problems.append(record.problem("unknown", column="userSourcedId", value=row.person))
                section.hold(id_, record)
                continue
            if (earlier := wanted.get((row.person, row.role))) is not None:
                first = min(first, earlier[0]) if first and earlier[0] else None
                last = max(last, earlier[1]) if last and earlier[1] else None
            wanted[row.person, row.role] = first, last
        kept = set()
        for (id_, role), (first, last) in wanted.items():
            person = self.index[id_]
            grant = known.get((person.pk, role))
            if grant is None:
                new = RoleGrant(person=person, role=role, source=self.source, starts_on=first, ends_on=last)
                self.plan.writes.grants.new.append(new)
                if person.pk:
                    self.plan.line(Change.NEW, "role", str(person), None, {"role": role})
                else:
                    self.plan.count("role", Change.NEW)
                continue
            kept.add((person.pk, role))
            if (grant.starts_on, grant.ends_on) == (first, last):
                self.plan.count("role", Change.UNCHANGED)
                continue
            change = Change.CHANGED if is_on(grant.ends_on, self.today) else Change.RESTORED
            grant.starts_on, grant.ends_on = first, last
            self.plan.writes.grants.changed.append(grant)
            self.plan.line(change, "role", str(person), None, {"role": role, "until": str(last or "")})
        return kept

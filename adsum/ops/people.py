"""`adsum person`: accounts and roles from the command line, for the first administrator and for lost passwords and phones."""

import sys
from argparse import ArgumentParser, Namespace
from datetime import timedelta
from getpass import getpass

from django.db import transaction

from adsum.accounts import second_factors, services
from adsum.accounts.models import Person, RoleGrant
from adsum.accounts.rules import Role
from adsum.checkin.services import revoke_passes, sign_out_everywhere
from adsum.core.errors import AdsumError
from adsum.core.university import civil_date
from adsum.ops.cli import BY, now

NUMBER_MAX = 40


def add_arguments(parser: ArgumentParser) -> None:
    """`adsum person add EMAIL NAME --role administrator`, and its siblings."""
    actions = parser.add_subparsers(
        dest="action", required=True, metavar="add | password | role | number | phone | sign-out | close | reopen"
    )
    add = actions.add_parser("add", help="add a person with a local account; asks for the password")
    add.add_argument("email")
    add.add_argument("name", help='given and family name, such as "Sam Stone"')
    add.add_argument("--role", action="append", default=[], choices=list(Role), help="may be repeated")
    role = actions.add_parser("role", help="give a role, or end it today")
    role.add_argument("email")
    role.add_argument("role", choices=list(Role))
    role.add_argument("--end", action="store_true", help="end it instead")
    number = actions.add_parser("number", help="give a student or staff number, by which a roster then knows the person")
    number.add_argument("email")
    number.add_argument("number")
    for action, what in (
        ("password", "set a new password; asks for it"),
        ("phone", "take every second step off the account of a person who lost their phone, and end their sign-ins"),
        ("sign-out", "end every sign-in they have"),
        ("close", "let them sign in no more, and end the sign-ins they have"),
        ("reopen", "let them sign in again"),
    ):
        actions.add_parser(action, help=what).add_argument("email")


def run(args: Namespace) -> int:
    """Do it; 0 when it was done. What cannot be done is said in a sentence."""
    print(_add(args) if args.action == "add" else _change(args))
    return 0


def _asked_password() -> str:
    """Typed twice at a terminal; the first line of standard input otherwise."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    password = getpass("New password: ")
    if getpass("The same again: ") != password:
        raise AdsumError("not_the_same", "The two passwords are not the same. Nothing was changed; try again.")
    return password


def _add(args: Namespace) -> str:
    given, _, family = args.name.strip().rpartition(" ")
    password = _asked_password()
    person = services.create_person(
        username=args.email, email=args.email, given_name=given, family_name=family, by=BY, at=now()
    )
    try:
        services.set_password(person, password, by=BY, at=now())
    except AdsumError as weak:
        raise AdsumError(
            weak.code, f"{weak.message} {person.username} was added without a password: `adsum person password`."
        ) from weak
    for role in args.role:
        services.grant_role(person, Role(role), by=BY, at=now())
    return f"{person.display_name} signs in as {person.username}."


def _change(args: Namespace) -> str:
    person = Person.objects.filter(username=args.email.strip().casefold()).first()
    if person is None:
        raise AdsumError("unknown", f"Nobody has the university e-mail {args.email}.")
    match args.action:
        case "password":
            password = _asked_password()
            with transaction.atomic():
                services.set_password(person, password, by=BY, at=now())
                revoke_passes(person.pk, at=now())
            return "The password is set. Sign-ins made with the old one have ended."
        case "role":
            return _role(person, Role(args.role), end=args.end)
        case "number":
            return _number(person, args.number.strip())
        case "phone":
            with transaction.atomic():
                second_factors.disable_second_step(person, by=BY, at=now())
                sign_out_everywhere(person, by=BY, at=now())
            return "Every second step is off, and their sign-ins have ended. They can set one up again at the next."
        case "sign-out":
            sign_out_everywhere(person, by=BY, at=now())
            return "Every sign-in has ended, at the check-in gate within a second."
        case "close":
            with transaction.atomic():
                services.close_account(person, by=BY, at=now())
                revoke_passes(person.pk, at=now())
            return "The account is closed."
        case _:
            services.reopen_account(person, by=BY, at=now())
            return "The account is open again."


def _number(person: Person, number: str) -> str:
    if not number or len(number) > NUMBER_MAX:
        raise AdsumError("number", f"A number has 1 to {NUMBER_MAX} characters.")
    if other := Person.objects.filter(number=number).exclude(pk=person.pk).first():
        raise AdsumError("known_already", f"{number} is the number of {other.display_name} ({other.username}).")
    services.update_person(person, number=number, by=BY, at=now())
    return f"{person.display_name} has the number {number}."


def _role(person: Person, role: Role, *, end: bool) -> str:
    if not end:
        services.grant_role(person, role, by=BY, at=now())
        return f"{person.display_name} is now {role}."
    today = civil_date(now())
    for grant in RoleGrant.objects.filter(person=person, role=role).held_on(today):
        services.end_role(grant, last_day=today - timedelta(days=1), by=BY, at=now())
    return f"{person.display_name} is no longer {role}."

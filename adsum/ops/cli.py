"""The `adsum` command."""

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from typing import Protocol, cast

import django
from django.core.exceptions import ImproperlyConfigured
from pydantic import ValidationError

from adsum import __version__
from adsum.core.errors import AdsumError


class Module(Protocol):
    """What a command's module offers."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None: ...
    def run(self, args: argparse.Namespace) -> int: ...


BY = "system:command"
"""Who did what a command does."""


def now() -> datetime:
    """The clock, read once per command."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Command:
    """One word after `adsum`. `before_settings`: it runs before the settings are read, so that it can decide them."""

    module: str
    help: str
    before_settings: bool = False


COMMANDS = {
    "demo": Command("adsum.ops.demo.command", "a demo university to try, in one command", before_settings=True),
    "serve": Command("adsum.ops.serve", "serve the pages, the check-in gate and the live streams"),
    "work": Command("adsum.ops.work", "do the jobs: close registers, apply imports, and so on"),
    "import": Command("adsum.ops.imports", "bring a timetable or a roster in"),
    "person": Command("adsum.ops.people", "people's accounts and roles"),
    "check-in": Command("adsum.ops.switches", "pause check-in, retire a key, make the next one"),
    "oidc": Command("adsum.ops.oidc", "the university's own sign-in, by OpenID Connect"),
    "saml": Command("adsum.ops.saml", "the university's own sign-in, by SAML"),
    "audit": Command("adsum.ops.audit", "seal, sign and verify the event log"),
    "retention": Command("adsum.ops.retention", "end what is over, and erase again whom a backup brought back"),
    "scrub": Command("adsum.ops.scrub", "copy the database with nobody in it, for testing and research"),
    "receipt": Command("adsum.ops.receipts", "check a student's receipt, on any machine", before_settings=True),
    "check": Command("adsum.ops.health", "say what is missing before people come"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code: 0 done, 1 not done (and why), 2 not understood."""
    words = list(sys.argv[1:] if argv is None else argv)
    chosen = next((word for word in words if not word.startswith("-")), "")
    parser = argparse.ArgumentParser(prog="adsum", description="Attendance and engagement monitoring for universities.")
    parser.add_argument("--version", action="version", version=f"Adsum {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    module: Module | None = None
    for name, command in COMMANDS.items():
        subparser = commands.add_parser(name, help=command.help, description=command.help.capitalize() + ".")
        if name == chosen:
            if not command.before_settings and (trouble := set_up()):
                return complain(trouble)
            module = cast(Module, import_module(command.module))
            module.add_arguments(subparser)
    args = parser.parse_args(words)
    if module is None:  # argparse has said what it did not understand
        return 2
    return _run(module, args)


def set_up() -> str:
    """Read the settings and start Django. Returns what is wrong with the settings; '' when nothing is."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "adsum.settings")
    try:
        django.setup()
    except ValidationError as wrong:
        told = [f"ADSUM_{'_'.join(map(str, one['loc'])).upper()}: {one['msg']}" for one in wrong.errors()]
        return "\n".join(f"Put this setting right. {problem}" for problem in told)
    except ImproperlyConfigured as wrong:
        if "psycopg" not in str(wrong):
            raise
        return (
            "ADSUM_DATABASE_URL names a PostgreSQL database, and psycopg is not installed. Install requirements/postgres.txt, "
            "or leave ADSUM_DATABASE_URL empty to use SQLite."
        )
    except ValueError as wrong:
        return f"Put this setting right. {wrong}"
    except OSError as wrong:
        return f"The data folder cannot be used: {wrong}. Set ADSUM_DATA to a folder that {_user()} may write to."
    return ""


def _run(module: Module, args: argparse.Namespace) -> int:
    try:
        return module.run(args)
    except AdsumError as refusal:
        return complain(refusal.message)
    except KeyboardInterrupt:
        return 130


def _user() -> str:
    return os.environ.get("USER", "this user")


def complain(sentence: str) -> int:
    """Say on the error stream what is wrong and what to do. Returns the exit code 1."""
    print(sentence, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())

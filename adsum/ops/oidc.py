"""`adsum oidc`: OpenID Connect providers, as the administrators' pages set them up: add, list, check, remove."""

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from allauth.socialaccount.models import SocialApp
from django.conf import settings

from adsum.core.errors import AdsumError
from adsum.integrations.sign_in import oidc
from adsum.integrations.sign_in.allauth import OIDC, in_use
from adsum.integrations.sign_in.provider_checks import BAD, Finding, check, check_issuer
from adsum.integrations.sign_in.providers import Policy, kind_of, remove, save_oidc
from adsum.ops.cli import BY, now


def add_policy(add: ArgumentParser) -> None:
    """What `adsum oidc add` and `adsum saml add` have in common."""
    add.add_argument("--domain", action="append", required=True, help="an e-mail domain it signs in; may be repeated")
    add.add_argument("--name", default=settings.UNIVERSITY, help="what people call it (default: the university)")
    add.add_argument("--match-claim", default="", help="a claim that finds a person of the roster at their first sign-in")
    add.add_argument("--match-identifier", default="", help="what that claim is: number, or a kind of identifier such as upn")
    add.add_argument("--create-people", action="store_true", help="add people the roster does not know")
    add.add_argument("--mfa", action="append", help="what proves two factors, such as amr=mfa; may be repeated")
    add.add_argument("--students-mfa", action="store_true", help="students need two factors, too")
    add.add_argument("--off", action="store_true", help="not in use yet: it can only be tested")


def policy_of(args: Namespace, app: SocialApp | None) -> Policy:
    """What was said, and the roles that the pages keep."""
    told = app.settings if app else {}
    return Policy(
        name=args.name,
        domains=args.domain,
        match_claim=args.match_claim,
        match_identifier=args.match_identifier,
        create_people=args.create_people,
        mfa=args.mfa,
        students_mfa=args.students_mfa,
        off=args.off,
        roles_claim=told.get("roles_claim", ""),
        roles=told.get("roles", []),
        administrators=told.get("administrators", False),
    )


def add_arguments(parser: ArgumentParser) -> None:
    """`adsum oidc add --issuer … --client-id … --domain …`, and its siblings."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="add | list | check | remove")
    add = actions.add_parser("add", help="add a provider, or change the settings of the one with that issuer")
    add.add_argument("--issuer", required=True, help="exactly as the provider writes it, such as https://login.uni.ac.uk")
    add.add_argument("--client-id", required=True, help="what the provider calls Adsum")
    add.add_argument("--secret-file", type=Path, help="a file with the client secret; - reads it from standard input")
    add.add_argument("--uid-field", default="sub", help="the claim that names a person for ever: sub, or oid at Entra ID")
    add.add_argument("--tenant", default="", help="at Entra ID: the tenant's id, which every token must name")
    add_policy(add)
    actions.add_parser("list", help="the providers and what they may do")
    for action, what in (("check", "ask the provider whether all is well"), ("remove", "stop signing people in with it")):
        actions.add_parser(action, help=what).add_argument("issuer")


def run(args: Namespace) -> int:
    """Do it; 0 when it was done. What cannot be done is said in a sentence."""
    match args.action:
        case "add":
            return _add(args)
        case "list":
            return listed(OIDC)
        case "check":
            app = oidc.app_named(oidc.provider_id_of(args.issuer))
            return told(check(app, at=now()) if app else check_issuer(args.issuer, at=now()))
        case _:
            return removed(oidc.app_named(oidc.provider_id_of(args.issuer)), args.issuer)


def told(findings: list[Finding]) -> int:
    """What was tried, a line each; 1 when something is wrong."""
    for found in findings:
        print(f"{found.title}. {found.text}".strip(), file=sys.stderr if found.kind == BAD else sys.stdout)
    return int(any(found.kind == BAD for found in findings))


def listed(protocol: str) -> int:
    """Those of one protocol, a line each."""
    for app in SocialApp.objects.filter(provider=protocol).order_by("pk"):
        name = app.settings.get("entity_id") or app.settings["server_url"]
        state = "" if in_use(app) else " (not in use)"
        print(f"{name}  {app.name}: {', '.join(app.settings.get('domains', []))}{state}")
    return 0


def removed(app: SocialApp | None, name: str) -> int:
    """Remove the provider: people no longer sign in there."""
    if app is None:
        raise AdsumError("unknown", f"There is no provider {name}. `list` shows those there are.")
    remove(app, by=BY, at=now())
    print(f"Nobody signs in at {name} any more. The sign-ins made there and the roles it gave have ended.")
    print("Who was who there is kept, in case it returns.")
    return 0


def _secret(path: Path | None) -> str:
    if path is None:
        return ""
    return (sys.stdin.read() if str(path) == "-" else path.read_text()).strip()


def _add(args: Namespace) -> int:
    at = now()
    app = oidc.app_named(oidc.provider_id_of(args.issuer))
    tenant = args.tenant or (app.settings["tenant"] if app and kind_of(app) == "entra" else "")
    policy = policy_of(args, app)
    if oidc.is_private_enough(args.issuer) and told(check_issuer(args.issuer, at=at)):
        return 1
    app = save_oidc(
        app,
        policy,
        issuer=args.issuer,
        client_id=args.client_id,
        secret=_secret(args.secret_file),
        uid_field=args.uid_field,
        tenant=tenant,
        by=BY,
        at=at,
    )
    print(f"People of {', '.join(app.settings['domains'])} now sign in at {args.issuer}.")
    print(f"Register this redirect address there: {oidc.answered_at(app)}")
    return 0

"""`adsum oidc`: the universities' own sign-in, until it has a page: add, list, check, remove."""

import sys
from argparse import ArgumentParser, Namespace
from datetime import UTC, datetime
from pathlib import Path

from allauth.socialaccount.models import SocialApp
from django.conf import settings
from django.urls import reverse
from requests import RequestException

from adsum.accounts import services
from adsum.core import vault
from adsum.integrations import oidc
from adsum.integrations.sign_on import OIDC, Refused

BY = "system:command"


def add_arguments(parser: ArgumentParser) -> None:
    """`adsum oidc add --issuer … --client-id … --domain …`, and its siblings."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="add | list | check | remove")
    add = actions.add_parser("add", help="add a provider, or change the settings of the one with that issuer")
    add.add_argument("--issuer", required=True, help="exactly as the provider writes it, such as https://login.uni.ac.uk")
    add.add_argument("--client-id", required=True, help="what the provider calls Adsum")
    add.add_argument("--secret-file", type=Path, help="a file with the client secret; - reads it from standard input")
    add.add_argument("--domain", action="append", required=True, help="an e-mail domain it signs in; may be repeated")
    add.add_argument("--name", default=settings.UNIVERSITY, help="what people call it (default: the university)")
    add.add_argument("--uid-field", default="sub", help="the claim that names a person for ever: sub, or oid at Entra ID")
    add.add_argument("--match-claim", help="a claim that finds a person of the roster at their first sign-in")
    add.add_argument("--match-identifier", help="what that claim is: number, or a kind of identifier such as upn")
    add.add_argument("--create-people", action="store_true", help="add people the roster does not know")
    actions.add_parser("list", help="the providers and what they may do")
    for action, what in (("check", "ask the provider whether all is well"), ("remove", "stop signing people in with it")):
        actions.add_parser(action, help=what).add_argument("issuer")


def run(args: Namespace) -> int:
    """Do it; 0 when it was done. What cannot be done is said in a sentence."""
    match args.action:
        case "add":
            return _add(args)
        case "list":
            for app in SocialApp.objects.filter(provider=OIDC):
                print(f"{app.settings['server_url']}  {app.name}: {', '.join(app.settings.get('domains', []))}")
            return 0
        case "check":
            return _check(args.issuer)
        case _:
            return _remove(args.issuer)


def _now() -> datetime:
    return datetime.now(UTC)


def _say(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 1


def _secret(path: Path | None, kept: str) -> str:
    if path is None:
        return kept
    return (sys.stdin.read() if str(path) == "-" else path.read_text()).strip()


def _add(args: Namespace) -> int:
    domains = sorted({domain.strip().lstrip("@").casefold() for domain in args.domain})
    if bool(args.match_claim) != bool(args.match_identifier):
        return _say("--match-claim and --match-identifier belong together: give both, or neither.")
    if args.match_claim == "email":
        return _say("An e-mail is no proof of who someone is: match a claim your provider never gives to someone else.")
    if not oidc.is_private_enough(args.issuer):
        return _say(f"{args.issuer} is not an https address.")
    name = oidc.provider_id_of(args.issuer)
    app = oidc.app_named(name) or SocialApp(provider=OIDC, provider_id=name)
    for other in SocialApp.objects.filter(provider=OIDC).exclude(pk=app.pk):
        if taken := set(domains) & set(other.settings.get("domains", [])):
            return _say(f"{', '.join(sorted(taken))} belongs to {other.settings['server_url']} already.")
    if _check(args.issuer):
        return 1
    app.name, app.client_id, secret = args.name[:40], args.client_id, _secret(args.secret_file, oidc.client_secret(app))
    app.settings = {"server_url": args.issuer, "domains": domains, "uid_field": args.uid_field}
    if secret:
        app.settings["secret"] = vault.seal(secret, purpose=oidc.SECRET)
    if args.match_claim:
        app.settings |= {"match_claim": args.match_claim, "match_identifier": args.match_identifier}
    if args.create_people:
        app.settings["create_people"] = True
    services.save_provider(app, by=BY, at=_now())
    callback = reverse("openid_connect_callback", args=[name])
    print(f"People of {', '.join(domains)} now sign in at {args.issuer}.")
    print(f"Register this redirect address there: {settings.ORIGIN}{callback}")
    return 0


def _check(issuer: str) -> int:
    try:
        config = oidc.describe(issuer)
        keys = oidc.fetch(config["jwks_uri"])["keys"]
    except RequestException as unreachable:
        return _say(f"{issuer} does not answer as a provider does ({type(unreachable).__name__}). Check the address.")
    except Refused as wrong:
        return _say(f"{issuer} answers, but {wrong.message}. The issuer must be written exactly as the provider does.")
    except (KeyError, TypeError):
        return _say(f"{issuer} publishes no signing keys that can be read.")
    print(f"{issuer} answers and publishes {len(keys)} signing key{'' if len(keys) == 1 else 's'}.")
    return 0


def _remove(issuer: str) -> int:
    app = oidc.app_named(oidc.provider_id_of(issuer))
    if app is None:
        return _say(f"There is no provider {issuer}. `adsum oidc list` shows those there are.")
    services.remove_provider(app, by=BY, at=_now())
    print(f"Nobody signs in at {issuer} any more. Who was who there is kept, in case it returns.")
    return 0

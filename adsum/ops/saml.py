"""`adsum saml`: SAML identity providers, as the administrators' pages set them up: add, list, check, remove."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from adsum.core.errors import AdsumError
from adsum.integrations.sign_in.allauth import SAML, provider_named
from adsum.integrations.sign_in.oidc import provider_id_of
from adsum.integrations.sign_in.provider_checks import check
from adsum.integrations.sign_in.providers import save_saml
from adsum.integrations.sign_in.saml import answered_at, entity_of
from adsum.integrations.sign_in.saml_metadata import certificate, read_metadata
from adsum.ops.cli import BY, now
from adsum.ops.oidc import add_policy, listed, policy_of, removed, told


def add_arguments(parser: ArgumentParser) -> None:
    """`adsum saml add --metadata FILE --domain …`, and its siblings."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="add | list | check | remove")
    add = actions.add_parser("add", help="add a provider, or change the settings of the one the file is about")
    add.add_argument("--metadata", required=True, type=Path, help="the metadata file of your own identity provider")
    add.add_argument("--uid-attribute", default="", help="the attribute that names people; without it a persistent NameID")
    add_policy(add)
    actions.add_parser("list", help="the providers and what they may do")
    for action, what in (("check", "its certificate, its address, its clock"), ("remove", "stop signing people in with it")):
        actions.add_parser(action, help=what).add_argument("entity_id")


def run(args: Namespace) -> int:
    """Do it; 0 when it was done. What cannot be done is said in a sentence."""
    if args.action == "add":
        return _add(args)
    if args.action == "list":
        return listed(SAML)
    app = provider_named(provider_id_of(args.entity_id), SAML)
    if args.action == "remove":
        return removed(app, args.entity_id)
    if app is None:
        raise AdsumError("unknown", f"There is no provider {args.entity_id}. `list` shows those there are.")
    return told(check(app, at=now()))


def _add(args: Namespace) -> int:
    try:
        metadata = read_metadata(args.metadata.read_bytes())
    except OSError as unreadable:
        raise AdsumError("no_file", f"{args.metadata} cannot be read: {unreadable.strerror}.") from unreadable
    app = provider_named(provider_id_of(metadata.entity_id), SAML)
    saved = save_saml(app, policy_of(args, app), metadata=metadata, uid_attribute=args.uid_attribute, by=BY, at=now())
    print(f"People of {', '.join(saved.settings['domains'])} now sign in at {metadata.entity_id}.")
    for one in metadata.certificates:
        shown = certificate(one)
        print(f"Pinned until {shown.not_after:%d %B %Y}: {shown.fingerprint}")
    print(f"Give the provider our metadata, {entity_of(saved)}, or the address for its answers, {answered_at(saved)}")
    return 0

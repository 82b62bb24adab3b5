"""The university's own sign-in, in a process of its own: `python -m bench.provider oidc` or `saml`.

It registers itself with Adsum, links every student as their first sign-in would have, says that it is ready, and answers until
its standard input ends. What it costs is its own, and counted apart.

oidc-provider-mock builds its signing key from its numbers again for every ID token, 37 ms each: two cores would sign 50 people
in a second and nothing else. No provider of a university does; here the key is built once. Its queue of new connections is as
long as the machine allows.
"""

import functools
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

DOMAIN = "bench.example"


def main(protocol: str) -> None:
    import django

    django.setup()
    from allauth.socialaccount.models import SocialAccount

    from adsum.accounts.models import Person

    with _running(protocol) as (provider, issuer):
        students = Person.objects.filter(username__endswith=f"@{DOMAIN}")
        SocialAccount.objects.bulk_create(
            [
                SocialAccount(user=one, provider=provider, uid=one.username, extra_data={"iss": issuer})
                for one in students.iterator()
            ],
            batch_size=2_000,
        )
        print("ready", flush=True)
        sys.stdin.read()


@contextmanager
def _running(protocol: str) -> Iterator[tuple[str, str]]:
    """The provider's name with us, and its own."""
    if protocol == "saml":
        from tests.kit import saml

        with saml.running() as idp:
            yield idp.register(domains=(DOMAIN,)).provider_id, idp.entity_id
    else:
        from werkzeug import serving

        from tests.kit import oidc

        serving.BaseWSGIServer.request_queue_size = 4096
        _build_the_key_once()
        with oidc.honest() as provider:
            yield oidc.register(provider.issuer, domains=(DOMAIN,)).provider_id, provider.issuer


def _build_the_key_once() -> None:
    from joserfc.jwk import RSAKey
    from oidc_provider_mock import _app as mock

    built = functools.cache(lambda numbers: RSAKey.import_key(dict(numbers)))
    plain = mock.OpenIDCode.get_jwt_config

    def get_jwt_config(self: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        config = plain(self, *args, **kwargs)
        return {**config, "key": built(tuple(config["key"].items()))}

    mock.OpenIDCode.get_jwt_config = get_jwt_config


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "adsum.settings")
    main(sys.argv[1])

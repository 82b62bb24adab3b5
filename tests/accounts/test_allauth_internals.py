"""What we lean on in django-allauth and it does not promise: each part is there, and can be called as we call it."""

import ast
import inspect
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from adsum.accounts import allauth_internals
from tests.kit.architecture import imported

CALLED: dict[str, dict[str, tuple[tuple[object, ...], dict[str, object]]]] = {
    "allauth.account.internal.flows.login": {
        "get_authentication_records": (("request", "user"), {}),
        "perform_login": (("request", "login"), {}),
        "perform_password_login": (("request", "credentials", "login"), {}),
        "record_authentication": (("request", "user", "mfa"), {"type": "totp"}),
    },
    "allauth.mfa.base.internal.flows": {
        "check_rate_limit": (("user",), {}),
        "post_authentication": (("request", "authenticator"), {"passwordless": True}),
    },
    "allauth.mfa.recovery_codes.internal.auth": {
        "RecoveryCodes.activate": (("user",), {}),
        "RecoveryCodes.generate_codes": (("self",), {}),
        "RecoveryCodes.get_unused_codes": (("self",), {}),
        "RecoveryCodes.validate_code": (("self", "code"), {}),
    },
    "allauth.mfa.totp.internal.auth": {
        "TOTP.activate": (("user", "secret"), {}),
        "clear_totp_secret": (("request",), {}),
        "format_hotp_value": ((1,), {}),
        "get_totp_secret": ((), {}),
        "hotp_value": (("secret", 1), {}),
    },
    "allauth.mfa.webauthn.internal.auth": {"get_credentials": (("user",), {})},
    "allauth.socialaccount.internal.statekit": {
        "unstash_state": (("request",), {"state_id": "state", "provider_id": "provider"})
    },
}
"""By module: the name, and how we call it."""
PARTS = [(module, name) for module, names in CALLED.items() for name in names]


@pytest.mark.parametrize(("module", "name"), PARTS, ids=[name for _, name in PARTS])
def test_it_is_there_and_can_be_called_as_we_do(module: str, name: str):
    part: Any = import_module(module)
    for step in name.split("."):
        part = getattr(part, step)
    given, named = CALLED[module][name]
    inspect.signature(part).bind(*given, **named)


def test_nothing_else_is_imported():
    source = ast.parse(Path(allauth_internals.__file__).read_text())
    taken = {(module, name) for _, module, name in imported(source)}
    assert taken == {(module, name.split(".")[0]) for module, name in PARTS}
    assert sorted(allauth_internals.__all__) == sorted(name for _, name in taken)

"""The parts of django-allauth that it keeps to itself, and that we cannot do without. Nothing else imports from
`allauth.*.internal`: what a new release moves or renames is mended here, and `test_allauth_internals` names it first."""

from allauth.account.internal.flows.login import (
    get_authentication_records,
    perform_login,
    perform_password_login,
    record_authentication,
)
from allauth.mfa.base.internal.flows import check_rate_limit, post_authentication
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, clear_totp_secret, format_hotp_value, get_totp_secret, hotp_value
from allauth.mfa.webauthn.internal.auth import get_credentials
from allauth.socialaccount.internal.statekit import unstash_state

__all__ = [
    "TOTP",
    "RecoveryCodes",
    "check_rate_limit",
    "clear_totp_secret",
    "format_hotp_value",
    "get_authentication_records",
    "get_credentials",
    "get_totp_secret",
    "hotp_value",
    "perform_login",
    "perform_password_login",
    "post_authentication",
    "record_authentication",
    "unstash_state",
]

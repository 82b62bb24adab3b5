"""The declarations of tables that are not ours, and so cannot stand beside them: Django's, allauth's and django-q's."""

from collections.abc import Mapping

from adsum.core.declared import For, From, Keep, Table, about_no_one, declare

FORGOTTEN = "adsum.accounts.services.forget_sign_ins"

OTHERS: Mapping[str, Table] = {
    "auth.Permission": about_no_one("name content_type codename"),
    "auth.Group": about_no_one("name permissions"),
    "contenttypes.ContentType": about_no_one("app_label model"),
    "sessions.Session": declare(
        "",
        Keep.SIGN_INS,
        For.SERVICE,
        From.BROWSER,
        facts="expire_date",
        secrets="session_key session_data",
        goes=True,
        since="expire_date",
        nightly=FORGOTTEN,
    ),
    "account.EmailAddress": declare(
        "user", Keep.ACCOUNTS, For.SERVICE, From.RECORDS, facts="verified primary", names="email", goes=True
    ),
    "account.EmailConfirmation": declare(
        "email_address__user",
        Keep.ACCOUNTS,
        For.SERVICE,
        From.ADSUM,
        facts="email_address created sent",
        secrets="key",
        goes=True,
    ),
    "socialaccount.SocialApp": about_no_one("provider provider_id name client_id settings", secrets="secret key"),
    "socialaccount.SocialAccount": declare(
        "user",
        Keep.ACCOUNTS,
        For.SERVICE,
        From.RECORDS,
        facts="provider last_login date_joined",
        names="uid extra_data",
        goes=True,
    ),
    "socialaccount.SocialToken": declare(
        "account__user",
        Keep.ACCOUNTS,
        For.SERVICE,
        From.RECORDS,
        facts="app account expires_at",
        secrets="token token_secret",
        goes=True,
    ),
    "mfa.Authenticator": declare(
        "user", Keep.ACCOUNTS, For.SERVICE, From.PERSON, facts="type created_at last_used_at", secrets="data", goes=True
    ),
    "usersessions.UserSession": declare(
        "user",
        Keep.SIGN_INS,
        For.SERVICE,
        From.BROWSER,
        facts="created_at last_seen_at user_agent data",
        names="ip",
        secrets="session_key",
        goes=True,
        since="last_seen_at",
        nightly=FORGOTTEN,
        verb="adsum.accounts.erasing.end_sign_ins",
    ),
    "django_q.Task": declare(
        "",
        Keep.SCANS,
        For.SERVICE,
        From.ADSUM,
        facts="name func hook group cluster started stopped success attempt_count",
        words="args kwargs result",
        goes=True,
        since="stopped",
    ),
    "django_q.Schedule": about_no_one(
        "name func hook args kwargs schedule_type minutes repeats next_run cron task cluster intended_date_kwarg"
    ),
    "django_q.OrmQ": about_no_one("key payload lock"),
}
"""By the label of the model."""

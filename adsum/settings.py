"""One settings file. What differs between universities is read by `environment.py`."""

import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import structlog
from csp.constants import NONE, SELF
from django.utils.translation import gettext_noop

from adsum.environment import BASE_DIR, Environment

env = Environment()
PRIVATE = ("*_key", "*_key.*", "*.sqlite3", "*.sqlite3-*", "checkpoints", "checkpoints/*", "student_keys")
"""What the data folder holds."""


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _keep_private(folder: Path) -> None:
    """Make the data folder, and close it and what we keep in it to everybody else, whatever the umask was."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path in (folder, *(found for pattern in PRIVATE for found in folder.glob(pattern))):
        _close(path)


def _close(path: Path) -> None:
    """Let only its owner open it. (A file of another owner is left to them.)"""
    with suppress(OSError):
        if path.stat().st_mode & 0o077 and not path.is_symlink():
            path.chmod(0o700 if path.is_dir() else 0o600)


def _kept_secret(name: str) -> str:
    """A secret made once and kept in the data folder, readable by its owner alone."""
    path = env.data / name
    if not path.exists():
        _keep_private(env.data)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            file.write(secrets.token_hex(32))
    return path.read_text()


def _keys_of(listed: str, first: str) -> dict[str, str]:
    """Keys by id, the current one first. A key without an id has the id `first`: it is a data folder's first."""
    return dict((pair if ":" in pair else f"{first}:{pair}").split(":", 1) for pair in _listed(listed))


def database(url: str) -> dict[str, Any]:
    """A database as Django has it, from its address; without one, the data folder's own. Raises ValueError."""
    if not url:
        _keep_private(env.data)
        url = f"sqlite:///{env.data / 'adsum.sqlite3'}"
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        file = Path(unquote(parts.path)[1:])
        if (
            file.parent.is_dir() and not file.exists() and file.name != ":memory:"
        ):  # SQLite gives its -wal and -shm the rights of this one
            os.close(os.open(file, os.O_WRONLY | os.O_CREAT, 0o600))
        _close(file)
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": unquote(parts.path)[1:],  # sqlite:////absolute, sqlite:///relative
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=ON;",
            },
        }
    if parts.scheme in {"postgresql", "postgres"}:
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": parts.path.lstrip("/"),
            "USER": unquote(parts.username or ""),
            "PASSWORD": unquote(parts.password or ""),
            "HOST": parts.hostname or "",
            "PORT": str(parts.port or ""),
            # Not kept between requests: under ASGI each has a thread of its own, and would leave its connection behind.
            "CONN_MAX_AGE": 0,
            "DISABLE_SERVER_SIDE_CURSORS": True,  # so that pgbouncer may stand between
        }
    raise ValueError("ADSUM_DATABASE_URL must begin with postgresql:// or sqlite:///")


if env.data.is_dir():
    _keep_private(env.data)
UNIVERSITY = env.university
EMERGENCY_CALL = env.emergency_call
CIRCUMSTANCES_URL = env.circumstances_url
TEAM_EMAIL, TEAM_TELEPHONE, TEAM_HOURS = env.team_email, env.team_telephone, env.team_hours
HELP_DESK_EMAIL, HELP_DESK_TELEPHONE = env.help_desk_email, env.help_desk_telephone
WELLBEING_URL = env.wellbeing_url
GUIDES_URL = env.guides_url
PRIVACY_URL, ACCESSIBILITY_URL, POLICY_URL = env.privacy_url, env.accessibility_url, env.policy_url
ORIGIN = env.origin
PHONE_APP = env.phone_app
DEMO = env.demo
DEMO_ANYWHERE = env.demo_anywhere
SECURE = ORIGIN.startswith("https://")
DATA = env.data
CAMPUS_NETWORKS = _listed(env.campus_networks)
MOBILE_NETWORKS = _listed(env.mobile_networks)
FEED_NETWORKS = _listed(env.feed_networks)
TRUSTED_PROXIES = _listed(env.trusted_proxies)
NATION = env.nation
BANK_HOLIDAYS = env.bank_holidays

SECRET_KEY = env.secret_key or _kept_secret("secret_key")
SECRET_KEY_FALLBACKS = _listed(env.secret_key_fallbacks)
CHECKIN_KEY_FILE = None if env.checkin_keys else env.data / "checkin_key"
CHECKIN_KEYS = _keys_of(env.checkin_keys or _kept_secret("checkin_key"), "k1")
"""Master keys by key id, the current one first, as hexadecimal."""

CHECKPOINT_KEY_FILE = None if env.checkpoint_keys else env.data / "checkpoint_key"
CHECKPOINT_KEYS = _keys_of(env.checkpoint_keys or _kept_secret("checkpoint_key"), "c1")
CHECKPOINT_ORIGIN = f"{urlsplit(ORIGIN).netloc}/adsum"
"""The name of the event log, which its checkpoints begin with."""
CHECKPOINT_FOLDERS = [Path(folder) for folder in _listed(env.checkpoint_folders)] or [env.data / "checkpoints"]
KNOWN_CHECKPOINT_FILE = env.data / "known_checkpoint.txt"
"""Up to where this machine last verified the log: a log that ends before it, or is another one, is wrong."""
ALIAS_KEY_FILE = None if env.alias_keys else env.data / "alias_key"
STUDENT_KEYS = env.student_keys or env.data / "student_keys"
"""The folder of students' own keys (`core/student_keys.py`)."""
PUSH_KEYS = _keys_of(env.push_keys or _kept_secret("push_key"), "p1")
"""Keys by which the services that carry messages to phones know us, the current one first, as hexadecimal."""
PUSH_NETWORKS = _listed(env.push_networks)
ALIAS_KEYS = _keys_of(env.alias_keys or _kept_secret("alias_key"), "a1")

DEBUG = False
ALLOWED_HOSTS = [urlsplit(ORIGIN).hostname or "", *_listed(env.hosts)]
if not SECURE:
    ALLOWED_HOSTS += ["localhost", "127.0.0.1", "[::1]"]
CSRF_TRUSTED_ORIGINS = [ORIGIN]

INSTALLED_APPS = [
    "adsum.apps.AdsumConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.socialaccount.providers.saml",
    "allauth.mfa",
    "allauth.usersessions",
    "csp",
    "django_htmx",
    "django_q",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "adsum.web.middleware.headers",
    "adsum.web.bodies.plain_text",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "adsum.web.request_log.RequestLog",  # above whatever turns requests away: those leave a line, too
    "adsum.web.middleware.at_the_edge",
    "adsum.web.signin.passes.middleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "adsum.web.signin.lifetime.lifetime",
    "adsum.web.signin.lifetime.second_step",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    "adsum.web.horizon.Horizon",
]

ROOT_URLCONF = "adsum.urls"
ASGI_APPLICATION = "adsum.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "adsum" / "web" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "adsum.web.frame.navigation",
            ],
            "libraries": {"adsum_ui": "adsum.web.templatetags.adsum_ui"},
        },
    }
]

DATABASES = {"default": database(env.database_url)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {
    # Counts of tries must be the same on every worker and node, and survive a restart: they live in the database.
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "adsum_cache",
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    },
    # What each process may find out again by itself.
    "local": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
}

AUTH_USER_MODEL = "adsum.Person"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = ["adsum.accounts.passwords.Hasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "sign_in"
LOGIN_REDIRECT_URL = "/"
SIGNED_IN_FOR = 12 * 3600  # seconds, from sign-in, whatever the person does
STAFF_IDLE_FOR = 30 * 60  # seconds without a request

# django-allauth: the ways in. There is no sign-up, no e-mail page and no reset by e-mail: see the addresses in urls.py.
ACCOUNT_ADAPTER = "adsum.integrations.sign_in.allauth.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}  # which is the university e-mail
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_PRESERVE_USERNAME_CASING = False
# Passwords and codes that did not match: by account alone. An address is a whole campus, and counting it here makes those who
# come at once wait for one another; against floods there is a limit in memory, before the hash (see the account adapter).
ACCOUNT_RATE_LIMITS = {"login_failed": "5/5m/key"}
SOCIALACCOUNT_ADAPTER = "adsum.integrations.sign_in.allauth.SocialAdapter"
SOCIALACCOUNT_AUTO_SIGNUP = False
SOCIALACCOUNT_EMAIL_AUTHENTICATION = False  # an e-mail is never proof of who someone is: docs/adr/0002
SOCIALACCOUNT_STORE_TOKENS = False
MFA_ADAPTER = "adsum.integrations.sign_in.allauth.MfaAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]

LANGUAGE_CODE = "en-gb"
# Each under its own name, whatever the language of the page: without an entry of ours Django would translate "English".
LANGUAGES = [("en-gb", gettext_noop("English")), ("cy", gettext_noop("Cymraeg"))]
LOCALE_PATHS = [BASE_DIR / "adsum" / "web" / "locale"]
TIME_ZONE = env.time_zone
USE_TZ = True

# Mail: the outbox (adsum/messages) decides what, when and how often; this is only the way out.
EMAIL_HOST = env.mail_host
EMAIL_PORT = env.mail_port
EMAIL_HOST_USER = env.mail_user
EMAIL_HOST_PASSWORD = env.mail_password
EMAIL_USE_TLS = env.mail_security == "starttls"
EMAIL_USE_SSL = env.mail_security == "tls"
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = env.mail_from or "adsum@localhost"
MAIL_REPLY_TO = env.mail_reply_to
MAIL_BOUNCES_TO = env.mail_bounces_to
MAIL_BOUNCES = env.mail_bounces
MAIL_BOUNCES_PASSWORD = env.mail_bounces_password
MAIL_REPORTS_SECRET = env.mail_reports_secret

STATIC_URL = "/static/"
STATIC_ROOT = env.static
STATICFILES_DIRS = [BASE_DIR / "adsum" / "web" / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "adsum.web.storage.Storage"},
}

# Headers: what every answer carries, Django's and the gate's alike.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}
SECURITY_HEADERS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
} | ({"Strict-Transport-Security": "max-age=63072000; includeSubDomains"} if SECURE else {})
SECURE_REFERRER_POLICY = None  # the table above says it, once for Django's pages and the gate's
SECURE_CROSS_ORIGIN_OPENER_POLICY = None
SECURE_CONTENT_TYPE_NOSNIFF = False

COOKIE_PREFIX = "__Host-" if SECURE else ""
SESSION_COOKIE_NAME = f"{COOKIE_PREFIX}adsum_session"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = SECURE
SESSION_COOKIE_AGE = SIGNED_IN_FOR
CSRF_COOKIE_NAME = f"{COOKIE_PREFIX}adsum_csrf"
CSRF_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_NAME = f"{COOKIE_PREFIX}adsum_language"
LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_HTTPONLY = True
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"  # they name people: never in a cookie
DATA_UPLOAD_MAX_MEMORY_SIZE = 25 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 25 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5000
DATA_UPLOAD_MAX_NUMBER_FILES = 10

Q_CLUSTER = {
    "name": "adsum",
    "orm": "default",
    "cache": "local",
    "workers": 1,
    "timeout": 300,
    "retry": 360,
    "max_attempts": 5,
    "ack_failures": True,
    "poll": 2,
    "save_limit": 500,
    "catch_up": False,
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(message)s"}},
    "filters": {"secrets": {"()": "adsum.web.request_log.WithoutSecrets"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain", "filters": ["secrets"]}},
    "root": {"handlers": ["console"], "level": env.log_level.upper()},
}
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.filter_by_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(),
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger,
    cache_logger_on_first_use=True,
)

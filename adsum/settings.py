"""One settings file. What differs between universities comes from the environment (`ADSUM_…`), a `.env` file or a folder
of secrets; a missing or impossible value says what to do."""

import os
import secrets
from contextlib import suppress
from email.utils import parseaddr
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import unquote, urlsplit

import structlog
from csp.constants import NONE, SELF
from django.utils.translation import gettext_noop
from pydantic import Field, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

BASE_DIR = Path(__file__).resolve().parent.parent


class Environment(BaseSettings):
    """Everything that can be set from outside. Each has a default that is right for one machine and a demo."""

    model_config = SettingsConfigDict(
        env_prefix="ADSUM_", env_file=".env", secrets_dir=os.environ.get("CREDENTIALS_DIRECTORY"), extra="ignore"
    )

    data: Path = BASE_DIR / "data"
    """Where the embedded database and generated secrets live."""
    static: Path = BASE_DIR / "adsum" / "static-collected"
    """Where the collected static files are; `adsum check --fix` collects them."""
    database_url: str = ""
    """`postgresql://user:password@host:5432/name`, or `sqlite:////absolute/path`. Empty: SQLite in the data folder."""
    origin: str = "http://localhost:8000"
    """The address people use, as in the QR code: `https://uni.ac.uk`. Short hosts make codes that read from far away."""
    hosts: str = ""
    """Other host names to answer to, comma-separated."""
    secret_key: str = ""
    """Signs the sessions of browsers and encrypts secrets in the database. Empty: the one in the data folder's file
    `secret_key`, made at the first start."""
    secret_key_fallbacks: str = ""
    """Keys that `ADSUM_SECRET_KEY` had before, comma-separated, the latest first: what they signed or encrypted stays good."""
    checkin_keys: str = ""
    """`id:hex,id:hex`: 32-byte master keys of codes and tickets, the current one first. Empty: those in the data folder's
    file `checkin_key`, made at the first start. `adsum check-in rotate-key` makes the next one."""
    checkpoint_keys: str = ""
    """`id:hex,id:hex`: 32-byte Ed25519 keys that sign the event log's checkpoints and students' receipts, the current one
    first; `id:public-hex` only verifies. Empty: those in the data folder's file `checkpoint_key`, made at the first start.
    `adsum audit rotate-key` makes the next one."""
    alias_keys: str = ""
    """`id:hex,id:hex`: 32-byte keys that hide who is who in the event log, the current one first. Empty: those in the data
    folder's file `alias_key`. `adsum audit rotate-aliases` makes the next one. Never keep them where backups are kept."""
    checkpoint_folders: str = ""
    """Folders to which each day's checkpoint is written, comma-separated; better ones that Adsum itself cannot change
    later. Empty: `checkpoints` in the data folder."""
    university: str = "Adsum Demo University"
    """What the university is called, on every page and sheet."""
    emergency_call: str = "999"
    """Whom staff call when somebody is in danger now, as the concern form says first: campus security, or 999."""
    circumstances_url: str = ""
    """Where students ask for extenuating circumstances in assessment, which is apart from absences. Empty: no link."""
    time_zone: str = "Europe/London"
    """The zone of its timetable, as `Europe/London`."""
    nation: Literal["england-and-wales", "scotland", "northern-ireland"] = "england-and-wales"
    """Whose bank holidays are no working days."""
    bank_holidays: Path = BASE_DIR / "adsum" / "core" / "bank-holidays.json"
    """The bank holidays, in the form of https://www.gov.uk/bank-holidays.json. Ours ends with 2028: put a newer file, or
    one that also has the university's closure days."""
    campus_networks: str = ""
    """Address ranges of the campus, comma-separated CIDR. Only a weight of evidence, never a gate."""
    mobile_networks: str = ""
    """Address ranges of mobile networks, the same way and for the same use."""
    feed_networks: str = ""
    """Private networks from which timetables may be fetched, comma-separated CIDR. Empty: public addresses only."""
    trusted_proxies: str = ""
    """Addresses of the proxies whose X-Forwarded-For is believed, comma-separated CIDR. Empty: nobody's."""
    mail_host: str = ""
    """The mail server letters go out through, such as the campus relay. Empty: nothing is sent, and messages are only read in
    Adsum."""
    mail_port: int = 587
    """Its port: 587 with `starttls`, 465 with `tls`, 25 with `none`."""
    mail_security: Literal["starttls", "tls", "none"] = "starttls"
    """How the connection to the mail server is encrypted: `starttls` (port 587), `tls` (465) or `none` (25, a relay on the same
    machine or campus)."""
    mail_user: str = ""
    """The account at the mail server, if it asks for one."""
    mail_password: str = ""
    """Its password; better as a file, below or among the secrets."""
    mail_password_file: Path | None = None
    """The file that holds it, and nothing else."""
    mail_from: str = ""
    """Whom letters come from: `Attendance <attendance@uni.ac.uk>`."""
    mail_reply_to: str = ""
    """Where answers go, where no department has an address of its own: a mailbox that somebody reads. Empty: to `mail_from`."""
    mail_bounces_to: str = ""
    """The address that mail servers send letters back to (the envelope's sender), a mailbox of its own. Empty: `mail_from`."""
    mail_bounces: str = ""
    """That mailbox, from which Adsum reads what came back: `imaps://user@mail.uni.ac.uk/INBOX`, or on this machine
    `maildir:/var/mail/bounces`. Empty: nothing is read."""
    mail_bounces_password_file: Path | None = None
    """The file with the password of its account, and nothing else."""
    mail_bounces_password: str = ""
    """That password; better as a file, above or among the secrets."""
    mail_reports_secret: str = Field("", pattern=r"^(whsec_[A-Za-z0-9+/]{32,}={0,2})?$")
    """The secret by which a mail service signs what became of letters, for `/mail/reports/`: `whsec_` and base64, as Standard
    Webhooks has it. Empty: nothing is taken there."""
    log_level: str = "warning"
    """How much the log says: `info` has a line for each request."""
    demo: bool = False
    """Show the demo's personas on the sign-in page. Only a demo university sets it."""
    demo_anywhere: bool = False
    """Let people into the demo from any address. Its password is known to everybody, so else only the local network is."""

    @field_validator("origin")
    @classmethod
    def _origin_is_an_origin(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path not in {"", "/"}:
            raise ValueError("ADSUM_ORIGIN must look like https://uni.ac.uk, without a path")
        return value.rstrip("/").lower()  # as browsers send it

    @field_validator("mail_password_file", "mail_bounces_password_file", mode="before")
    @classmethod
    def _no_file(cls, value: object) -> object:
        return value or None

    @field_validator("mail_from", "mail_reply_to", "mail_bounces_to")
    @classmethod
    def _is_one_address(cls, value: str, info: ValidationInfo) -> str:
        _name, address = parseaddr(value)
        if value and ("@" not in address or not value.isprintable()):
            name = f"ADSUM_{(info.field_name or '').upper()}"
            raise ValueError(f"{name} must be one address, such as Attendance <attendance@uni.ac.uk>")
        return value

    @field_validator("mail_bounces")
    @classmethod
    def _is_a_mailbox(cls, value: str) -> str:
        parts = urlsplit(value)
        secure = parts.scheme == "imaps" or (parts.scheme == "imap" and parts.hostname in {"localhost", "127.0.0.1", "::1"})
        there = parts.path.startswith("/") if parts.scheme == "maildir" else secure and parts.hostname and parts.username
        if value and not there:
            raise ValueError("ADSUM_MAIL_BOUNCES must look like imaps://user@mail.uni.ac.uk/INBOX or maildir:/var/mail/bounces")
        return value

    @model_validator(mode="after")
    def _passwords_are_read(self) -> Self:
        for name in ("mail_password", "mail_bounces_password"):
            file: Path | None = getattr(self, f"{name}_file")
            if file is not None:
                try:
                    setattr(self, name, file.read_text().strip())
                except OSError as wrong:
                    raise ValueError(f"ADSUM_{name.upper()}_FILE cannot be read: {wrong}") from wrong
        return self

    @model_validator(mode="after")
    def _mail_is_whole(self) -> Self:
        if not self.mail_host:
            return self
        if not self.mail_from:
            raise ValueError("ADSUM_MAIL_HOST needs ADSUM_MAIL_FROM: the address letters come from")
        if self.mail_user and self.mail_security == "none":
            raise ValueError("ADSUM_MAIL_SECURITY=none would send the password of ADSUM_MAIL_USER in the clear; use starttls")
        if self.mail_user and not self.mail_password:
            raise ValueError("ADSUM_MAIL_USER needs ADSUM_MAIL_PASSWORD_FILE, a file with its password")
        return self


env = Environment()
PRIVATE = ("*_key", "*_key.*", "*.sqlite3", "*.sqlite3-*", "checkpoints", "checkpoints/*")
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


def _database(url: str) -> dict[str, Any]:
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
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
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
ORIGIN = env.origin
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
                "adsum.web.middleware.navigation",
            ],
            "libraries": {"adsum_ui": "adsum.web.templatetags.adsum_ui"},
        },
    }
]

DATABASES = {"default": _database(env.database_url)}
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

"""What differs between universities, from the environment (`ADSUM_…`), a `.env` file or a folder of secrets; a missing or
impossible value says what to do."""

import os
from email.utils import parseaddr
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

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
    student_keys: Path | None = None
    """The folder of students' own keys, by which their words are sealed, and of the journal of what was erased. All nodes share
    it. Empty: `student_keys` in the data folder. Never keep it where backups of the database are kept: copy it apart, and
    destroy copies that are older than a month."""
    push_keys: str = ""
    """`id:hex,id:hex`: 32-byte keys by which push services know Adsum, the current one first. Empty: those in the data folder's
    file `push_key`, made at the first start. Phones that were told of one that is gone have to be switched on again."""
    push_networks: str = ""
    """Private networks in which push services may be, comma-separated CIDR, also without https. Empty: public addresses only,
    by https."""
    checkpoint_folders: str = ""
    """Folders to which each hour's checkpoint is written, comma-separated; better ones that Adsum itself cannot change
    later. Empty: `checkpoints` in the data folder."""
    university: str = "Adsum Demo University"
    """What the university is called, on every page and sheet."""
    emergency_call: str = "999"
    """Whom staff call when somebody is in danger now, as the concern form says first: campus security, or 999."""
    circumstances_url: str = ""
    """Where students ask for extenuating circumstances in assessment, which is apart from absences. Empty: no link."""
    team_email: str = ""
    """Where the attendance team reads mail from students and staff: at the foot of every page and on every refusal."""
    team_telephone: str = ""
    """Its telephone number, as people dial it."""
    team_hours: str = ""
    """When somebody answers, as `Monday to Friday, 9:00 to 17:00`."""
    help_desk_email: str = ""
    """Where people write who cannot sign in: the IT help desk or the student desk."""
    help_desk_telephone: str = ""
    """Its telephone number."""
    wellbeing_url: str = ""
    """The university's page for students who need somebody to talk to."""
    guides_url: str = ""
    """The university's own guides about attendance. Empty: those that come with Adsum, under Help."""
    privacy_url: str = ""
    """The university's own privacy notice. Empty: the one that Adsum fills in."""
    accessibility_url: str = ""
    """Its own accessibility statement. Empty: the one that Adsum fills in."""
    policy_url: str = ""
    """Its own attendance policy, as students read it. Empty: the one in force here."""
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
    """Private networks from which timetables may be fetched, and to which webhooks may be sent, comma-separated CIDR. Empty:
    public addresses only."""
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
    mail_reports_secret: str = Field(default="", pattern=r"^(whsec_[A-Za-z0-9+/]{32,}={0,2})?$")
    """The secret by which a mail service signs what became of letters, for `/mail/reports/`: `whsec_` and base64, as Standard
    Webhooks has it. Empty: nothing is taken there."""
    phone_app: bool = True
    """Whether students' phones keep their timetable and what they scan without a network. `false` empties what phones keep, the
    next time each of them comes."""
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

    @field_validator("mail_password_file", "mail_bounces_password_file", "student_keys", mode="before")
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

    @field_validator("team_email", "help_desk_email")
    @classmethod
    def _is_a_mail_address(cls, value: str, info: ValidationInfo) -> str:
        if value and (parseaddr(value)[1] != value or "@" not in value):
            raise ValueError(f"ADSUM_{(info.field_name or '').upper()} must be an address alone, such as attendance@uni.ac.uk")
        return value

    @field_validator("wellbeing_url", "guides_url", "privacy_url", "accessibility_url", "policy_url")
    @classmethod
    def _is_a_web_address(cls, value: str, info: ValidationInfo) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme not in {"http", "https"} or not parts.hostname):
            raise ValueError(f"ADSUM_{(info.field_name or '').upper()} must look like https://uni.ac.uk/wellbeing")
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

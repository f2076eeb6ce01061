"""Every setting, its unit and its default: environment variables, then an optional `.env` in the working folder."""

import os
from collections.abc import Iterator
from datetime import timedelta
from email.headerregistry import Address
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from domain.throttles import Policies, Policy
from inkwell.database_url import DatabaseUrl, parse_database_url
from inkwell.mail_settings import (
    TOKEN,
    LinkTemplate,
    MailServer,
    MailUrl,
    PublicUrl,
    Sender,
    parse_mail_url,
    parse_sender,
)
from inkwell.origins import Origins
from inkwell.rate_limits import parse_policy, spelled_as_policy
from inkwell.secret_keys import PrivateKeys, SecretKeys, kept_secret, parts, private_keys

if TYPE_CHECKING:
    from service.signing import SigningKey

Seconds = Annotated[float, Field(ge=0.001, le=3600, allow_inf_nan=False)]  # PostgreSQL counts in whole milliseconds

RateLimit = Annotated[str, AfterValidator(spelled_as_policy)]


class ConfigurationError(Exception):
    """The settings cannot work; the text is one clear sentence (or a line per setting) for the operator."""


def _cores() -> int:
    """The processor cores that this process may use, where the system tells."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Settings(BaseSettings):
    """The settings of one process. Every field is an environment variable of the same name in capitals."""

    model_config = SettingsConfigDict(
        env_file=".env", env_ignore_empty=True, extra="forbid", frozen=True, hide_input_in_errors=True
    )

    env: Literal["development", "production", "testing"] = Field(
        "development", description="development, production (strict about secrets) or testing."
    )
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8000, ge=0, le=65535, description="TCP port to listen on; 0 takes a free one.")
    workers: int = Field(
        default_factory=_cores,
        ge=1,
        le=256,
        description="Worker processes; default: one per core.",
    )
    server: Literal["hypercorn", "uvicorn"] = Field(
        "hypercorn", description="What speaks HTTP in the workers; uvicorn is an extra, faster, without HTTP/2."
    )
    event_loop: Literal["asyncio", "uvloop"] | None = Field(
        None, description="Event loop of the workers; default: uvloop where it is installed, an extra too."
    )
    tls_certificate: Path | None = Field(
        None, description="PEM file of the certificate and its chain, to serve HTTPS; read again at SIGHUP."
    )
    tls_key: Path | None = Field(None, description="PEM file of the certificate's private key, not encrypted.")
    lean_bridge: bool = Field(True, description="A shorter way through Quart for most requests; false: its own.")
    reload: bool = Field(False, description="Replace the workers when the code changes; for development.")
    data_dir: Path = Field(
        Path("data"), description="Folder of the embedded PostgreSQL and of the secret made for development."
    )
    database_url: SecretStr | None = Field(
        None, description="PostgreSQL 15 or newer; without it, development and tests use the embedded server."
    )
    database_listen_url: SecretStr | None = Field(
        None, description="The same database past a pooler, to listen, migrate and back up; default: DATABASE_URL."
    )
    pooler: Literal["none", "transaction"] = Field(
        "none", description="transaction: DATABASE_URL leads to PgBouncer in transaction mode, or to one like it."
    )
    migrate_at_start: bool | None = Field(
        None, description="Bring the schema to its newest version at start; default: not in production."
    )
    jwt_secret_key: SecretKeys | None = Field(
        None, description="Signs tokens: at least 32 bytes; `new,old` to rotate. Required in production."
    )
    jwt_private_key: PrivateKeys | None = Field(
        None, description="Signs access tokens instead: PEM of an Ed25519 or P-256 key; several to rotate."
    )
    jwt_issuer: str = Field("inkwell", min_length=1, description="`iss` of access tokens.")
    jwt_audience: str = Field("inkwell", min_length=1, description="`aud` of access tokens.")
    access_token_seconds: int = Field(900, ge=30, le=86_400, description="Lifetime of an access token, in seconds.")
    session_days: int = Field(30, ge=1, le=3650, description="Longest life of a session, in days.")
    session_idle_days: int = Field(7, ge=1, le=3650, description="A session unused for so many days ends.")
    audit_days: int = Field(
        365, ge=0, le=36_500, description="The audit trail is kept for so many days; 0 keeps it for ever."
    )
    registration: Literal["open", "closed"] = Field("open", description="Who makes accounts: anyone, or admins alone.")
    directory: Literal["members", "admins"] = Field(
        "members", description="Who sees and searches other people's e-mail addresses."
    )
    mail_url: MailUrl | None = Field(
        None, description="Server that takes mail: smtp://user:password@host:587 (STARTTLS) or smtps:// (TLS)."
    )
    mail_from: Sender | None = Field(None, description="Sender of mail: Inkwell <inkwell@example.com>.")
    public_url: PublicUrl | None = Field(
        None, description="Where this API is reached, for links in mail; default: http://127.0.0.1 and PORT."
    )
    reset_url: LinkTemplate | None = Field(
        None, description="Page that sets a new password, {token} behind a #; default: /reset of PUBLIC_URL."
    )
    verify_url: LinkTemplate | None = Field(
        None, description="Page that confirms an address, {token} behind a #; default: /verify of PUBLIC_URL."
    )
    reset_link_minutes: int = Field(
        30, ge=1, le=1440, description="Lifetime of a link to set a new password, in minutes."
    )
    verify_link_hours: int = Field(24, ge=1, le=168, description="Lifetime of a link to confirm an address, in hours.")
    search_language: str = Field(
        "english",
        pattern="^[a-z_][a-z0-9_]{0,62}$",
        description="Language of full-text search, as PostgreSQL names it; a change makes a migration index all anew.",
    )
    admin_email: str | None = Field(None, description="First admin, made at start if the address has no account.")
    admin_password: SecretStr | None = Field(None, description="Password of the first admin.")
    cors_origins: Origins = Field(
        (), description="Exact origins of browsers that may call, separated by commas; `*` for any."
    )
    cors_credentials: bool = Field(False, description="Let browsers send cookies and client certificates along.")
    hsts_seconds: int = Field(0, ge=0, description="Strict-Transport-Security max-age, in seconds; 0 sends none.")
    trusted_proxies: int = Field(
        0, ge=0, le=10, description="How many hops of X-Forwarded-For to believe; 0 takes the socket's address."
    )
    body_limit_bytes: int = Field(1_048_576, ge=1024, description="Largest request body, in bytes.")
    body_timeout_seconds: Seconds = Field(10, description="Longest time to receive a request body, in seconds.")
    request_timeout_seconds: Seconds = Field(
        10, description="Longest time to work on a request whose body has come, in seconds; then 503."
    )
    requests_at_once: int = Field(200, ge=1, le=10_000, description="Requests that a worker works on at once.")
    requests_waiting: int = Field(1000, ge=0, le=100_000, description="Further requests per worker that may wait.")
    request_wait_seconds: Seconds = Field(1, description="Longest time that they wait, in seconds; then 503.")
    database_pool_size: int = Field(15, ge=1, le=200, description="Connections kept open per worker.")
    database_pool_overflow: int = Field(
        0, ge=0, le=200, description="Further connections per worker under load, each closed after one use: dear."
    )
    database_pool_timeout_seconds: Seconds = Field(2, description="Longest wait for a connection, in seconds.")
    database_connect_timeout_seconds: Seconds = Field(3, description="Longest time to connect, in seconds.")
    database_command_timeout_seconds: Seconds = Field(5, description="Longest time for one statement, client side.")
    database_work_timeout_seconds: Seconds = Field(
        5, description="Longest time for one look or transaction, waiting for a connection included."
    )
    statement_timeout_seconds: Seconds = Field(4, description="Longest time for one statement, server side.")
    lock_timeout_seconds: Seconds = Field(2, description="Longest wait for a row lock, in seconds.")
    idle_in_transaction_seconds: Seconds = Field(10, description="Longest pause inside a transaction, in seconds.")
    hash_memory_kib: int = Field(19 * 1024, ge=8, description="Memory of one argon2id password hash, in KiB.")
    hash_passes: int = Field(2, ge=1, le=100, description="Passes of argon2id over that memory.")
    hash_queue_length: int = Field(32, ge=1, description="Passwords waiting to be hashed per worker before 503.")
    rate_limits_enabled: bool = Field(True, description="false switches every rate limit off, for load tests.")
    login_rate_limit: RateLimit = Field(
        "10/5 minutes", description="Wrong passwords for one account from one network (/24, /64 with IPv6)."
    )
    login_network_rate_limit: RateLimit = Field("50/5 minutes", description="Wrong passwords from one network.")
    register_rate_limit: RateLimit = Field("20/hour", description="Attempts to register from one network.")
    refresh_rate_limit: RateLimit = Field("30/minute", description="Refreshes of one session.")
    forgot_rate_limit: RateLimit = Field("5/hour", description="Mails of one kind to one address.")
    general_rate_limit: RateLimit | None = Field(
        None, description="Requests of one user or network, counted by each worker for itself; default: no limit."
    )
    drain_seconds: float | None = Field(
        None, ge=0, le=600, description="Time to finish on open connections at stop; default: 5, in development 0."
    )
    grace_seconds: float = Field(20, gt=0, le=600, description="Time after the drain for requests in flight.")
    metrics_token: SecretStr | None = Field(
        None, min_length=16, description="Opens `/metrics` as a bearer token; without it, to loopback clients alone."
    )
    log_format: Literal["json", "pretty"] | None = Field(
        None, description="Shape of log lines; default: pretty in a terminal, JSON otherwise."
    )

    @field_validator("database_url", "database_listen_url")
    @classmethod
    def _database_url_is_understood(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None:
            parse_database_url(url.get_secret_value())
        return url

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        if wrong := list(self._misfits()):
            raise ValueError("\n".join(wrong))
        return self

    def _misfits(self) -> Iterator[str]:
        if "*" in self.cors_origins and self.cors_credentials:
            yield "CORS_ORIGINS=* together with CORS_CREDENTIALS would open every account to every site"
        if (self.admin_email is None) != (self.admin_password is None):
            yield "ADMIN_EMAIL and ADMIN_PASSWORD are set together or not at all"
        if (self.tls_certificate is None) != (self.tls_key is None):
            yield "TLS_CERTIFICATE and TLS_KEY are set together or not at all"
        if self.env == "production" and self.jwt_secret_key is None:
            yield "ENV=production needs JWT_SECRET_KEY: openssl rand -hex 32"
        if self.env == "production" and self.database_url is None:
            yield "ENV=production needs DATABASE_URL; the embedded PostgreSQL is for development"
        if self.database_listen_url and self.database_url is None:
            yield "DATABASE_LISTEN_URL needs DATABASE_URL, the same database for everything else"
        if self.mail_url and self.mail_from is None:
            yield "MAIL_URL needs MAIL_FROM, the sender's address"

    @property
    def database(self) -> DatabaseUrl | None:
        """The database named by DATABASE_URL, or None where the embedded server is to be used."""
        return parse_database_url(self.database_url.get_secret_value()) if self.database_url else None

    @property
    def direct_database(self) -> DatabaseUrl:
        """The database past a pooler, where a way past it is known, for what takes a connection for itself.

        Raises ConfigurationError.
        """
        listen_url = self.database_listen_url
        return parse_database_url(listen_url.get_secret_value()) if listen_url else self.named_database

    @property
    def session_database(self) -> DatabaseUrl:
        """The database where what a program sets stays its own: pg_dump would leave a search path behind on a pooler's
        connection, for the next who gets it. Raises ConfigurationError."""
        if not self.can_listen:
            raise ConfigurationError("DATABASE_LISTEN_URL: this needs the way past the pooler (POOLER=transaction)")
        return self.direct_database

    @property
    def can_listen(self) -> bool:
        """Whether notices of PostgreSQL arrive: a pooler passes none on."""
        return self.pooler == "none" or self.database_listen_url is not None

    @property
    def named_database(self) -> DatabaseUrl:
        """The database, for what cannot do without one. Raises ConfigurationError."""
        if self.database is None:
            raise ConfigurationError("DATABASE_URL: no database is named")
        return self.database

    def on(self, database_url: str) -> "Settings":
        """These settings, on another database."""
        return self.model_copy(update={"database_url": SecretStr(database_url)})

    def has_chosen(self, name: str) -> bool:
        """Whether the setting was given, and is not the default."""
        return name in self.model_fields_set

    @property
    def policies(self) -> Policies:
        """What is throttled, on all workers and nodes together."""
        return Policies(
            login=parse_policy("login", self.login_rate_limit),
            login_network=parse_policy("login-network", self.login_network_rate_limit),
            register=parse_policy("register", self.register_rate_limit),
            refresh=parse_policy("refresh", self.refresh_rate_limit),
            forgot=parse_policy("forgot", self.forgot_rate_limit),
            enabled=self.rate_limits_enabled,
        )

    @property
    def general_policy(self) -> Policy | None:
        """The limit on all requests of one caller."""
        wanted = self.general_rate_limit if self.rate_limits_enabled else None
        return parse_policy("general", wanted) if wanted else None

    @property
    def migrates_at_start(self) -> bool:
        return self.env != "production" if self.migrate_at_start is None else self.migrate_at_start

    @property
    def needs_preparing(self) -> bool:
        """Whether something is to be done to the database before it serves."""
        return self.migrates_at_start or self.admin_email is not None

    @property
    def drain_time(self) -> timedelta:
        default = 0 if self.env == "development" else 5
        return timedelta(seconds=default if self.drain_seconds is None else self.drain_seconds)

    @property
    def secret_keys(self) -> tuple[bytes, ...]:
        """The first key signs, all of them verify; in development one is made once and kept in DATA_DIR."""
        if self.jwt_secret_key:
            return tuple(part.encode() for part in parts(self.jwt_secret_key))
        try:
            return (kept_secret(self.data_dir / "jwt-secret-key").encode(),)
        except ValueError as error:
            raise ConfigurationError(f"DATA_DIR: {error}") from None

    @property
    def mail_server(self) -> MailServer | None:
        return parse_mail_url(self.mail_url.get_secret_value()) if self.mail_url else None

    @property
    def sender(self) -> Address | None:
        return parse_sender(self.mail_from) if self.mail_from else None

    @property
    def link_templates(self) -> dict[str, str]:
        """Where the links of mails lead, by what they are for."""
        ours = self.public_url or f"http://127.0.0.1:{self.port}"
        reset, verify = (f"{ours}/{page}#token={TOKEN}" for page in ("reset", "verify"))
        verify = self.verify_url or verify
        return {"reset": self.reset_url or reset, "verify": verify, "change_email": verify}

    @property
    def link_lifetimes(self) -> dict[str, timedelta]:
        """How long the links of mails can be used, by what they are for."""
        verify = timedelta(hours=self.verify_link_hours)
        return {"reset": timedelta(minutes=self.reset_link_minutes), "verify": verify, "change_email": verify}

    @property
    def private_keys(self) -> "tuple[SigningKey, ...]":
        """The first key signs access tokens, all of them verify; where there is none, the secret keys sign them."""
        return private_keys(self.jwt_private_key) if self.jwt_private_key else ()


def load_settings(**overrides: object) -> Settings:
    """The settings of the environment, with the overrides (named as the fields are) before them.

    Raises ConfigurationError with a line for each setting that is wrong.
    """
    try:
        return Settings(**overrides)  # type: ignore[arg-type]
    except (UnicodeDecodeError, OSError) as error:
        raise ConfigurationError(f".env: cannot be read as UTF-8 text ({error})") from None
    except ValidationError as error:
        raise ConfigurationError("\n".join(_sentence(problem) for problem in error.errors())) from None


def _sentence(problem: object) -> str:
    location, message = problem["loc"], problem["msg"]  # type: ignore[index]
    text = str(message).removeprefix("Value error, ")
    if problem["type"] == "extra_forbidden":  # type: ignore[index]
        text = "is no setting of Inkwell; see .env.example"
    return f"{str(location[0]).upper()}: {text}" if location else text

"""The composition root: every part is made here, once, and handed to those that need it."""

from datetime import UTC, datetime, timedelta

from quart import Quart

from domain.auth import SessionRules
from domain.users import Access
from inkwell.background import Background, Chore
from inkwell.bridge import InkwellQuart
from inkwell.draining import Draining
from inkwell.readiness import Readiness
from inkwell.settings import Settings
from repositories.database import Database, Limits
from routes import errors, headers
from routes.auth import auth
from routes.health import make_health
from routes.keys import keys
from routes.posts import posts
from routes.users import users
from service import Services
from service.account import AccountService
from service.auth import AuthService
from service.idempotency import Idempotency
from service.passwords import Passwords
from service.ports import Store
from service.posts import PostService
from service.sessions import SessionService
from service.tokens import AccessTokens, RefreshTokens
from service.users import UserService

PURGE_PAUSE_S = 600  # between looks for rows whose time is over: they are refused already, and only take up room


def create_app(settings: Settings, draining: Draining | None = None, database: Database | None = None) -> Quart:
    """The application, with its services on the database of the settings, or on the one that is given.

    Connects at the first request. Raises ConfigurationError where there is no database to connect to.
    """
    database = database or connect(settings)
    draining = Draining() if draining is None else draining
    passwords = make_passwords(settings)
    app = _bare_app(settings)
    services = app.extensions["inkwell"] = make_services(settings, database, passwords)
    app.extensions["draining"] = draining
    errors.register(app)
    headers.register(
        app, settings.cors_origins, credentials=settings.cors_credentials, hsts_seconds=settings.hsts_seconds
    )
    for blueprint in (make_health(Readiness(database, draining).check), auth, keys, users, posts):
        app.register_blueprint(blueprint)

    background = Background(chores(services))

    @app.before_serving
    async def start() -> None:
        background.start()

    @app.after_serving
    async def close() -> None:
        await background.stop()
        passwords.close()
        await database.close()

    return app


def connect(settings: Settings) -> Database:
    """The database of the settings; connects when it is first used. Raises ConfigurationError."""
    url = settings.named_database
    return Database.connect(url.sqlalchemy_url, url.connect_args, _limits(settings))


def make_passwords(settings: Settings) -> Passwords:
    """The hasher, with a thread of its own that `close` ends."""
    return Passwords(
        memory_kib=settings.hash_memory_kib, passes=settings.hash_passes, queue_length=settings.hash_queue_length
    )


def make_services(settings: Settings, store: Store, passwords: Passwords) -> Services:
    """The services over a store."""
    secrets = settings.secret_keys
    access_tokens = AccessTokens(
        secrets,
        private_keys=settings.private_keys,
        issuer=settings.jwt_issuer,
        audience=settings.jwt_audience,
        lifetime=timedelta(seconds=settings.access_token_seconds),
        now=_now,
    )
    rules = SessionRules(timedelta(days=settings.session_days), timedelta(days=settings.session_idle_days))
    access = Access(settings.registration == "open", settings.directory == "members")
    idempotency = Idempotency(store, secrets, now=_now)
    return Services(
        access_tokens=access_tokens,
        account=AccountService(store, passwords),
        auth=AuthService(store, passwords, access_tokens, RefreshTokens(secrets), rules=rules, now=_now),
        idempotency=idempotency,
        sessions=SessionService(store, rules=rules, now=_now),
        users=UserService(store, passwords, access, idempotency),
        posts=PostService(store, idempotency),
    )


def chores(services: Services) -> list[Chore]:
    """What is done beside the requests."""
    return [
        Chore("purge_sessions", services.sessions.purge, PURGE_PAUSE_S),
        Chore("purge_idempotency_keys", services.idempotency.purge, PURGE_PAUSE_S),
    ]


def _bare_app(settings: Settings) -> Quart:
    app = InkwellQuart("inkwell", static_folder=None, template_folder=None)
    app.url_map.merge_slashes = False  # it would redirect, to an address made of the client's own Host
    app.config.update(
        MAX_CONTENT_LENGTH=settings.body_limit_bytes,
        BODY_TIMEOUT=settings.body_timeout_seconds,
        PROPAGATE_EXCEPTIONS=False,
        PROVIDE_AUTOMATIC_OPTIONS=True,
        TRUSTED_PROXIES=settings.trusted_proxies,
    )
    return app


def _limits(settings: Settings) -> Limits:
    return Limits(
        pool_size=settings.database_pool_size,
        pool_overflow=settings.database_pool_overflow,
        pool_timeout_s=settings.database_pool_timeout_seconds,
        connect_timeout_s=settings.database_connect_timeout_seconds,
        command_timeout_s=settings.database_command_timeout_seconds,
        statement_timeout_s=settings.statement_timeout_seconds,
        lock_timeout_s=settings.lock_timeout_seconds,
        idle_in_transaction_s=settings.idle_in_transaction_seconds,
    )


def _now() -> datetime:
    return datetime.now(UTC)

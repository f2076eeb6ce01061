"""The composition root: every part is made here, once, and handed to those that need it."""

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial

from pydantic import SecretStr
from quart import Quart

from domain.auth import SessionRules
from domain.users import Access
from inkwell.background import Background, Chore
from inkwell.bridge import InkwellQuart
from inkwell.draining import Draining
from inkwell.gate import Gate
from inkwell.lean import LeanQuart
from inkwell.listener import Listener
from inkwell.mail import logged, make_mailer
from inkwell.memory import GIVE_BACK
from inkwell.metrics import Metrics
from inkwell.observation import Observation
from inkwell.readiness import Readiness
from inkwell.settings import Settings
from repositories.database import Database, Limits, Tell
from routes import errors, headers, limits
from routes.audit import audit
from routes.auth import auth
from routes.docs import docs
from routes.health import make_health
from routes.keys import keys
from routes.links import links, pages
from routes.metrics import make_metrics
from routes.posts import posts
from routes.refusals import Refusals
from routes.users import users
from service import Services
from service.account import AccountService
from service.audit import AuditService
from service.auth import AuthService
from service.common_passwords import read_lists
from service.idempotency import Idempotency
from service.links import LinkService
from service.mail import MailService
from service.passwords import Passwords
from service.ports import Store
from service.posts import PostService
from service.sessions import SessionService
from service.sign_ins import SignIns
from service.throttles import ThrottleService
from service.tokens import AccessTokens, LinkTokens, RefreshTokens
from service.users import UserService

MAIL = "send_mail"
SETTLED_S = 1  # after the start, for what is only wanted later
MAIL_PAUSE_S = 5  # between looks for mail that another process left; our own is sent as soon as it is committed
PURGE_PAUSE_S = 600  # between looks for rows whose time is over: they are refused already, and only take up room


def create_app(settings: Settings, draining: Draining | None = None, database: Database | None = None) -> Quart:
    """The application, with its services on the database of the settings, or on the one that is given.

    Connects at the first request. Raises ConfigurationError where there is no database to connect to.
    """
    sign_ins = SignIns()
    database = database or connect(settings, sign_ins.forget)
    listener = make_listener(settings, database, sign_ins)
    draining = Draining() if draining is None else draining
    passwords = make_passwords(settings)
    app = _bare_app(settings)
    services = app.extensions["inkwell"] = make_services(settings, database, passwords, sign_ins)
    app.extensions["draining"] = draining
    errors.register(app)
    headers.register(
        app, settings.cors_origins, credentials=settings.cors_credentials, hsts_seconds=settings.hsts_seconds
    )
    if settings.general_policy:
        limits.limit_callers(app, settings.general_policy)
    readiness, metrics = Readiness(database, draining), Metrics()
    observation = Observation(metrics, readiness, app.gate, database, passwords)
    observed = make_metrics(observation.page, metrics.count_request, _revealed(settings.metrics_token))
    for blueprint in (make_health(readiness.check), observed, audit, auth, docs, keys, links, pages, users, posts):
        app.register_blueprint(blueprint)
    app.extensions["metrics"] = metrics
    app.refusals = Refusals(app, metrics.count_request)

    background = Background([observation.chore, GIVE_BACK, *chores(services)], metrics.count_batch)
    database.mail_waits = partial(background.wake, MAIL)

    @app.before_serving
    async def start() -> None:
        metrics.sample()
        background.start()
        if settings.can_listen:
            listener.start()
        loop = asyncio.get_running_loop()
        loop.call_later(SETTLED_S, loop.run_in_executor, None, read_lists)

    @app.after_serving
    async def close() -> None:
        await background.stop()
        await listener.stop()
        passwords.close()
        await database.close()

    return app


def connect(settings: Settings, tell: Tell = lambda _: None) -> Database:
    """The database of the settings; connects when it is first used. Raises ConfigurationError.

    Tells the ids of users that were changed through it.
    """
    url = settings.named_database
    return Database.connect(url.sqlalchemy_url, url.connect_args, _limits(settings), tell)


def make_listener(settings: Settings, database: Database, sign_ins: SignIns) -> Listener:
    """Keeps the memory of sign-ins true, once it is started. Raises ConfigurationError."""
    return Listener(
        settings.direct_database, database, sign_ins, connect_timeout_s=settings.database_connect_timeout_seconds
    )


def make_passwords(settings: Settings) -> Passwords:
    """The hasher, with a thread of its own that `close` ends."""
    return Passwords(
        memory_kib=settings.hash_memory_kib, passes=settings.hash_passes, queue_length=settings.hash_queue_length
    )


def make_services(settings: Settings, store: Store, passwords: Passwords, sign_ins: SignIns | None = None) -> Services:
    """The services over a store; nobody vouches for a memory of sign-ins that is not given."""
    secrets = settings.secret_keys
    access_tokens = AccessTokens(
        secrets,
        private_keys=settings.private_keys,
        issuer=settings.jwt_issuer,
        audience=settings.jwt_audience,
        lifetime=timedelta(seconds=settings.access_token_seconds),
        now=_now,
    )
    throttles = ThrottleService(store, settings.policies, secrets[0], now=_now, tell=limits.note)
    rules = SessionRules(timedelta(days=settings.session_days), timedelta(days=settings.session_idle_days))
    access = Access(settings.registration == "open", settings.directory == "members")
    account, link_tokens = AccountService(store, passwords, throttles), LinkTokens(secrets)
    idempotency = Idempotency(store, secrets, now=_now)
    return Services(
        access_tokens=access_tokens,
        account=account,
        audit=AuditService(store, keep=timedelta(days=settings.audit_days), now=_now),
        auth=AuthService(
            store,
            passwords,
            access_tokens,
            RefreshTokens(secrets),
            sign_ins or SignIns(),
            throttles,
            rules=rules,
            now=_now,
        ),
        idempotency=idempotency,
        links=LinkService(store, passwords, account, link_tokens, throttles, now=_now),
        mail=MailService(store, make_mailer(settings), link_tokens, lifetimes=settings.link_lifetimes, now=_now),
        sessions=SessionService(store, rules=rules, now=_now),
        users=UserService(store, passwords, access, throttles, idempotency),
        posts=PostService(store, idempotency),
        throttles=throttles,
    )


def chores(services: Services) -> list[Chore]:
    """What is done beside the requests."""
    return [
        Chore(MAIL, logged(services.mail.send_due), MAIL_PAUSE_S),
        Chore("purge_sessions", services.sessions.purge, PURGE_PAUSE_S),
        Chore("purge_links", services.links.purge, PURGE_PAUSE_S),
        Chore("purge_throttles", services.throttles.purge, PURGE_PAUSE_S),
        Chore("purge_audit", services.audit.purge, PURGE_PAUSE_S),
        Chore("purge_idempotency_keys", services.idempotency.purge, PURGE_PAUSE_S),
    ]


def _bare_app(settings: Settings) -> InkwellQuart:
    kind = LeanQuart if settings.lean_bridge else InkwellQuart
    app = kind("inkwell", static_folder=None, template_folder=None)
    app.gate = Gate(settings.requests_at_once, settings.requests_waiting, settings.request_wait_seconds)
    app.url_map.merge_slashes = False  # it would redirect, to an address made of the client's own Host
    app.config.update(
        MAX_CONTENT_LENGTH=settings.body_limit_bytes,
        BODY_TIMEOUT=settings.body_timeout_seconds,
        REQUEST_TIMEOUT=settings.request_timeout_seconds,
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
        work_timeout_s=settings.database_work_timeout_seconds,
        statement_timeout_s=settings.statement_timeout_seconds,
        lock_timeout_s=settings.lock_timeout_seconds,
        idle_in_transaction_s=settings.idle_in_transaction_seconds,
        behind_pooler=settings.pooler == "transaction",
    )


def _revealed(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret else None


def _now() -> datetime:
    return datetime.now(UTC)

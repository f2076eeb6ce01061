"""The tables, as the migrations make them. Predictable names: constraints are recognised by them when they refuse."""

import datetime
import uuid
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ColumnElement,
    Computed,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    literal_column,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TSVECTOR

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)


def _id() -> Column[uuid.UUID]:
    return Column("id", Uuid, primary_key=True)


def _time(name: str) -> Column[datetime.datetime]:
    return Column(name, DateTime(timezone=True), nullable=False, server_default=func.now())


def _flag(name: str, default: bool) -> Column[bool]:
    return Column(name, Boolean, nullable=False, server_default=text(str(default).lower()))


def _version() -> Column[int]:
    """Goes up with every UPDATE that does not say otherwise, so that no statement can forget it."""
    return Column("version", BigInteger, nullable=False, server_default=text("1"), onupdate=text("version + 1"))


def _owner(name: str) -> Column[uuid.UUID]:
    return Column(name, Uuid, ForeignKey("users.id", ondelete="CASCADE"), nullable=False)


users = Table(
    "users",
    metadata,
    _id(),
    Column("email", Text, nullable=False),
    Column("first_name", Text),
    Column("last_name", Text),
    Column("role", Text, nullable=False),
    _time("created_at"),
    _flag("is_active", True),
    _flag("email_verified", False),
    _time("updated_at"),
    Column("password_hash", Text, nullable=False),
    _version(),
    # What `q` looks into, folded as `q` is: one column, so that one trigram index serves a part of any of the three.
    Column(
        "search",
        Text,
        Computed(
            "inkwell_fold(email || chr(31) || coalesce(first_name, '') || chr(31) || coalesce(last_name, ''))",
            persisted=True,
        ),
        nullable=False,
    ),
    UniqueConstraint("email", postgresql_include=["id", "created_at", "is_active"]),
    CheckConstraint('email = lower(email COLLATE "C")', name="email_lower"),
    CheckConstraint("role IN ('user', 'admin')", name="role"),
)
# People are sorted by what they are called, not by how it is written; whoever has no last name comes first.
users_by_last_name = literal_column("coalesce(inkwell_fold(last_name COLLATE \"C\"), '')", Text)
Index("ix_users_created_at_id", users.c.created_at, users.c.id, postgresql_include=["is_active"])
Index("ix_users_created_at_id_admin", users.c.created_at, users.c.id, postgresql_where=text("role = 'admin'"))
Index("ix_users_created_at_id_inactive", users.c.created_at, users.c.id, postgresql_where=text("NOT is_active"))
# What a range asks of a row stands in the index of another order, so that passing over a row does not read it; so do
# the columns of an expression, without which PostgreSQL does not take the expression from there.
Index(
    "ix_users_last_name_id",
    users_by_last_name,
    users.c.id,
    postgresql_include=["created_at", "is_active", "last_name"],
)
Index("ix_users_search", users.c.search, postgresql_using="gin", postgresql_ops={"search": "gin_trgm_ops"})
users_pairs: ColumnElement[Any] = func.inkwell_pairs(users.c.search, type_=ARRAY(Text))
Index("ix_users_pairs", users_pairs, postgresql_using="gin")  # for one or two letters, which make no trigram
Index("ix_users_active_admins", users.c.id, postgresql_where=text("role = 'admin' AND is_active"))

posts = Table(
    "posts",
    metadata,
    _id(),
    Column("title", Text, nullable=False),
    Column("content", Text, nullable=False),
    _flag("published", False),
    _owner("author_id"),
    _time("created_at"),
    _time("updated_at"),
    Column(
        "published_at",
        DateTime(timezone=True),
        CheckConstraint("published_at IS NOT NULL OR NOT published", name="published_at"),
    ),
    _version(),
    Column("search", TSVECTOR, Computed("inkwell_document(title, content)", persisted=True), nullable=False),
)
posts_by_title = literal_column('inkwell_fold(title COLLATE "C")', Text)
# What was never published was so before everything that was.
posts_by_published_at = literal_column(
    "coalesce(published_at, '1970-01-01 00:00:00+00'::timestamptz)", DateTime(timezone=True)
)
_public = text("published")
Index("ix_posts_published_at_id", posts.c.published_at, posts.c.id, postgresql_where=_public)
_told = ["published_at"]
Index("ix_posts_created_at_id", posts.c.created_at, posts.c.id, postgresql_include=_told, postgresql_where=_public)
Index("ix_posts_updated_at_id", posts.c.updated_at, posts.c.id, postgresql_include=_told, postgresql_where=_public)
Index("ix_posts_title_id", posts_by_title, posts.c.id, postgresql_include=[*_told, "title"], postgresql_where=_public)
Index(
    "ix_posts_author_id_published_at_id",
    posts.c.author_id,
    posts_by_published_at,
    posts.c.id,
    postgresql_include=["published", "published_at"],
)
Index("ix_posts_author_id_created_at_id", posts.c.author_id, posts.c.created_at, posts.c.id)
Index("ix_posts_author_id_updated_at_id", posts.c.author_id, posts.c.updated_at, posts.c.id)
Index("ix_posts_author_id_title_id", posts.c.author_id, posts_by_title, posts.c.id)
Index("ix_posts_search", posts.c.search, postgresql_using="gin")

# How many rows there are, kept by triggers. A name has several rows, and the total is their sum: a writer takes one
# that nobody else is writing to, so that none waits for another.
totals = Table(
    "totals",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("name", Text, nullable=False),
    Column("rows", BigInteger, nullable=False),
)
Index("ix_totals_name", totals.c.name)

sessions = Table(
    "sessions",
    metadata,
    _id(),
    _owner("user_id"),
    _time("created_at"),
    _time("last_used_at"),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("refresh_count", Integer, nullable=False, server_default=text("0")),
    Column("ip", Text),
    Column("user_agent", Text),
)
Index("ix_sessions_user_id", sessions.c.user_id)
Index("ix_sessions_last_used_at", sessions.c.last_used_at)

links = Table(
    "links",
    metadata,
    _id(),
    _owner("user_id"),
    Column("purpose", Text, nullable=False),
    Column("email", Text, nullable=False),
    _time("created_at"),
    Column("expires_at", DateTime(timezone=True)),  # from the moment on when the link is mailed
    UniqueConstraint("user_id", "purpose"),  # a newer link takes the place of the older one
    CheckConstraint("purpose IN ('reset', 'verify', 'change_email')", name="purpose"),
)
Index("ix_links_created_at", links.c.created_at)

# A mail with a link has the link's id. Nothing here depends on whether the address has an account.
outbox = Table(
    "outbox",
    metadata,
    _id(),
    Column("kind", Text, nullable=False),
    Column("recipient", Text, nullable=False),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    # A new mail is due at once, whatever the clocks of the nodes and the database say.
    Column("due_at", DateTime(timezone=True), nullable=False, server_default=text("'epoch'")),
)
Index("ix_outbox_due_at_id", outbox.c.due_at, outbox.c.id)
# A trigger refuses to change or remove rows, except for purges. No foreign keys: rows outlive whom they tell of.
audit = Table(
    "audit",
    metadata,
    _id(),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("actor_id", Uuid),
    Column("action", Text, nullable=False),
    Column("target_id", Uuid),
    Column("ip", Text),
    Column("request_id", Text),
    Column("data", JSONB, nullable=False),
)
Index("ix_audit_actor_id_id", audit.c.actor_id, audit.c.id)
Index("ix_audit_target_id_id", audit.c.target_id, audit.c.id)
Index("ix_audit_action_id", audit.c.action, audit.c.id)
Index("ix_audit_at", audit.c.at)

throttles = Table(
    "throttles",
    metadata,
    _id(),
    Column("remaining", Integer, nullable=False),
    Column("ends_at", DateTime(timezone=True), nullable=False),
    # Counting is not written ahead, so no login waits for a disk; after a crash everybody's quota is whole.
    prefixes=["UNLOGGED"],
    postgresql_with={"fillfactor": 50},  # room for the next version of a row, beside it and without the index
)
Index("ix_throttles_ends_at", throttles.c.ends_at)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    _id(),  # made of the user's id and the key
    _owner("user_id"),
    _time("created_at"),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("answer", LargeBinary, nullable=False),
)
Index("ix_idempotency_keys_user_id", idempotency_keys.c.user_id)
Index("ix_idempotency_keys_created_at", idempotency_keys.c.created_at)

REVISION = "0014"  # the newest migration; this code works with it and, until a breaking one, with those that follow

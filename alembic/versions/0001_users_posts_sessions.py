"""Users, posts and sessions.

Revises: nothing
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SEARCH = "inkwell_fold(email || chr(31) || coalesce(first_name, '') || chr(31) || coalesce(last_name, ''))"
NOW = sa.text("now()")
PUBLISHED = sa.text("published")

# Where the server's collation folds ASCII alone (C), another one that knows every script is taken, whichever it has.
FOLDING_COLLATION = """
    SELECT quote_ident(nspname) || '.' || quote_ident(collname)
    FROM pg_collation JOIN pg_namespace ON pg_namespace.oid = collnamespace
    WHERE collname IN ('und-x-icu', 'pg_c_utf8', 'C.utf8') AND collencoding IN (-1, 6)
    ORDER BY array_position(ARRAY['und-x-icu', 'pg_c_utf8', 'C.utf8'], collname::text)
    LIMIT 1
"""
UNACCENT_SCHEMA = """
    SELECT quote_ident(nspname) FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace
    WHERE extname = 'unaccent'
"""

# Declared immutable so that a column can be made of it: true as long as unaccent's rules file stays as it is.
# ICU lowers a sigma at a word's end to a letter of its own, which a part of the word would not match.
FOLD = """
    CREATE FUNCTION inkwell_fold(value text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS
    $$ SELECT translate(
        lower({schema}.unaccent('{schema}.unaccent'::regdictionary, normalize(value)) COLLATE {collation}),
        E'\\u03C2',
        E'\\u03C3'
    ) $$
"""
# A separator of the search column stands for itself nowhere: what has one in it finds nothing.
PATTERN = r"""
    CREATE FUNCTION inkwell_pattern(part text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS
    $$ SELECT '%' || regexp_replace(translate(inkwell_fold(part), chr(31), chr(26)), '([\\%_])', '\\\1', 'g') || '%' $$
"""


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    op.execute("CREATE EXTENSION IF NOT EXISTS unaccent")
    make_functions()
    make_users()
    make_posts()
    make_sessions()


def downgrade() -> None:
    """The extensions stay: others may use them."""
    for table in ("sessions", "posts", "users"):
        op.drop_table(table)
    op.execute("DROP FUNCTION inkwell_pattern(text)")
    op.execute("DROP FUNCTION inkwell_fold(text)")


def make_functions() -> None:
    connection = op.get_bind()
    collation = connection.scalar(sa.text(FOLDING_COLLATION)) or '"default"'
    op.execute(FOLD.format(schema=connection.scalar(sa.text(UNACCENT_SCHEMA)), collation=collation))
    op.execute(sa.text(PATTERN))


def make_users() -> None:
    op.create_table(
        "users",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("first_name", sa.Text),
        sa.Column("last_name", sa.Text),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=NOW),
        sa.Column("is_active", sa.Boolean, nullable=False, server_default=sa.true()),
        sa.Column("email_verified", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, server_default=NOW),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.Column(
            "search",
            sa.Text,
            sa.Computed(SEARCH, persisted=True),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        sa.UniqueConstraint("email", name="uq_users_email"),
        sa.CheckConstraint('email = lower(email COLLATE "C")', name="email_lower"),
        sa.CheckConstraint("role IN ('user', 'admin')", name="role"),
    )
    op.create_index("ix_users_created_at_id", "users", ["created_at", "id"])
    op.create_index(
        "ix_users_search", "users", ["search"], postgresql_using="gin", postgresql_ops={"search": "gin_trgm_ops"}
    )
    op.create_index("ix_users_active_admins", "users", ["id"], postgresql_where=sa.text("role = 'admin' AND is_active"))


def make_posts() -> None:
    op.create_table(
        "posts",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("published", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("author_id", sa.Uuid, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=NOW),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, server_default=NOW),
        sa.Column("published_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name="pk_posts"),
        sa.ForeignKeyConstraint(["author_id"], ["users.id"], name="fk_posts_author_id_users", ondelete="CASCADE"),
        sa.CheckConstraint("published_at IS NOT NULL OR NOT published", name="published_at"),
    )
    op.create_index("ix_posts_published_at_id", "posts", ["published_at", "id"], postgresql_where=PUBLISHED)
    op.create_index(
        "ix_posts_author_id_published_at_id", "posts", ["author_id", "published_at", "id"], postgresql_where=PUBLISHED
    )
    op.create_index("ix_posts_author_id_created_at_id", "posts", ["author_id", "created_at", "id"])


def make_sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("user_id", sa.Uuid, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=NOW),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=False, server_default=NOW),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("refresh_count", sa.Integer, nullable=False, server_default="0"),
        sa.Column("ip", sa.Text),
        sa.Column("user_agent", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_sessions"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_sessions_user_id_users", ondelete="CASCADE"),
    )
    op.create_index("ix_sessions_user_id", "sessions", ["user_id"])

"""Indexes of an order tell what a range of dates asks of their rows; what a search excludes is counted by its own.

Revises: 0012
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

PUBLIC = sa.text("published")
LAST_NAME = sa.text("coalesce(inkwell_fold(last_name COLLATE \"C\"), '')")
TITLE = sa.text('inkwell_fold(title COLLATE "C")')
PUBLISHED_AT = sa.text("coalesce(published_at, '1970-01-01 00:00:00+00'::timestamptz)")
OF_AUTHOR = "ix_posts_author_id_published_at_id"
# An expression is read from an index only where its columns are in it, too.
TOLD = {
    "ix_posts_created_at_id": ("posts", ["created_at", "id"], ["published_at"], PUBLIC),
    "ix_posts_updated_at_id": ("posts", ["updated_at", "id"], ["published_at"], PUBLIC),
    "ix_posts_title_id": ("posts", [TITLE, "id"], ["published_at", "title"], PUBLIC),
    OF_AUTHOR: ("posts", ["author_id", PUBLISHED_AT, "id"], ["published", "published_at"], None),
    "ix_users_last_name_id": ("users", [LAST_NAME, "id"], ["created_at", "is_active", "last_name"], None),
}
TOLD_OF_EMAIL = ["id", "created_at", "is_active"]
# What has one of the words or phrases, for a search that excludes them and asks for nothing: NULL for any other search.
# The cost is as that of inkwell_query, and for its reason.
EXCLUDED = r"""
    CREATE FUNCTION inkwell_excluded(words text) RETURNS tsquery LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    COST 10000000 AS $$
    DECLARE
        query text := websearch_to_tsquery(inkwell_language(), words);
    BEGIN
        IF query ~ '^(!(''[^''\\!&|()]+''|[(] [^\\!&|()]+ [)])( & |$))+$' THEN
            RETURN replace(replace(query, '!', ''), ' & ', ' | ');
        END IF;
        RETURN NULL;
    END $$
"""


def upgrade() -> None:
    """Makes the new indexes beside the old ones, which serve readers until the end."""
    op.execute(EXCLUDED)
    for name, (table, keys, told, condition) in TOLD.items():
        op.create_index(f"{name}_new", table, keys, postgresql_include=told, postgresql_where=condition)
    replace_unique_email(include=TOLD_OF_EMAIL)
    take_the_place()


def downgrade() -> None:
    op.execute("DROP FUNCTION inkwell_excluded(text)")
    for name, (table, keys, _, condition) in TOLD.items():
        told = ["published"] if name == OF_AUTHOR else None
        op.create_index(f"{name}_new", table, keys, postgresql_include=told, postgresql_where=condition)
    replace_unique_email(include=None)
    take_the_place()


def replace_unique_email(include: list[str] | None) -> None:
    op.create_index("uq_users_email_new", "users", ["email"], unique=True, postgresql_include=include)
    op.drop_constraint("uq_users_email", "users")
    op.execute("ALTER TABLE users ADD CONSTRAINT uq_users_email UNIQUE USING INDEX uq_users_email_new")


def take_the_place() -> None:
    for name in TOLD:
        op.drop_index(name)
        op.execute(f"ALTER INDEX {name}_new RENAME TO {name}")

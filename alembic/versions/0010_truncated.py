"""Whoever empties users or sessions at once tells that everybody may have changed.

Revises: 0009
"""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

TABLES = ("users", "sessions")


def upgrade() -> None:
    op.execute(
        "CREATE FUNCTION inkwell_tell_truncated() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN PERFORM pg_notify('inkwell_sign_ins', 'everybody'); RETURN NULL; END $$"
    )
    for table in TABLES:
        op.execute(
            f"CREATE TRIGGER tell_truncated AFTER TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION inkwell_tell_truncated()"
        )


def downgrade() -> None:
    for table in TABLES:
        op.execute(f"DROP TRIGGER tell_truncated ON {table}")
    op.execute("DROP FUNCTION inkwell_tell_truncated()")

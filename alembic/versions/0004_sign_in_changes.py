"""Whoever remembers who is signed in is told of changes: the ids of changed users go out on a channel at commit.

Revises: 0003
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(_function("inkwell_tell_user_changed", "OLD.id"))
    op.execute(_function("inkwell_tell_session_ended", "OLD.user_id"))
    op.execute(
        "CREATE TRIGGER tell_user_changed AFTER UPDATE OR DELETE ON users"
        " FOR EACH ROW EXECUTE FUNCTION inkwell_tell_user_changed()"
    )
    # A refresh changes neither whose a session is nor when it ends.
    op.execute(
        "CREATE TRIGGER tell_session_ended AFTER DELETE OR UPDATE OF user_id, expires_at ON sessions"
        " FOR EACH ROW EXECUTE FUNCTION inkwell_tell_session_ended()"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER tell_session_ended ON sessions")
    op.execute("DROP TRIGGER tell_user_changed ON users")
    op.execute("DROP FUNCTION inkwell_tell_session_ended()")
    op.execute("DROP FUNCTION inkwell_tell_user_changed()")


def _function(name: str, user_id: str) -> str:
    return (
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN PERFORM pg_notify('inkwell_sign_ins', {user_id}::text); RETURN NULL; END $$"
    )

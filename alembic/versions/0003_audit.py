"""The audit trail, which takes rows and gives up only those that a purge names as old enough.

Revises: 0002
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# A purge says in its own transaction, with SET LOCAL, before when rows may go; it is empty or not there otherwise.
REFUSE = """
    CREATE FUNCTION inkwell_audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'DELETE' THEN
            IF OLD.at < nullif(current_setting('inkwell.audit_purge_before', true), '')::timestamptz THEN
                RETURN OLD;
            END IF;
        END IF;
        RAISE EXCEPTION 'audit is append-only: % is refused', TG_OP USING ERRCODE = 'insufficient_privilege';
    END $$
"""
KEEP_ROWS = "CREATE TRIGGER keep_rows BEFORE DELETE ON audit FOR EACH ROW EXECUTE FUNCTION inkwell_audit_refuse()"
KEEP_VALUES = """
    CREATE TRIGGER keep_values BEFORE UPDATE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION inkwell_audit_refuse()
"""


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_id", sa.Uuid),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("target_id", sa.Uuid),
        sa.Column("ip", sa.Text),
        sa.Column("request_id", sa.Text),
        sa.Column("data", postgresql.JSONB, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
    )
    for name in ("actor_id", "target_id", "action"):
        op.create_index(f"ix_audit_{name}_id", "audit", [name, "id"])
    op.create_index("ix_audit_at", "audit", ["at"])
    for statement in (REFUSE, KEEP_ROWS, KEEP_VALUES):
        op.execute(statement)


def downgrade() -> None:
    op.drop_table("audit")
    op.execute("DROP FUNCTION inkwell_audit_refuse()")

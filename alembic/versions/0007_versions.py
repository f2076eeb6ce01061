"""A number for each version of a user and of a post, by which a client says which one it knows.

Revises: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TABLES = ("users", "posts")


def upgrade() -> None:
    for table in TABLES:  # a constant default: no row is rewritten
        op.add_column(table, sa.Column("version", sa.BigInteger, nullable=False, server_default="1"))


def downgrade() -> None:
    for table in TABLES:
        op.drop_column(table, "version")

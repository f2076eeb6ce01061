"""Searches are planned for what is searched for, each time.

Revises: 0010
"""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Folding is done once where the plan is made for one search, and for every row where it is made for any of them.
    # PostgreSQL takes the second kind for cheap and changes over to it after five searches, unless it is told.
    op.execute("ALTER FUNCTION inkwell_fold(text) COST 10000")


def downgrade() -> None:
    op.execute("ALTER FUNCTION inkwell_fold(text) COST 100")

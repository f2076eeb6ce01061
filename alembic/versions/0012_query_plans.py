"""Searches of posts are planned for their words each time.

Revises: 0011
"""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Whether a search is best served by its index depends on its words. The cost is what keeps PostgreSQL from planning
    # for any words: then the function would be called for every row, and in a plan for one search it is called once.
    # Not in SQL, which would be put into the statement, without its cost.
    op.execute("""
        CREATE FUNCTION inkwell_query(words text) RETURNS tsquery LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
        COST 10000000 AS $$
        BEGIN
            RETURN websearch_to_tsquery(inkwell_language(), words);
        END $$
    """)


def downgrade() -> None:
    op.execute("DROP FUNCTION inkwell_query(text)")

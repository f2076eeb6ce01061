"""Searches of posts are planned for their words each time; searches of users for one or two letters have an index.

Revises: 0011
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

# Whether a search is best served by its index depends on its words. The cost is what keeps PostgreSQL from planning
# for any words: then the function would be called for every row, and in a plan for one search it is called once.
# Not in SQL, which would be put into the statement, without its cost.
QUERY = """
    CREATE FUNCTION inkwell_query(words text) RETURNS tsquery LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    COST 10000000 AS $$
    BEGIN
        RETURN websearch_to_tsquery(inkwell_language(), words);
    END $$
"""
# The letters of a text, and each with its next one. As dear as they are said to be, they are read from the index alone.
PAIRS = """
    CREATE FUNCTION inkwell_pairs(value text) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    COST 10000 AS $$
        SELECT coalesce(array_agg(DISTINCT substr(value COLLATE "C", place, size)), '{}')
        FROM generate_series(1, length(value)) AS place, generate_series(1, 2) AS size
    $$
"""


def upgrade() -> None:
    op.execute(QUERY)
    op.execute(PAIRS)
    pairs = sa.text("inkwell_pairs(search)")
    op.create_index("ix_users_pairs", "users", [pairs], postgresql_using="gin")


def downgrade() -> None:
    op.drop_index("ix_users_pairs")
    op.execute("DROP FUNCTION inkwell_pairs(text)")
    op.execute("DROP FUNCTION inkwell_query(text)")

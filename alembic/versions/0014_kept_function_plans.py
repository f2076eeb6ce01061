"""Functions that every write and search calls keep their plan for as long as a connection lives.

Revises: 0013
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

# Up to PostgreSQL 17 a function in SQL is read and planned in each statement that calls it, or is put into; one in
# PL/pgSQL, once for a connection. What they give stays the same, so that nothing which is made of it is made anew: the
# text is taken over as it stands, with the collation that was chosen when they were made.
FOLDING = ("inkwell_fold(value text)", "inkwell_pattern(part text)")
# Both as dear as folding is said to be since migration 0011: neither is seen through any more.
MAKE_FOLDING = """
    CREATE OR REPLACE FUNCTION {home}.{signature} RETURNS text LANGUAGE {language} IMMUTABLE STRICT PARALLEL SAFE
    COST {cost} AS $body${body}$body$
"""
# Of a function in the standard's form PostgreSQL keeps no text. Whoever restores a dump has no search path.
DOCUMENT = """
    CREATE OR REPLACE FUNCTION {home}.inkwell_document(title text, content text) RETURNS tsvector
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
    BEGIN
        RETURN setweight(to_tsvector({home}.inkwell_language(), title), 'A')
            || setweight(to_tsvector({home}.inkwell_language(), left(content, {home}.inkwell_searched())), 'B');
    END $$
"""
DOCUMENT_BEFORE = """
    CREATE OR REPLACE FUNCTION {home}.inkwell_document(title text, content text) RETURNS tsvector
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN setweight(to_tsvector(inkwell_language(), title), 'A')
        || setweight(to_tsvector(inkwell_language(), left(content, inkwell_searched())), 'B')
"""
HOME = """
    SELECT quote_ident(nspname) FROM pg_proc JOIN pg_namespace ON pg_namespace.oid = pronamespace
    WHERE pg_proc.oid = 'inkwell_language()'::regprocedure
"""
BEGIN, END = "BEGIN RETURN (", "); END"


def upgrade() -> None:
    for signature in FOLDING:
        make(signature, "plpgsql", 10_000, BEGIN + text_of(signature).strip().removeprefix("SELECT") + END)
    op.execute(DOCUMENT.format(home=home()))


def downgrade() -> None:
    op.execute(DOCUMENT_BEFORE.format(home=home()))
    for signature, cost in zip(FOLDING, (10_000, 100), strict=True):
        make(signature, "sql", cost, "SELECT" + text_of(signature).removeprefix(BEGIN).removesuffix(END))


def home() -> str:
    """The schema that has the functions: another may have come before it in the search path since."""
    return op.get_bind().scalar(sa.text(HOME))


def text_of(signature: str) -> str:
    name = signature.partition("(")[0]
    return op.get_bind().scalar(sa.text(f"SELECT prosrc FROM pg_proc WHERE oid = '{name}(text)'::regprocedure"))


def make(signature: str, language: str, cost: int, body: str) -> None:
    op.execute(MAKE_FOLDING.format(home=home(), signature=signature, language=language, cost=cost, body=body))

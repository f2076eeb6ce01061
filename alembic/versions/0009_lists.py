"""Lists: full-text search, an index for each way to sort, and totals that are kept.

Revises: 0008
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TSVECTOR

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

PUBLIC = sa.text("published")
LAST_NAME = sa.text("coalesce(inkwell_fold(last_name COLLATE \"C\"), '')")
TITLE = sa.text('inkwell_fold(title COLLATE "C")')
PUBLISHED_AT = sa.text("coalesce(published_at, '1970-01-01 00:00:00+00'::timestamptz)")

# Bodies in the standard's form, which PostgreSQL understands when it reads them: a dump is restored without a search
# path, and the column must be computed all the same.
SEARCH = """
    CREATE FUNCTION inkwell_language() RETURNS regconfig LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN 'pg_catalog.english'::regconfig;

    CREATE FUNCTION inkwell_searched() RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN 100000;

    CREATE FUNCTION inkwell_document(title text, content text) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN setweight(to_tsvector(inkwell_language(), title), 'A')
        || setweight(to_tsvector(inkwell_language(), left(content, inkwell_searched())), 'B');
"""
# A slot that another transaction holds is passed over; where all are held, there is one more from now on.
ADD_TO_TOTAL = """
    CREATE FUNCTION inkwell_add_to_total(changed text, difference bigint) RETURNS void LANGUAGE plpgsql AS $$
    BEGIN
        UPDATE totals SET rows = rows + difference
        WHERE id = (SELECT id FROM totals WHERE name = changed LIMIT 1 FOR UPDATE SKIP LOCKED);
        IF NOT FOUND THEN
            INSERT INTO totals (name, rows) VALUES (changed, difference);
        END IF;
    END $$
"""
COUNTED = {
    "users": ("'users ' || role || ' ' || is_active::text", "true"),
    "posts": ("'posts'", "published"),
}
ROWS = {
    "insert": ("NEW TABLE AS new_rows", {"new_rows": 1}),
    "delete": ("OLD TABLE AS old_rows", {"old_rows": -1}),
    "update": ("OLD TABLE AS old_rows NEW TABLE AS new_rows", {"new_rows": 1, "old_rows": -1}),
}
COUNT = """
    CREATE FUNCTION inkwell_count_{table}_{event}() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM inkwell_add_to_total(changed, difference)
        FROM (SELECT changed, sum(difference) AS difference FROM ({changes}) AS changes GROUP BY changed) AS summed
        WHERE difference <> 0;
        RETURN NULL;
    END $$;

    CREATE TRIGGER count_{event} AFTER {event} ON {table} REFERENCING {rows}
    FOR EACH STATEMENT EXECUTE FUNCTION inkwell_count_{table}_{event}()
"""
FORGET = """
    CREATE FUNCTION inkwell_count_{table}_truncate() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        DELETE FROM totals WHERE name = '{table}' OR name LIKE '{table} %';
        RETURN NULL;
    END $$;

    CREATE TRIGGER count_truncate AFTER TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION inkwell_count_{table}_truncate()
"""


def upgrade() -> None:
    make_search()
    make_indexes()
    make_totals()


def downgrade() -> None:
    for table in COUNTED:
        for event in (*ROWS, "truncate"):
            op.execute(f"DROP TRIGGER count_{event} ON {table}")
            op.execute(f"DROP FUNCTION inkwell_count_{table}_{event}()")
    op.execute("DROP FUNCTION inkwell_add_to_total(text, bigint)")
    op.drop_table("totals")
    drop_indexes()
    op.drop_column("posts", "search")
    for function in ("document(text, text)", "searched()", "language()"):
        op.execute(f"DROP FUNCTION inkwell_{function}")


def make_search() -> None:
    for statement in SEARCH.split(";")[:-1]:
        op.execute(statement)
    document = sa.Computed("inkwell_document(title, content)", persisted=True)
    op.add_column("posts", sa.Column("search", TSVECTOR, document, nullable=False))
    op.create_index("ix_posts_search", "posts", ["search"], postgresql_using="gin")


def make_indexes() -> None:
    op.drop_index("ix_users_created_at_id")
    op.create_index("ix_users_created_at_id", "users", ["created_at", "id"], postgresql_include=["is_active"])
    for name, condition in (("admin", "role = 'admin'"), ("inactive", "NOT is_active")):
        where = sa.text(condition)
        op.create_index(f"ix_users_created_at_id_{name}", "users", ["created_at", "id"], postgresql_where=where)
    op.create_index("ix_users_last_name_id", "users", [LAST_NAME, "id"])
    for name, key in (("created_at", "created_at"), ("updated_at", "updated_at"), ("title", TITLE)):
        op.create_index(f"ix_posts_{name}_id", "posts", [key, "id"], postgresql_where=PUBLIC)
    op.drop_index("ix_posts_author_id_published_at_id")
    of_author = ["author_id", PUBLISHED_AT, "id"]
    op.create_index("ix_posts_author_id_published_at_id", "posts", of_author, postgresql_include=["published"])
    op.create_index("ix_posts_author_id_updated_at_id", "posts", ["author_id", "updated_at", "id"])
    op.create_index("ix_posts_author_id_title_id", "posts", ["author_id", TITLE, "id"])


def drop_indexes() -> None:
    for name in (
        "author_id_title",
        "author_id_updated_at",
        "author_id_published_at",
        "title",
        "updated_at",
        "created_at",
    ):
        op.drop_index(f"ix_posts_{name}_id")
    for name in ("last_name_id", "created_at_id_inactive", "created_at_id_admin", "created_at_id"):
        op.drop_index(f"ix_users_{name}")
    op.create_index("ix_users_created_at_id", "users", ["created_at", "id"])
    of_author = ["author_id", "published_at", "id"]
    op.create_index("ix_posts_author_id_published_at_id", "posts", of_author, postgresql_where=PUBLIC)


def make_totals() -> None:
    op.create_table(
        "totals",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("rows", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_totals"),
    )
    op.create_index("ix_totals_name", "totals", ["name"])
    op.execute(ADD_TO_TOTAL)
    for table, (name, condition) in COUNTED.items():
        for event, (rows, signs) in ROWS.items():
            changes = " UNION ALL ".join(changes_in(rows_of, sign, name, condition) for rows_of, sign in signs.items())
            run(COUNT.format(table=table, event=event, rows=rows, changes=changes))
        run(FORGET.format(table=table))
        # The triggers keep every writer out until the end of this migration, so nothing slips between.
        op.execute(f"INSERT INTO totals (name, rows) SELECT {name}, count(*) FROM {table} WHERE {condition} GROUP BY 1")


def changes_in(rows: str, sign: int, name: str, condition: str) -> str:
    return f"SELECT {name} AS changed, {sign} AS difference FROM {rows} WHERE {condition}"


def run(function_and_trigger: str) -> None:
    """One statement at a time, as the driver takes them."""
    function, trigger = function_and_trigger.split("$$;")
    op.execute(function + "$$")
    op.execute(trigger)

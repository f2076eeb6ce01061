"""DATABASE_URL in every shape that people bring along."""

import ssl
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import create_async_engine

from inkwell.database_url import DatabaseUrl, parse_database_url

ROOT = __file__  # any readable file: its content only matters once a connection is made


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+asyncpg"])
def test_every_usual_scheme_becomes_the_asyncpg_dialect(scheme: str) -> None:
    url = parse_database_url(f"{scheme}://ann:secret@db.example:5433/blog")
    assert url.sqlalchemy_url.render_as_string(hide_password=False) == "postgresql+asyncpg://ann:secret@/blog"
    assert url.connect_args == {"host": ["db.example"], "port": [5433], "server_settings": {}}


@pytest.mark.parametrize(
    ("text", "user", "password", "database"),
    [
        ("postgresql://ann@h/blog", "ann", None, "blog"),
        ("postgresql://ann:@h/blog", "ann", None, "blog"),
        ("postgresql://h", None, None, None),
        ("postgresql://", None, None, None),
        ("  postgresql://h/blog\n", None, None, "blog"),
        ("postgresql://a%40b:p%2Fw%3A%25@h/my%20blog", "a@b", "p/w:%", "my blog"),
        ("postgresql://ann:p@ss:w+rd@h/blog", "ann", "p@ss:w+rd", "blog"),
        ("postgresql://ann@tenant@h/blog", "ann@tenant", None, "blog"),
        ("postgresql:///?user=ann&password=p%26w&dbname=blog", "ann", "p&w", "blog"),
        ("postgresql://%C3%A9va:%E2%82%AC@h/%C3%B6", "éva", "€", "ö"),
    ],
)
def test_names_and_passwords_are_decoded(
    text: str, user: str | None, password: str | None, database: str | None
) -> None:
    url = parse_database_url(text)
    assert (url.user, url.password, url.database) == (user, password, database)
    assert url.sqlalchemy_url.username == user
    assert url.sqlalchemy_url.password == password


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("postgresql://h/db", [("h", 5432)]),
        ("postgresql://h:/db", [("h", 5432)]),
        ("postgresql://h:1/db", [("h", 1)]),
        ("postgresql://h1:1,h2:2/db", [("h1", 1), ("h2", 2)]),
        ("postgresql://h1,h2/db", [("h1", 5432), ("h2", 5432)]),
        ("postgresql://h1,h2:2/db", [("h1", 5432), ("h2", 2)]),
        ("postgresql://[::1]:1,[2001:db8::2]/db", [("::1", 1), ("2001:db8::2", 5432)]),
        ("postgresql:///db?host=h1:1&host=h2:2", [("h1", 1), ("h2", 2)]),
        ("postgresql:///db?host=h1,h2&port=1,2", [("h1", 1), ("h2", 2)]),
        ("postgresql:///db?host=h1,h2&port=7", [("h1", 7), ("h2", 7)]),
        ("postgresql:///db?host=[::1]:1&host=h2", [("::1", 1), ("h2", 5432)]),
        ("postgresql:///db?host=/run/my%20socket", [("/run/my socket", 5432)]),
        ("postgresql://:6000/db?host=/run/a", [("/run/a", 6000)]),
        ("postgresql://%2Frun%2Fa:6000/db", [("/run/a", 6000)]),
        ("postgresql:///db?host=/run/a:1&host=h2:2", [("/run/a", 1), ("h2", 2)]),
    ],
)
def test_hosts_are_found_in_both_shapes(text: str, addresses: list[tuple[str, int]]) -> None:
    arguments = parse_database_url(text).connect_args
    assert list(zip(arguments["host"], arguments["port"], strict=True)) == addresses


@pytest.mark.parametrize(("text", "port"), [("postgresql:///db", 5432), ("postgresql://:6000/db", 6000)])
def test_without_a_host_asyncpg_looks_for_the_local_socket(text: str, port: int) -> None:
    assert parse_database_url(text).connect_args == {"port": [port], "server_settings": {}}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("target_session_attrs=read-write", {"target_session_attrs": "read-write"}),
        ("connect_timeout=7", {"timeout": 7}),
        ("connect_timeout=0", {"timeout": None}),
        ("application_name=a%20b+c", {"server_settings": {"application_name": "a b+c"}}),
        ("options=-c%20geqo%3Doff", {"server_settings": {"options": "-c geqo=off"}}),
        ("sslmode=disable", {"dsn": "postgresql://?sslmode=disable"}),
        ("sslmode=prefer", {"dsn": "postgresql://?sslmode=prefer"}),
        ("ssl=require", {"dsn": "postgresql://?sslmode=require"}),
        ("ssl=true", {"dsn": "postgresql://?sslmode=require"}),
        ("sslmode=allow&sslmode=require", {"dsn": "postgresql://?sslmode=require"}),
    ],
)
def test_parameters_of_libpq_are_translated(query: str, expected: dict[str, Any]) -> None:
    arguments = parse_database_url(f"postgresql://h/db?{query}").connect_args
    assert arguments == {"host": ["h"], "port": [5432], "server_settings": {}} | expected


def test_certificate_files_reach_asyncpg(tmp_path: Path) -> None:
    file = tmp_path / "a root & more.crt"
    file.touch()
    url = parse_database_url(f"postgresql://h/db?sslmode=verify-full&sslrootcert={str(file).replace('&', '%26')}")
    assert url.connect_args["dsn"].endswith("%2Fa+root+%26+more.crt")


def test_the_certificates_of_the_system_verify_host_and_chain() -> None:
    context = parse_database_url("postgresql://h/db?sslrootcert=system").connect_args["ssl"]
    assert isinstance(context, ssl.SSLContext)
    assert context.check_hostname
    assert context.verify_mode == ssl.CERT_REQUIRED


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "is not of the form"),
        ("db.example", "is not of the form"),
        ("ann:hidden@h/db", "is not of the form"),
        ("://ann:hidden@h/db", "is not of the form"),
        ("mysql://ann:hidden@h/db", "begins with mysql://"),
        ("postgresql+psycopg://ann:hidden@h/db", r"begins with postgresql\+psycopg://"),
        ("postgresql://ann:hid/den@h/db", "percent-encoded"),
        ("postgresql://ann:hid?den=hidden@h/db", "percent-encoded"),
        ("postgresql://ann:hid#den@h/db", "percent-encoded"),
        ("postgresql://ann:hid%00den@h/db", "is not of the form"),
        ("postgresql://ann:hidden", "a port that is not a number"),
        ("postgresql://ann:hidden@h:port/db", "a port that is not a number"),
        ("postgresql://ann:hidden@h:0/db", "a port that is not a number"),
        ("postgresql://ann:hidden@h:65536/db", "a port that is not a number"),
        ("postgresql://ann:hidden@h:²/db", "a port that is not a number"),
        ("postgresql://ann:hidden@h/db?port=x", "a port that is not a number"),
        ("postgresql://ann:hidden@::1/db", "an IPv6 address stands in brackets"),
        ("postgresql://ann:hidden@[::1/db", "an IPv6 address stands in brackets"),
        ("postgresql://ann:hidden@h1:1:2/db", "a host that is not understood"),
        ("postgresql://ann:hidden@h1,,h2/db", "an empty host"),
        ("postgresql://ann:hidden@/db?host=h1,h2&port=1,2,3", "another number of ports"),
        ("postgresql://ann:hidden@h/db?sslmode=yes", "sslmode is none of disable, allow"),
        ("postgresql://ann:hidden@h/db?target_session_attrs=best", "target_session_attrs is none of any"),
        ("postgresql://ann:hidden@h/db?connect_timeout=soon", "connect_timeout is not a number of seconds"),
        ("postgresql://ann:hidden@h/db?connect_timeout=-1", "connect_timeout is not a number of seconds"),
        ("postgresql://ann:hidden@h/db?pgbouncer=true&channel_binding=require", "channel_binding, pgbouncer"),
        ("postgresql://ann:hidden@h/db?sslrootcert=/no/such.crt", "sslrootcert=/no/such.crt cannot be read"),
        ("postgresql://ann:hidden@h/db?sslcert=/no/such.crt", "sslcert=/no/such.crt cannot be read"),
        (f"postgresql://ann:hidden@h/db?sslkey={ROOT}", "sslkey is given without sslcert"),
        ("postgresql://ann:hidden@h/db?sslmode=require&sslrootcert=system", "needs sslmode=verify-full"),
        ("postgresql://ann:hidden@h/db?sslmode=verify-ca", "needs sslrootcert=FILE"),
    ],
)
def test_what_is_not_understood_is_refused_in_one_sentence_without_the_password(
    text: str, sentence: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("PGSSLROOTCERT", raising=False)
    with pytest.raises(ValueError, match=sentence) as refused:
        parse_database_url(text)
    assert "hid" not in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("postgres://ann:hidden@h1:1,[::1]/db", "postgresql://ann:***@h1:1,[::1]:5432/db"),
        ("postgresql://ann@h/db?sslmode=require", "postgresql://ann@h:5432/db?sslmode=require"),
        ("postgresql://ann@/db?host=/run/a&password=hidden", "postgresql://ann:***@/db?host=/run/a:5432"),
        ("postgresql://a%40b@h/d%2Fb", "postgresql://a%40b@h:5432/d%2Fb"),
    ],
)
def test_the_password_is_masked_for_people(text: str, masked: str) -> None:
    url = parse_database_url(text)
    assert url.masked == masked
    assert "hidden" not in repr(url)


@pytest.mark.parametrize("text", ["postgresql://ann@h1:1,[::1]:2/db?sslmode=require", "postgresql:///db?host=/run/a"])
def test_what_is_masked_without_a_password_reads_back_the_same(text: str) -> None:
    url: DatabaseUrl = parse_database_url(text)
    assert parse_database_url(url.masked) == url


def test_sqlalchemy_takes_the_url_and_the_arguments() -> None:
    url = parse_database_url("postgres://ann:secret@h1:1,h2:2/blog?sslmode=require&target_session_attrs=primary")
    engine = create_async_engine(url.sqlalchemy_url, connect_args=url.connect_args)
    assert engine.dialect.driver == "asyncpg"

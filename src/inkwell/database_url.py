"""DATABASE_URL as people have it, in libpq's shapes, translated to what SQLAlchemy's asyncpg dialect understands."""

import os
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urlencode

if TYPE_CHECKING:
    from sqlalchemy import URL

SCHEMES = {"postgres", "postgresql", "postgresql+asyncpg"}
SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
SESSION_ATTRIBUTES = ("any", "read-write", "read-only", "primary", "standby", "prefer-standby")
CERTIFICATES = ("sslrootcert", "sslcert", "sslkey")
TLS = ("sslmode", *CERTIFICATES)
SERVER_SETTINGS = ("application_name", "options")
PLACES = ("host", "port", "user", "password", "dbname")
PARAMETERS = {*PLACES, *TLS, *SERVER_SETTINGS, "ssl", "target_session_attrs", "connect_timeout"}
SYSTEM = "system"  # sslrootcert=system, as in libpq 16: trust the certificates of the operating system

FORM = "is not of the form postgresql://user:password@host:port/database"
RESERVED = "reserved characters in user, password and database are percent-encoded, such as %40 for @ and %2F for /"

# No part but user and password takes an @: a password with an unencoded / ? or # is refused here, and so never mistaken
# for a host or a parameter that a sentence would name.
_URL = re.compile(
    r"""
    (?P<scheme>[^:/?\#@]+) ://
    (?: (?P<user>[^:/?\#]*?) (?: :(?P<password>[^/?\#]*) )? @ )?
    (?P<hosts>[^/?\#@]*)
    (?: / (?P<database>[^/?\#@]*) )?
    (?: \? (?P<query>[^\#@]*) )?
    """,
    re.VERBOSE,
)
_ADDRESS = re.compile(r"(?:\[(?P<ipv6>[^\[\]]+)\]|(?P<host>[^:\[\]]*))(?::(?P<port>[^:\[\]]*))?")


@dataclass(frozen=True, slots=True)
class DatabaseUrl:
    """A database and how to reach it. No hosts means the local socket; `ports` has one entry for each host, or one."""

    user: str | None
    password: str | None = field(repr=False)
    database: str | None
    hosts: tuple[str, ...]
    ports: tuple[int, ...]
    parameters: Mapping[str, str]

    @property
    def sqlalchemy_url(self) -> "URL":
        """For create_async_engine, together with connect_args, which has the hosts (several IPv6 ones fit no URL)."""
        from sqlalchemy import URL  # here, so that the parent of the workers starts without SQLAlchemy

        return URL.create("postgresql+asyncpg", self.user, self.password, database=self.database)

    @property
    def connect_args(self) -> dict[str, Any]:
        """Arguments for asyncpg.connect besides user, password and database; `server_settings` is always among them.

        Certificates are read at every connection, so renewed ones count at once; only those of the operating system are
        read here. `timeout` (seconds, for all hosts together) is there if the URL has connect_timeout.
        """
        arguments = {"port": list(self.ports), "server_settings": self._chosen(SERVER_SETTINGS)} | self._tls()
        if self.hosts:
            arguments["host"] = list(self.hosts)
        if "connect_timeout" in self.parameters:
            arguments["timeout"] = int(self.parameters["connect_timeout"]) or None  # libpq: 0 waits for ever
        return arguments | self._chosen(("target_session_attrs",))

    @property
    def masked(self) -> str:
        """The URL for people to read: the password is replaced by ***."""
        login = quote(self.user or "", safe="") + (":***" if self.password else "")
        sockets = any(host.startswith("/") for host in self.hosts)
        places = [_shown(host, port) for host, port in zip(self.hosts, self.ports, strict=False)]
        query = [("host", place) for place in places if sockets] + list(self.parameters.items())
        authority = (f"{login}@" if login else "") + ("" if sockets else ",".join(places))
        path = f"/{quote(self.database or '', safe='')}"
        return f"postgresql://{authority}{path}" + (f"?{urlencode(query, safe='/:,[]')}" if query else "")

    def _chosen(self, names: tuple[str, ...]) -> dict[str, Any]:
        return {name: self.parameters[name] for name in names if name in self.parameters}

    def _tls(self) -> dict[str, Any]:
        # asyncpg knows libpq's modes, their fallbacks and files, but takes the files only from a DSN.
        chosen = self._chosen(TLS)
        if chosen.get("sslrootcert") == SYSTEM:
            return {"ssl": _system_context(chosen)}
        return {"dsn": f"postgresql://?{urlencode(chosen)}"} if chosen else {}


def parse_database_url(text: str) -> DatabaseUrl:
    """Raises ValueError with one sentence that never contains the password."""
    match = _URL.fullmatch(text.strip())
    if not match or "%00" in text or "\0" in text:
        raise ValueError(f"{FORM}; {RESERVED}")
    if match["scheme"] not in SCHEMES:
        raise ValueError(f"begins with {match['scheme']}://, which is not PostgreSQL; it must be postgresql://")
    pairs = _pairs(match["query"] or "")
    given = _checked(dict(pairs))  # as in libpq, the last of several counts, except for hosts
    queried_hosts = [value for name, value in pairs if name == "host"]
    hosts, ports = _addresses(unquote(match["hosts"]), queried_hosts, given.get("port"))
    return DatabaseUrl(
        user=given.get("user") or unquote(match["user"] or "") or None,
        password=given.get("password") or unquote(match["password"] or "") or None,
        database=given.get("dbname") or unquote(match["database"] or "") or None,
        hosts=hosts,
        ports=ports,
        parameters={name: value for name, value in given.items() if name not in PLACES},
    )


def _pairs(query: str) -> list[tuple[str, str]]:
    parts = [part.partition("=") for part in query.split("&") if part]
    # Libpq leaves + alone, so parse_qsl would spoil it.
    return [(unquote(name), unquote(value)) for name, _, value in parts]


def _checked(given: dict[str, str]) -> dict[str, str]:
    _refuse_unknown(given)
    given = _with_sslmode(given)
    _one_of(given, "sslmode", SSL_MODES)
    _one_of(given, "target_session_attrs", SESSION_ATTRIBUTES)
    if not re.fullmatch(r"[0-9]{1,6}", given.get("connect_timeout", "0")):
        raise ValueError("connect_timeout is not a number of seconds")
    _check_certificates(given)
    return given


def _refuse_unknown(given: Mapping[str, str]) -> None:
    unknown = sorted(given.keys() - PARAMETERS)
    if unknown:
        raise ValueError(f"has a parameter that is not known here: {', '.join(unknown)}")


def _with_sslmode(given: dict[str, str]) -> dict[str, str]:
    """`ssl=require`, as SQLAlchemy's asyncpg users write, and JDBC's `ssl=true` mean sslmode=require, as in libpq."""
    rest = {name: value for name, value in given.items() if name != "ssl"}
    if "ssl" in given:
        return {"sslmode": "require" if given["ssl"] == "true" else given["ssl"]} | rest
    return {"sslmode": "verify-full"} | rest if given.get("sslrootcert") == SYSTEM else rest


def _one_of(given: Mapping[str, str], name: str, choices: tuple[str, ...]) -> None:
    if name in given and given[name] not in choices:
        raise ValueError(f"{name} is none of {', '.join(choices)}")


def _check_certificates(given: Mapping[str, str]) -> None:
    mode, root = given.get("sslmode", ""), given.get("sslrootcert")
    if root == SYSTEM and mode != "verify-full":
        raise ValueError("sslrootcert=system needs sslmode=verify-full, as anyone can have a certificate from there")
    if mode.startswith("verify-") and not (root or _has_default_root()):
        raise ValueError(f"sslmode={mode} needs sslrootcert=FILE, or sslrootcert=system for what the system trusts")
    if "sslkey" in given and "sslcert" not in given:
        raise ValueError("sslkey is given without sslcert")
    for name in CERTIFICATES:
        if name in given and given[name] != SYSTEM:
            _check_readable(name, given[name])


def _has_default_root() -> bool:
    return "PGSSLROOTCERT" in os.environ or Path(os.path.expanduser("~/.postgresql/root.crt")).is_file()


def _check_readable(name: str, file: str) -> None:
    try:
        Path(file).open("rb").close()
    except OSError as error:
        raise ValueError(f"{name}={file} cannot be read ({error.strerror})") from None


def _system_context(chosen: Mapping[str, str]) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if "sslcert" in chosen:
        context.load_cert_chain(chosen["sslcert"], chosen.get("sslkey"))
    return context


def _addresses(authority: str, queried: list[str], ports: str | None) -> tuple[tuple[str, ...], tuple[int, ...]]:
    named = [_address(part) for part in authority.split(",")]
    places = [_address(part) for value in queried for part in value.split(",")] or named
    listed = [_port(part) for part in ports.split(",")] if ports else [port for _, port in named]
    if len(listed) == 1:
        listed *= len(places)
    if len(listed) != len(places):
        raise ValueError("has another number of ports than of hosts")
    hosts = tuple(host for host, _ in places if host)
    if hosts and len(hosts) != len(places):
        raise ValueError("has an empty host among several")
    return hosts, tuple(own or other or 5432 for (_, own), other in zip(places, listed, strict=True))


def _address(text: str) -> tuple[str, int | None]:
    match = _ADDRESS.fullmatch(text)
    if not match:
        raise ValueError("has a host that is not understood; it is host:port, and an IPv6 address stands in brackets")
    return match["ipv6"] or match["host"], _port(match["port"])


def _port(text: str | None) -> int | None:
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 65536:
        raise ValueError("has a port that is not a number from 1 to 65535")
    return int(text)


def _shown(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

"""Which settings are taken, and what is said of those that are not."""

import os
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from domain.throttles import Policy
from inkwell.settings import ConfigurationError, load_settings
from inkwell.settings_warnings import doubts

STRONG = "f3a91c07d2e84b6592ab6c0d1e7f3458"  # 32 bytes
OTHER = "90bd7e21c4f65a830d9e2b71f6c8a354"
DATABASE = "postgresql://inkwell:hunter2@db.example/inkwell"
DIRECT = "postgresql://inkwell:hunter2@direct.example/inkwell"


pytestmark = pytest.mark.usefixtures("environment")


def refusal(environment: pytest.MonkeyPatch, **variables: str) -> str:
    """What is said of these variables, which must not be taken."""
    for name, value in variables.items():
        environment.setenv(name, value)
    with pytest.raises(ConfigurationError) as refused:
        load_settings()
    return str(refused.value)


def test_nothing_needs_to_be_set_in_development() -> None:
    settings = load_settings()
    assert (settings.env, settings.host, settings.port) == ("development", "127.0.0.1", 8000)
    assert settings.workers == os.cpu_count()
    assert (settings.database, settings.migrates_at_start) == (None, True)
    assert settings.drain_time == timedelta(0)


def test_the_environment_goes_before_the_file_and_overrides_before_both(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("# ours\nPORT=1\nHOST=file.example\nWORKERS=7\n")
    environment.setenv("PORT", "2")
    environment.setenv("HOST", "environment.example")
    settings = load_settings(port=3)
    assert (settings.port, settings.host, settings.workers) == (3, "environment.example", 7)


def test_an_empty_variable_is_no_setting(environment: pytest.MonkeyPatch) -> None:
    for name in ("PORT", "JWT_SECRET_KEY", "DATABASE_URL", "CORS_ORIGINS"):
        environment.setenv(name, "")
    settings = load_settings()
    assert (settings.port, settings.jwt_secret_key, settings.database, settings.cors_origins) == (8000, None, None, ())


def test_settings_do_not_change() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_settings().port = 1  # type: ignore[misc]


def test_secrets_do_not_show_themselves(environment: pytest.MonkeyPatch) -> None:
    settings = load_settings(database_url=DATABASE, jwt_secret_key=STRONG)
    assert "hunter2" not in repr(settings)
    assert STRONG not in repr(settings)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ENV", "prod"),
        ("PORT", "http"),
        ("PORT", "65536"),
        ("PORT", "-1"),
        ("WORKERS", "0"),
        ("WORKERS", "257"),
        ("DATABASE_URL", "mysql://db.example/inkwell"),
        ("MIGRATE_AT_START", "maybe"),
        ("JWT_SECRET_KEY", "short"),
        ("ACCESS_TOKEN_SECONDS", "29"),
        ("RATE_LIMITS_ENABLED", "perhaps"),
        ("LOGIN_RATE_LIMIT", "10"),
        ("REGISTER_RATE_LIMIT", "20/hour;5/minute"),
        ("GENERAL_RATE_LIMIT", "0/minute"),
        ("ACCESS_TOKEN_SECONDS", "86401"),
        ("SESSION_DAYS", "0"),
        ("CORS_ORIGINS", "https://*.example.com"),
        ("CORS_CREDENTIALS", "sometimes"),
        ("HSTS_SECONDS", "-1"),
        ("TRUSTED_PROXIES", "11"),
        ("BODY_LIMIT_BYTES", "1023"),
        ("BODY_TIMEOUT_SECONDS", "0"),
        ("DATABASE_POOL_SIZE", "0"),
        ("STATEMENT_TIMEOUT_SECONDS", "nan"),
        ("HASH_MEMORY_KIB", "7"),
        ("HASH_QUEUE_LENGTH", "0"),
        ("DRAIN_SECONDS", "601"),
        ("GRACE_SECONDS", "inf"),
        ("LOG_FORMAT", "xml"),
    ],
)
def test_a_wrong_setting_is_named_in_one_line(environment: pytest.MonkeyPatch, name: str, value: str) -> None:
    said = refusal(environment, **{name: value})
    assert said.startswith(f"{name}: ")
    assert len(said.splitlines()) == 1


def test_every_wrong_setting_has_a_line(environment: pytest.MonkeyPatch) -> None:
    said = refusal(environment, PORT="x", WORKERS="0", LOG_FORMAT="xml")
    assert [line.partition(":")[0] for line in said.splitlines()] == ["PORT", "WORKERS", "LOG_FORMAT"]


@pytest.mark.parametrize("name", ["STATEMENT_TIMEOUT_SECONDS", "LOCK_TIMEOUT_SECONDS", "IDLE_IN_TRANSACTION_SECONDS"])
@pytest.mark.parametrize("value", ["inf", "0.0004"])
def test_a_time_that_postgres_cannot_count_in_milliseconds_is_refused(
    environment: pytest.MonkeyPatch, name: str, value: str
) -> None:
    assert refusal(environment, **{name: value}).startswith(f"{name}: ")


def test_the_limits_are_those_of_the_documents() -> None:
    policies = load_settings().policies
    found = [(each.quota, each.window_s) for each in (policies.login, policies.login_network, policies.register)]
    assert found == [(10, 300), (50, 300), (20, 3600)]
    assert (policies.refresh.quota, policies.refresh.window_s) == (30, 60)
    assert (policies.forgot.quota, policies.forgot.window_s) == (5, 3600)
    assert policies.enabled


def test_there_is_no_general_limit_unless_one_is_set_and_limits_are_enabled() -> None:
    assert load_settings().general_policy is None
    assert load_settings(general_rate_limit="100/minute").general_policy == Policy("general", 100, timedelta(minutes=1))
    assert load_settings(general_rate_limit="100/minute", rate_limits_enabled=False).general_policy is None


def test_production_needs_a_key(environment: pytest.MonkeyPatch) -> None:
    said = refusal(environment, ENV="production", DATABASE_URL=DATABASE)
    assert "JWT_SECRET_KEY" in said
    assert "ENV=production" in said


@pytest.mark.parametrize("empty", ["", " "])
def test_an_empty_key_is_no_key_for_production(environment: pytest.MonkeyPatch, empty: str) -> None:
    assert "JWT_SECRET_KEY" in refusal(environment, ENV="production", DATABASE_URL=DATABASE, JWT_SECRET_KEY=empty)


def test_production_needs_a_database(environment: pytest.MonkeyPatch) -> None:
    said = refusal(environment, ENV="production", JWT_SECRET_KEY=STRONG)
    assert "DATABASE_URL" in said
    assert "ENV=production" in said


def test_production_takes_a_key_and_a_database() -> None:
    settings = load_settings(env="production", database_url=DATABASE, jwt_secret_key=STRONG)
    assert settings.secret_keys == (STRONG.encode(),)
    assert settings.database is not None
    assert (settings.migrates_at_start, settings.drain_time) == (False, timedelta(seconds=5))


def test_what_is_chosen_goes_before_what_is_usual_in_an_environment() -> None:
    settings = load_settings(
        env="production", database_url=DATABASE, jwt_secret_key=STRONG, migrate_at_start=True, drain_seconds=0
    )
    assert (settings.migrates_at_start, settings.drain_time) == (True, timedelta(0))


@pytest.mark.parametrize(
    "key",
    [
        "x",
        STRONG[:-1],
        "a" * 64,
        "0123" * 16,
        "secret" * 10,
        "your-secret-key-change-me-please-now",
        "inkwell-secret-password-example-12345678",
        "CHANGEME-CHANGEME-CHANGEME-CHANGEME",
        f"{STRONG},",
        f",{STRONG}",
        f"{STRONG},short",
        f"{STRONG}," + "a" * 64,
    ],
)
def test_a_short_or_guessable_key_is_refused_and_not_repeated(environment: pytest.MonkeyPatch, key: str) -> None:
    said = refusal(environment, ENV="production", DATABASE_URL=DATABASE, JWT_SECRET_KEY=key)
    assert said.startswith("JWT_SECRET_KEY: ")
    assert "openssl rand -hex 32" in said
    assert key not in said.partition(": ")[2].split()


@pytest.mark.parametrize("key", [STRONG, "é" * 4 + "ÄÖÜßàèìòùâêîôû"[:12], "my-secret-" + STRONG])
def test_a_long_and_mixed_key_is_taken(key: str) -> None:
    assert load_settings(jwt_secret_key=key).secret_keys == (key.encode(),)


def test_the_first_of_several_keys_is_the_newest() -> None:
    assert load_settings(jwt_secret_key=f"{STRONG}, {OTHER}").secret_keys == (STRONG.encode(), OTHER.encode())


@pytest.mark.parametrize(
    ("text", "origins"),
    [
        ("https://app.example.com", ("https://app.example.com",)),
        (" https://a.example , http://localhost:3000,", ("https://a.example", "http://localhost:3000")),
        ("http://[::1]:8080", ("http://[::1]:8080",)),
        ("*", ("*",)),
        (" , ", ()),
    ],
)
def test_cors_origins_are_split_at_commas(environment: pytest.MonkeyPatch, text: str, origins: tuple[str, ...]) -> None:
    environment.setenv("CORS_ORIGINS", text)
    assert load_settings().cors_origins == origins


@pytest.mark.parametrize(
    "origin",
    [
        "app.example.com",
        "null",
        "https://",
        "https://app.example.com/",
        "https://app.example.com/path",
        "https://app.example.com?",
        "https://app.example.com#top",
        "https://*.example.com",
        "https://*",
        "http*://app.example.com",
        ".*",
        "https://app.example.com:0",
        "https://app.example.com:65536",
        "https://app.example.com:http",
        "https://[::1",
        "https://user@app.example.com",
        "ftp://app.example.com",
        "HTTPS://app.example.com",
    ],
)
def test_what_is_no_exact_origin_is_refused_and_repeated(environment: pytest.MonkeyPatch, origin: str) -> None:
    said = refusal(environment, CORS_ORIGINS=f"https://good.example,{origin}")
    assert said.startswith("CORS_ORIGINS: ")
    assert repr(origin) in said


@pytest.mark.parametrize(
    "origin",
    [
        "https://App.Example.com",
        "https://app.example.com:443",
        "http://app.example.com:80",
        "https://app example.com",
        "https://müller.example",
        "https://app.example.com:",
    ],
)
def test_an_origin_that_no_browser_sends_is_refused(environment: pytest.MonkeyPatch, origin: str) -> None:
    assert refusal(environment, CORS_ORIGINS=origin).startswith("CORS_ORIGINS: ")


def test_any_origin_with_credentials_is_refused(environment: pytest.MonkeyPatch) -> None:
    said = refusal(environment, CORS_ORIGINS="https://a.example,*", CORS_CREDENTIALS="true")
    assert "CORS_ORIGINS" in said
    assert "CORS_CREDENTIALS" in said


def test_named_origins_may_send_credentials() -> None:
    assert load_settings(cors_origins="https://a.example", cors_credentials=True).cors_credentials


@pytest.mark.parametrize("alone", [{"ADMIN_EMAIL": "root@example.com"}, {"ADMIN_PASSWORD": "a fine long password"}])
def test_half_an_admin_is_refused(environment: pytest.MonkeyPatch, alone: dict[str, str]) -> None:
    said = refusal(environment, **alone)
    assert "ADMIN_EMAIL" in said
    assert "ADMIN_PASSWORD" in said
    assert "a fine long password" not in said


def test_a_whole_admin_is_taken() -> None:
    settings = load_settings(admin_email="root@example.com", admin_password="a fine long password")
    assert settings.admin_password == SecretStr("a fine long password")


@pytest.mark.parametrize("line", ["PROT=1", "JWT_SECERT_KEY=hunter2", "export DATABSE_URL=hunter2", "prot=hunter2"])
def test_an_unknown_name_in_the_file_is_refused_without_its_value(
    environment: pytest.MonkeyPatch, tmp_path: Path, line: str
) -> None:
    (tmp_path / ".env").write_text(f"PORT=1\n{line}\n")
    name = line.removeprefix("export ").partition("=")[0].upper()
    said = refusal(environment)
    assert said.startswith(f"{name}: ")
    assert "hunter2" not in said


def test_a_file_that_cannot_be_read_is_refused_in_a_sentence(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes("HOST=müller.example\n".encode("latin-1"))
    assert ".env" in refusal(environment)


def test_unknown_names_in_the_environment_are_other_programs(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("PROT", "1")
    assert load_settings().port == 8000


@pytest.mark.parametrize("given", ["tls_certificate", "tls_key"])
def test_a_certificate_without_its_key_is_refused(given: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="TLS_CERTIFICATE and TLS_KEY are set together"):
        load_settings(**{given: tmp_path / "file"})


def test_what_changes_its_session_is_refused_where_no_way_past_the_pooler_is_known(
    environment: pytest.MonkeyPatch,
) -> None:
    environment.setenv("DATABASE_URL", DATABASE)
    assert load_settings().session_database.hosts == ("db.example",)
    environment.setenv("POOLER", "transaction")
    with pytest.raises(ConfigurationError, match="DATABASE_LISTEN_URL"):
        _ = load_settings().session_database


def test_what_takes_a_connection_for_itself_goes_past_the_pooler(environment: pytest.MonkeyPatch) -> None:
    for name, value in {"DATABASE_URL": DATABASE, "POOLER": "transaction", "DATABASE_LISTEN_URL": DIRECT}.items():
        environment.setenv(name, value)
    settings = load_settings()
    assert (settings.direct_database.hosts, settings.named_database.hosts) == (("direct.example",), ("db.example",))
    assert (settings.can_listen, len(list(doubts(settings)))) == (True, 1)

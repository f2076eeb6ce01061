"""What an operator is warned about."""

import pytest

from inkwell.settings import Settings, load_settings
from inkwell.settings_warnings import doubts, near_misses

pytestmark = pytest.mark.usefixtures("environment")


@pytest.mark.parametrize(
    ("mistyped", "meant"),
    [
        ("DATABSE_URL", "DATABASE_URL"),
        ("DATABASE_URI", "DATABASE_URL"),
        ("JWT_SECRETKEY", "JWT_SECRET_KEY"),
        ("CORS_ORIGIN", "CORS_ORIGINS"),
        ("ACCESS_TOKEN_SECOND", "ACCESS_TOKEN_SECONDS"),
    ],
)
def test_a_mistyped_name_is_shown_with_what_was_probably_meant(mistyped: str, meant: str) -> None:
    assert near_misses({mistyped: "x"}) == [(mistyped, meant)]


@pytest.mark.parametrize("name", ["PATH", "HOME", "LC_ALL", "XDG_DATA_DIRS", "SSH_AUTH_SOCK", "databse_url", "PORTS"])
def test_the_names_of_others_are_not_taken_for_mistyped_ones(name: str) -> None:
    assert near_misses({name: "x"}) == []


def test_right_names_are_not_taken_for_mistyped_ones() -> None:
    assert near_misses({name.upper(): "x" for name in Settings.model_fields}) == []


def test_near_misses_are_looked_for_in_the_environment_itself(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("DATABSE_URL", "x")
    assert ("DATABSE_URL", "DATABASE_URL") in near_misses()


def test_behind_a_pooler_one_is_told_what_is_left_to_the_role_and_that_nobody_is_remembered(
    environment: pytest.MonkeyPatch,
) -> None:
    environment.setenv("DATABASE_URL", "postgresql://db.example/inkwell")
    environment.setenv("POOLER", "transaction")
    role, listening = doubts(load_settings())
    assert "ALTER ROLE" in role
    assert "DATABASE_LISTEN_URL is not set" in listening
    assert not load_settings().can_listen


@pytest.mark.parametrize(
    ("url", "warned"), [("a,b/x", True), ("a,b/x?target_session_attrs=read-write", False), ("a/x", False)]
)
def test_several_hosts_without_a_word_on_which_of_them_are_warned_about(url: str, warned: bool) -> None:
    settings = load_settings(database_url=f"postgresql://{url}")
    assert any("target_session_attrs" in warning for warning in doubts(settings)) == warned

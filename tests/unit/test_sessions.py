"""What becomes of a refresh token, by its number and the time."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.auth import Refreshing, Session, SessionRules
from domain.errors import RefreshInvalid
from service.tokens import RefreshTokens
from tests.factories import NOBODY

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
RULES = SessionRules(lifetime=timedelta(days=30), idle=timedelta(days=7))
KEY, OLD_KEY = b"k" * 32, b"o" * 32


def session(*, used: timedelta = timedelta(), ends_in: timedelta = timedelta(days=1)) -> Session:
    """A session whose current refresh token is number 5."""
    return Session(NOBODY, NOBODY, NOW, NOW - used, NOW + ends_in, 5, None, None)


@pytest.mark.parametrize(
    ("count", "used", "becomes"),
    [
        (5, timedelta(), Refreshing.NEXT),
        (5, timedelta(days=6, hours=23), Refreshing.NEXT),
        (5, timedelta(days=7), Refreshing.OVER),
        (4, timedelta(seconds=10), Refreshing.AGAIN),
        (4, timedelta(seconds=10.001), Refreshing.REUSED),
        (4, timedelta(seconds=-10), Refreshing.AGAIN),  # as a clock of another node saw it
        (4, timedelta(hours=-1), Refreshing.REUSED),  # the clock was put back
        (3, timedelta(), Refreshing.REUSED),
        (0, timedelta(), Refreshing.REUSED),
        (6, timedelta(), Refreshing.OVER),
        (4, timedelta(days=8), Refreshing.OVER),
    ],
)
def test_a_refresh_token_is_judged_by_number_and_time(count: int, used: timedelta, becomes: Refreshing) -> None:
    assert session(used=used).refreshing(count, NOW, RULES) is becomes


def test_a_session_ends_at_its_hour_however_much_it_is_used() -> None:
    assert session(ends_in=timedelta()).refreshing(5, NOW, RULES) is Refreshing.OVER


def test_a_refresh_token_is_read_as_it_was_made_also_under_the_old_key() -> None:
    token = RefreshTokens([OLD_KEY]).make(NOBODY, 7)
    assert RefreshTokens([KEY, OLD_KEY]).read(token) == (NOBODY, 7)
    with pytest.raises(RefreshInvalid):
        RefreshTokens([KEY]).read(token)


@pytest.mark.parametrize("change", [4, 10, 25, 29, 40, 72])
def test_a_token_with_one_character_changed_is_refused(change: int) -> None:
    token = RefreshTokens([KEY]).make(NOBODY, 7)
    other = "A" if token[change] != "A" else "Q"
    with pytest.raises(RefreshInvalid):
        RefreshTokens([KEY]).read(token[:change] + other + token[change + 1 :])


@pytest.mark.parametrize(
    "token", ["", "rt1.", "rt2." + "A" * 70, "rt1." + "A" * 70, "rt1." + "A" * 71, "rt1." + "\u0410" * 70]
)
def test_what_we_did_not_make_is_refused(token: str) -> None:
    with pytest.raises(RefreshInvalid):
        RefreshTokens([KEY]).read(token)

"""The tokens of mailed links."""

import pytest

from domain.errors import LinkInvalid
from service.tokens import LinkTokens, RefreshTokens
from tests.factories import NOBODY

KEY, OLD_KEY = b"k" * 32, b"o" * 32


def test_a_token_is_read_as_it_was_made_also_under_the_old_key() -> None:
    token = LinkTokens([OLD_KEY]).make(NOBODY)
    assert LinkTokens([KEY, OLD_KEY]).read(token) == NOBODY
    with pytest.raises(LinkInvalid):
        LinkTokens([KEY]).read(token)


def test_the_token_of_a_link_is_always_the_same_so_that_links_outlive_an_upgrade() -> None:
    token = "ml1.AZjA3gAAcACAAAAAAAAAAAv-w2JFceI9C7DluuhkN0_EZDR7rhL5MU0XGOqq9lih"
    assert LinkTokens([KEY]).make(NOBODY) == token


@pytest.mark.parametrize("place", [*range(4), 4, 10, 25, 26, 40, 67])
def test_a_token_with_one_character_changed_is_refused(place: int) -> None:
    token = LinkTokens([KEY]).make(NOBODY)
    other = "A" if token[place] != "A" else "Q"
    with pytest.raises(LinkInvalid):
        LinkTokens([KEY]).read(token[:place] + other + token[place + 1 :])


@pytest.mark.parametrize("token", ["", "ml1.", "ml1." + "A" * 64, "ml1." + "A" * 65, "ml1." + "\u0410" * 64, "=" * 68])
def test_what_we_did_not_make_is_refused(token: str) -> None:
    with pytest.raises(LinkInvalid):
        LinkTokens([KEY]).read(token)


def test_a_refresh_token_is_no_link_under_any_name() -> None:
    token = RefreshTokens([KEY]).make(NOBODY, 0)
    for forged in (token, "ml1." + token[4:], "ml1." + token[4:68]):
        with pytest.raises(LinkInvalid):
            LinkTokens([KEY]).read(forged)

"""What every store promises about lists of users, and searches in them."""

from dataclasses import replace

import pytest

from domain.pages import Cut, Slice
from domain.users import Account, UserFilter
from service.ports import Store
from tests.factories import add_user, change_user

CUT = Cut("created_at", 10)


async def find(store: Store, q: str | None = None, *, limit: int = 100, offset: int = 0) -> Slice[Account]:
    async with store.read() as work:
        found = await work.users.find(UserFilter(q=q), Cut("created_at", limit, offset))
    return replace(found, end=None)  # where the next page begins is tested with the walks


async def emails(store: Store, q: str | None = None) -> list[str]:
    return [account.email for account in (await find(store, q)).rows]


async def test_users_are_listed_oldest_first(store: Store) -> None:
    for email in ("zoe@example.com", "ada@example.com", "max@example.com"):
        await add_user(store, email)
    assert await emails(store) == ["zoe@example.com", "ada@example.com", "max@example.com"]


async def test_a_change_does_not_move_a_user_in_the_list(store: Store, ada: Account, bob: Account) -> None:
    await change_user(store, ada.id, first_name="Augusta")
    assert await emails(store) == ["ada@example.com", "bob@example.com"]


@pytest.mark.parametrize(
    "q", ["ada@", "EXAMPLE.org", "Étienne", "étienne", "ETIENNE", "tien", "strøm", "E\u0301tienne"]
)
async def test_a_part_of_any_field_finds_a_user_in_any_case_and_without_accents(
    store: Store, bob: Account, q: str
) -> None:
    await add_user(store, "ada@example.org", first_name="Étienne", last_name="Bergstrøm")
    assert "ada@example.org" in await emails(store, q)
    assert "bob@example.com" not in await emails(store, q)


@pytest.mark.parametrize("name", ["Zoë", "Zoe\u0308", "ZOE", "zoe"])
async def test_a_search_with_accents_finds_a_name_without_and_in_every_spelling(store: Store, name: str) -> None:
    await add_user(store, last_name=name)
    assert await emails(store, "zoë") == ["ada@example.com"]


@pytest.mark.parametrize(
    ("name", "q"),
    [
        ("ŽIŽEK", "žiž"),
        ("Ярослав", "ЯРОСЛАВ"),
        ("Ångström", "ANGSTROM"),
        ("İpek", "ipek"),
        ("Weiß", "WEISS"),
        ("Οδυσσεύς", "ΟΔΥΣΣΕΎΣ"),
        ("ΟΔΥΣΣΕΥΣ", "ΟΔΥΣ"),
        ("Q\u0303uang", "qu"),
        ("ﬁona", "FIONA"),
        ("Łukasz", "łUKASZ"),
    ],
)
async def test_case_and_accents_are_folded_in_other_alphabets_too(store: Store, name: str, q: str) -> None:
    await add_user(store, first_name=name)
    assert await emails(store, q) == ["ada@example.com"]


@pytest.mark.parametrize("mark", ["%", "_", "\\", "\\%", "%%", "a_b", "'", '"'])
async def test_no_character_of_a_search_means_anything_but_itself(store: Store, mark: str) -> None:
    await add_user(store, "plain@example.com", first_name="axb", last_name="axxb")
    await add_user(store, "marked@example.com", last_name=f"x{mark}y")
    assert await emails(store, f"X{mark}Y") == ["marked@example.com"]
    assert await emails(store, mark) == ["marked@example.com"]


@pytest.mark.parametrize(
    "q", ["comada", "com ada", "adalovelace", "ada lovelace", "com\x1fada", "ada\x1flovelace", "\x1f"]
)
async def test_a_search_does_not_reach_across_the_border_of_two_fields(store: Store, ada: Account, q: str) -> None:
    assert await emails(store, q) == []


async def test_a_missing_name_matches_nothing(store: Store) -> None:
    await add_user(store, "ada@example.com")
    assert await emails(store, "none") == []
    assert await emails(store, "null") == []


async def test_a_search_follows_a_changed_name(store: Store, ada: Account) -> None:
    await change_user(store, ada.id, last_name="Byron")
    assert await emails(store, "byron") == ["ada@example.com"]
    assert await emails(store, "lovelace") == []


async def test_the_inactive_are_listed_only_where_they_are_asked_for(store: Store, ada: Account) -> None:
    await add_user(store, "gone@example.com", is_active=False)
    async with store.read() as work:
        with_them = await work.users.find(UserFilter(), CUT)
        without = await work.users.find(UserFilter(is_active=True), CUT)
        searched = await work.users.find(UserFilter(q="gone", is_active=True), CUT)
    assert (with_them.total, without.total, searched.total) == (2, 1, 0)
    assert (without.rows, searched.rows) == ([ada], [])


async def test_a_page_is_a_stretch_of_the_list_and_the_total_is_of_all(store: Store) -> None:
    accounts = [await add_user(store, f"user{number}@example.com") for number in range(5)]
    assert await find(store, limit=2, offset=0) == Slice(accounts[:2], 5)
    assert await find(store, limit=2, offset=2) == Slice(accounts[2:4], 5)
    assert await find(store, limit=2, offset=4) == Slice(accounts[4:], 5)


async def test_a_page_beyond_the_end_is_empty_and_still_has_the_total(store: Store, ada: Account) -> None:
    assert await find(store, limit=10, offset=10) == Slice([], 1)
    assert await find(store, "ada", limit=10, offset=9_999_990) == Slice([], 1)


async def test_an_empty_list_has_no_rows_and_no_total(store: Store) -> None:
    assert await find(store) == Slice([], 0)
    assert await find(store, "ada") == Slice([], 0)


async def test_the_total_of_a_search_counts_what_it_found(store: Store, ada: Account, bob: Account) -> None:
    assert await find(store, "lovelace", limit=1) == Slice([ada], 1)
    assert await find(store, "example.com", limit=1) == Slice([ada], 2)


@pytest.mark.parametrize(("q", "found"), [("example", 0), ("ada@", 0), ("LOVEL", 1), ("ada", 1), ("bob", 0)])
async def test_addresses_can_be_left_out_of_a_search(store: Store, q: str, found: int) -> None:
    await add_user(store, first_name="Ada", last_name="Lovelace")
    await add_user(store, "bob@example.com")
    async with store.read() as work:
        page = await work.users.find(UserFilter(names=q), CUT)
    assert (len(page.rows), page.total) == (found, found)

"""Walks by cursor, while others write: what stays in its place is met exactly once."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.errors import BadCursor
from domain.pages import Cut, Page
from domain.posts import PostFilter
from domain.users import Account, Actor, UserFilter
from repositories import posts
from repositories.posts import FOUND_OF_AUTHOR, ranking
from service.passwords import Passwords
from service.ports import Store
from service.posts import PostListing
from service.users import UserListing
from tests.factories import add_post, add_user, change_user, signed_in
from tests.fakes.services import post_service, user_service

USER_ORDERS = ["created_at", "-created_at", "email", "-email", "last_name", "-last_name"]
POST_ORDERS = ["published_at", "-published_at", "created_at", "-created_at", "updated_at", "-updated_at", "title"]
NAMES = st.sampled_from([None, "Zuse", "zuse", "Ångström", "Angstrom", "B", "a b"])
TITLES = st.sampled_from(["Tea", "tea", "Tea and tea", "An engine of tea", "Têa", "Z"])
PLACES = st.integers(0, 20)
WALKS = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)

Places = dict[UUID, Any]
Ask = Callable[[str | None], Awaitable[Page[Any]]]
Disturbance = tuple[str, int, Any]


def disturbances(texts: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Disturbance]]:
    return st.lists(st.tuples(st.sampled_from(["add", "change", "remove"]), PLACES, texts), max_size=8)


class Crowd(ABC):
    """Users or posts that come, change and go; `places` says how each row was sorted whenever it was looked at."""

    def __init__(self, store: Store, order: str) -> None:
        self.store, self.order, self.steady = store, order, Places()

    @abstractmethod
    async def rows(self) -> Places: ...

    @abstractmethod
    async def disturb(self, what: str, index: int, text: Any) -> None: ...

    async def look(self, *, first: bool = False) -> None:
        """Forgets whoever is gone or has moved."""
        now = await self.rows()
        before = now if first else self.steady
        self.steady = {row: place for row, place in before.items() if row in now and now[row] == place}


class Users(Crowd):
    """Users whose last names change."""

    async def rows(self) -> Places:
        async with self.store.read() as work:
            found = (await work.users.find(UserFilter(), Cut("created_at", 1000))).rows
        sort = self.order.removeprefix("-")
        return {user.id: getattr(user, sort) for user in found}

    async def disturb(self, what: str, index: int, text: Any) -> None:
        ids = list(await self.rows())
        if what == "add" or not ids:
            await add_user(self.store, f"user{self.numbered()}@example.com", last_name=text)
        elif what == "change":
            await change_user(self.store, ids[index % len(ids)], last_name=text)
        else:
            async with self.store.write() as work:
                await work.users.remove(ids[index % len(ids)])

    def numbered(self) -> int:
        self.number = getattr(self, "number", 0) + 1
        return self.number * 7919 % 1000  # so that the order of addresses is not that of creation


class Posts(Crowd):
    """Posts of one author, whose titles change."""

    def __init__(self, store: Store, order: str, author: Account) -> None:
        super().__init__(store, order)
        self.author = author

    async def rows(self) -> Places:
        async with self.store.read() as work:
            found = (await work.posts.find(PostFilter(author=self.author.id), Cut("created_at", 1000))).rows
        sort = self.order.removeprefix("-")
        return {post.id: post.title if sort == "rank" else getattr(post, sort) for post in found}

    async def disturb(self, what: str, index: int, text: Any) -> None:
        ids = list(await self.rows())
        if what == "add" or not ids:
            await add_post(self.store, self.author.id, text, f"{text} of tea", published=index % 3 > 0)
            return
        async with self.store.write() as work:
            if what == "change":
                await work.posts.change(ids[index % len(ids)], None, {"title": text, "published": True})
            else:
                await work.posts.remove(ids[index % len(ids)], None)


async def walk(crowd: Crowd, ask: Ask, disturbed: Sequence[Disturbance]) -> list[UUID]:
    """The ids on all pages, with one disturbance before each further page."""
    await crowd.look(first=True)
    met, cursor, to_come = [], None, list(disturbed)
    while True:
        page = await ask(cursor)
        met += [row.id for row in page.data]
        cursor = page.pagination.next_cursor
        if cursor is None:
            return met
        if to_come:
            await crowd.disturb(*to_come.pop())
            await crowd.look()


def assert_each_once(crowd: Crowd, met: list[UUID]) -> None:
    assert {row: met.count(row) for row in crowd.steady} == dict.fromkeys(crowd.steady, 1)


@WALKS
@given(
    order=st.sampled_from(USER_ORDERS),
    names=st.lists(NAMES, max_size=12),
    limit=st.integers(1, 4),
    disturbed=disturbances(NAMES),
)
async def test_a_walk_meets_every_user_who_stays_once(
    store: Store, passwords: Passwords, order: str, names: list[str | None], limit: int, disturbed: list[Disturbance]
) -> None:
    crowd, users = Users(store, order), user_service(store, passwords)
    await empty(store)
    reader = signed_in(await add_user(store, "root@example.com", role="admin"))
    for name in names:
        await crowd.disturb("add", 0, name)

    async def ask(cursor: str | None) -> Page[Any]:
        given_cursor = {} if cursor is None else {"cursor": cursor}
        return await users.list(reader, UserListing.model_validate({"sort": order, "limit": limit} | given_cursor))

    assert_each_once(crowd, await walk(crowd, ask, disturbed))


@pytest.fixture(params=[False, True])
def few_ranked(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether a search ranks its two newest matches alone."""
    if request.param:
        few = replace(FOUND_OF_AUTHOR, sorts={**FOUND_OF_AUTHOR.sorts, "rank": ranking(2)})
        monkeypatch.setattr(posts, "FOUND_OF_AUTHOR", few)


@pytest.mark.usefixtures("few_ranked")
@pytest.mark.parametrize("searching", [False, True])
@WALKS
@given(data=st.data(), titles=st.lists(TITLES, max_size=12), limit=st.integers(1, 4), disturbed=disturbances(TITLES))
async def test_a_walk_meets_every_post_that_stays_once(
    store: Store, searching: bool, data: st.DataObject, titles: list[str], limit: int, disturbed: list[Disturbance]
) -> None:
    order = data.draw(st.sampled_from([*POST_ORDERS, "-rank"] if searching else POST_ORDERS))
    await empty(store)
    author = await add_user(store)
    crowd, service = Posts(store, order, author), post_service(store)
    for number, title in enumerate(titles):
        await crowd.disturb("add", number, title)

    async def ask(cursor: str | None) -> Page[Any]:
        sent: dict[str, Any] = {"mine": True, "limit": limit, "cursor": cursor}
        sent |= {"q": "tea"} if searching else {}
        sent |= {} if order == "-rank" else {"sort": order}
        return await service.list(signed_in(author), PostListing.model_validate(sent))

    assert_each_once(crowd, await walk(crowd, ask, disturbed))


async def empty(store: Store) -> None:
    async with store.read() as work:
        found = (await work.users.find(UserFilter(), Cut("created_at", 1000))).rows
    for account in found:
        async with store.write() as work:
            await work.users.remove(account.id)


@pytest.fixture
async def reader(store: Store) -> Actor:
    """An admin."""
    return signed_in(await add_user(store, "root@example.com", role="admin"))


@pytest.mark.parametrize("change", [{"q": "o"}, {"sort": "email"}, {"role": "user"}, {"is_active": "true"}])
async def test_a_cursor_belongs_to_its_filters_and_its_order(
    store: Store, passwords: Passwords, reader: Actor, change: dict[str, str]
) -> None:
    await add_user(store)
    users = user_service(store, passwords)
    cursor = (await users.list(reader, UserListing(limit=1))).pagination.next_cursor
    with pytest.raises(BadCursor):
        await users.list(reader, UserListing.model_validate({"cursor": cursor} | change))

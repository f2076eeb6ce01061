"""What every store promises about versions: each change that can be seen makes the next one, and may ask for one."""

from typing import Any

import pytest

from domain.users import Account, Credentials
from service.ports import Store
from tests.factories import HASH, add_post, change_user


async def version(store: Store, user_id: Any) -> int:
    async with store.read() as work:
        found = await work.users.get(user_id)
    assert found
    return found.version


async def test_each_change_is_the_next_version(store: Store, ada: Account) -> None:
    post = await add_post(store, ada.id)
    assert (ada.version, post.version) == (1, 1)
    assert (await change_user(store, ada.id, first_name="A")).version == 2
    async with store.write() as work:
        changed = [await work.posts.change(post.id, None, {"title": title}) for title in ("a", "b")]
        await work.users.set_password(ada.email, "another hash")
    assert [one and one.version for one in changed] == [2, 3]
    assert await version(store, ada.id) == 3


async def test_a_renewed_hash_is_no_new_version_for_nobody_sees_it(store: Store, ada: Account) -> None:
    async with store.write() as work:
        assert await work.users.renew_hash(Credentials(ada, HASH), "a newer hash")
    assert await version(store, ada.id) == 1


@pytest.mark.parametrize(
    ("expected", "fits"), [(None, True), ({1}, True), ({1, 7}, True), ({2}, False), (set(), False), ({10**18}, False)]
)
async def test_only_an_expected_version_is_changed_or_removed(
    store: Store, ada: Account, expected: set[int] | None, fits: bool
) -> None:
    kept, doomed = [await add_post(store, ada.id) for _ in range(2)]
    async with store.write() as work:
        assert (await work.posts.change(kept.id, ada.id, {"title": "x"}, expected) is not None) is fits
        assert (await work.posts.remove(doomed.id, ada.id, expected) is not None) is fits
        assert (await work.posts.get(doomed.id) is None) is fits
    assert (kept.version, doomed.version) == (1, 1)

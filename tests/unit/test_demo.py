"""The made-up users and posts: always the same ones, and such as the API itself would have taken."""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from uuid import RFC_4122

import pytest

from domain.posts import Post
from domain.users import Account
from inkwell.demo import END, EPOCH, PASSWORD, START, Demo, make_posts, make_users
from service.posts import NewPost
from service.users import NewAccount


@pytest.fixture(scope="module")
def people() -> list[Account]:
    return list(make_users(seed=1, count=300))


@pytest.fixture(scope="module")
def writings(people: list[Account]) -> list[Post]:
    return list(make_posts(seed=1, count=1000, authors=people))


def test_the_same_seed_gives_the_same_data(people: list[Account], writings: list[Post]) -> None:
    assert list(make_users(1, 300)) == people
    assert list(make_posts(1, 1000, people)) == writings


def test_what_a_seed_gives_stays_what_it_was() -> None:
    """Written out: it must not depend on the process, the machine or the version of Python."""
    first = next(make_users(1, 1))
    assert str(first.id) == "01856fc7-2400-7000-94f3-525042a9477e"
    assert (first.email, first.created_at) == ("thora.kjaer.1-1@example.net", START)


def test_another_seed_gives_other_people(people: list[Account]) -> None:
    others = list(make_users(2, 300))
    assert not {user.email for user in people} & {user.email for user in others}
    assert not {user.id for user in people} & {user.id for user in others}


def test_names_do_not_depend_on_how_many_users_there_are(people: list[Account]) -> None:
    assert [user.first_name for user in make_users(1, 20)] == [user.first_name for user in people[:20]]


def test_registration_would_take_every_user_as_it_is(people: list[Account]) -> None:
    for user in people:
        taken = NewAccount(email=user.email, password=PASSWORD, first_name=user.first_name, last_name=user.last_name)
        assert (taken.email, taken.first_name, taken.last_name) == (user.email, user.first_name, user.last_name)


def test_authors_could_have_written_every_post_as_it_is(writings: list[Post]) -> None:
    for post in writings:
        taken = NewPost(title=post.title, content=post.content, published=post.published)
        assert (taken.title, taken.content) == (post.title, post.content)


def test_ids_and_addresses_are_unique(people: list[Account], writings: list[Post]) -> None:
    assert len({user.email for user in people}) == len(people)
    assert len({user.id for user in people} | {post.id for post in writings}) == len(people) + len(writings)


def test_ids_are_of_version_7_and_tell_the_time_of_creation(people: list[Account], writings: list[Post]) -> None:
    made = [(user.id, user.created_at) for user in people] + [(post.id, post.created_at) for post in writings]
    for row_id, created_at in made:
        assert (row_id.version, row_id.variant) == (7, RFC_4122)
        assert row_id.int >> 80 == (created_at - EPOCH) // timedelta(milliseconds=1)


def test_the_order_of_ids_is_the_order_of_creation(people: list[Account], writings: list[Post]) -> None:
    assert in_order([user.created_at for user in people])
    assert in_order([post.created_at for post in writings])
    assert in_order([user.id for user in people])
    assert in_order([post.id for post in writings])


def test_times_follow_one_another(people: list[Account], writings: list[Post]) -> None:
    joined = {user.id: user.created_at for user in people}
    assert all(START <= user.created_at <= user.updated_at <= END for user in people)
    for post in writings:
        published_at = post.published_at or post.created_at
        assert joined[post.author_id] <= post.created_at <= published_at <= post.updated_at <= END


def test_a_post_is_a_text_of_some_length_in_paragraphs(writings: list[Post]) -> None:
    lengths = sorted(len(post.content) for post in writings)
    assert lengths[0] >= 200
    assert lengths[-1] <= 3000
    assert lengths[-100] > 2 * lengths[100]
    assert sum("\n\n" in post.content for post in writings) > 800
    assert not [post for post in writings if "{" in post.title + post.content]


def test_there_are_drafts_and_inactive_users_but_no_admins(people: list[Account], writings: list[Post]) -> None:
    assert {user.role for user in people} == {"user"}
    assert 0 < sum(not user.is_active for user in people) < 60
    assert 150 < sum(user.email_verified for user in people) < 300
    assert 50 < sum(not post.published for post in writings) < 300
    assert all(post.published_at for post in writings if post.published)


def test_a_few_authors_write_most(writings: list[Post]) -> None:
    counts = Counter(post.author_id for post in writings).most_common()
    assert sum(count for _, count in counts[:60]) > 600


def test_the_example_can_sign_in_whatever_the_seed() -> None:
    for seed in range(50):
        first = next(make_users(seed, 1))
        assert first.is_active
        assert Demo(10, 10, seed).example_email == first.email


def in_order(values: Sequence[object]) -> bool:
    return list(values) == sorted(values)  # type: ignore[type-var]

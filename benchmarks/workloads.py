"""What is asked of every contender: one description, from which the load, the comparison and the table are made."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from benchmarks.rows import FEW, MANY, Size


@dataclass(frozen=True, slots=True)
class Request:
    """One request, but for who asks."""

    method: str
    path: str
    body: str = ""


Asked = tuple[str, Request]  # with the Authorization header, empty for a stranger


class Dialect(Protocol):
    """How one contender is asked for the same things."""

    def profile(self, user_id: str) -> Request: ...
    def user(self, user_id: str) -> Request: ...
    def users(self, page: int) -> Request: ...
    def search(self, q: str) -> Request: ...
    def create(self, user_id: str, title: str, content: str) -> Request: ...
    def newest(self) -> Request: ...


@dataclass(frozen=True, slots=True)
class Asking:
    """What a request may depend on: how it is put, over which rows, and by whom."""

    dialect: Dialect
    size: Size
    caller_id: str


@dataclass(frozen=True, slots=True)
class Workload:
    """`requests` makes what one caller sends in turn. `total`: how many rows the list has, where the answer says it."""

    name: str
    title: str
    requests: Callable[[Asking], Sequence[Request]]
    total: Callable[[Size], int] | None = None
    creates: bool = False


def _profile(asking: Asking) -> list[Request]:
    return [asking.dialect.profile(asking.caller_id)]


def _user(asking: Asking) -> list[Request]:
    return [asking.dialect.user(user_id) for user_id in asking.size.some_user_ids]


def _first_page(asking: Asking) -> list[Request]:
    return [asking.dialect.users(1)]


def _deep_page(asking: Asking) -> list[Request]:
    return [asking.dialect.users(asking.size.deep_page)]


def _few(asking: Asking) -> list[Request]:
    return [asking.dialect.search(FEW.lower())]


def _many(asking: Asking) -> list[Request]:
    return [asking.dialect.search(MANY.lower())]


def _create(asking: Asking) -> list[Request]:
    return [asking.dialect.create(asking.caller_id, "On tea", "Of tea and engines there is more to say. " * 8)]


def _newest(asking: Asking) -> list[Request]:
    return [asking.dialect.newest()]


WORKLOADS = (
    Workload("W1", "GET profile", _profile),
    Workload("W2", "GET user by id", _user),
    Workload("W3", "users, page 1 and total", _first_page, lambda size: size.users),
    Workload("W3b", "users, deep page and total", _deep_page, lambda size: size.users),
    Workload("W3c", "search, ten match", _few, lambda size: 10),
    Workload("W3d", "search, one in twenty matches", _many, lambda size: size.users // 20),
    Workload("W4", "create post, durable", _create, creates=True),
    Workload("W5", "20 newest posts", _newest),
)
BY_NAME = {workload.name: workload for workload in WORKLOADS}

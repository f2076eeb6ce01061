"""A failed login costs the same, whatever it was that did not fit."""

import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any

import pytest
from quart import has_request_context
from sqlalchemy import Engine, event

from inkwell.app import create_app
from inkwell.settings import Settings
from service.passwords import Passwords
from tests.support import PASSWORD, Client

ROUNDS = 200
WRONG = "not the password"
KINDS = {
    "unknown": {"email": "nobody@example.com", "password": PASSWORD},
    "wrong": {"email": "ada@example.com", "password": WRONG},
    "inactive": {"email": "bob@example.com", "password": PASSWORD},
}


@pytest.fixture
async def api(make_settings: Callable[..., Settings]) -> AsyncIterator[Client]:
    """Where so many logins are not too many."""
    settings = make_settings(login_rate_limit="1000/minute", login_network_rate_limit="1000/minute")
    async with create_app(settings).test_app() as running:
        yield Client(running.app)  # type: ignore[attr-defined]


@pytest.fixture
async def inactive(bob: Client, admin: Client) -> None:
    await admin.patch(f"/api/users/{bob.id}", {"is_active": False})


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """The SQL statements sent, and how often a password was compared with a hash."""
    done: Counter[str] = Counter()
    verify = Passwords._verify

    def count_hash(self: Passwords, password_hash: str, password: str) -> bool:
        done["hash"] += 1
        return verify(self, password_hash, password)

    def count_statement(_: Any, __: Any, statement: str, *___: Any) -> None:
        done[statement] += has_request_context()  # and not what is done beside the requests

    monkeypatch.setattr(Passwords, "_verify", count_hash)
    event.listen(Engine, "before_cursor_execute", count_statement)
    yield done
    event.remove(Engine, "before_cursor_execute", count_statement)


def auc(some: Sequence[float], others: Sequence[float]) -> float:
    """How often one of some is above one of the others: 0.5 where nobody can tell them apart (Mann-Whitney U)."""
    above = sum((one > other) + (one == other) / 2 for one in some for other in others)
    return above / (len(some) * len(others))


@pytest.mark.usefixtures("ada", "inactive")
async def test_200_logins_of_each_kind_do_the_same_work(
    api: Client, work: Counter[str], record_property: Callable[[str, object], None]
) -> None:
    done: dict[str, Counter[str]] = {kind: Counter() for kind in KINDS}
    times_ms: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for _ in range(ROUNDS):
        for kind, credentials in KINDS.items():
            work.clear()
            begun = time.perf_counter()
            answer = await api.post("/api/auth/login", credentials)
            times_ms[kind].append((time.perf_counter() - begun) * 1000)
            assert (answer.status, answer.code) == (401, "invalid_credentials")
            done[kind] += work
    assert done["unknown"] == done["wrong"] == done["inactive"]
    assert done["unknown"]["hash"] == ROUNDS
    assert len(done["unknown"]) >= 3
    for one, other in (("unknown", "wrong"), ("unknown", "inactive"), ("wrong", "inactive")):
        record_property(f"AUC {one}, {other}", found := auc(times_ms[one], times_ms[other]))
        print(f"time of the answer, {one} above {other}: AUC {found:.3f}")

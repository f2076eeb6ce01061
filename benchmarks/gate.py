"""Before anything is timed: whether all contenders give the same answers."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from benchmarks.contenders.contender import Contender, moment
from benchmarks.rows import PAGE, Size
from benchmarks.server import send
from benchmarks.workloads import WORKLOADS, Asked, Workload

USER_FIELDS = ("id", "email", "first_name", "last_name", "role", "created_at")
POST_FIELDS = ("id", "title", "content", "published", "author_id", "created_at")
NEW_FIELDS = ("title", "content", "published", "author_id")  # of a post that was just created: the rest is its own
NOBODY = ""


class Different(Exception):
    """Contenders do not do the same work: times would compare nothing."""


class Ready(Protocol):
    """A contender that runs, and its callers."""

    contender: Contender
    url: str

    def asked(self, workload: Workload) -> Sequence[Asked]: ...


def check(running: Sequence[Ready], size: Size) -> None:
    """Raises Different, naming the workload and the contenders."""
    for workload in WORKLOADS:
        meanings = {ready.contender.title: _meaning(ready, workload) for ready in running}
        agree(workload, meanings)
        _counts(workload, next(iter(meanings.values())), size)
    for ready in running:
        _refuses_strangers(ready)


def _meaning(ready: Ready, workload: Workload) -> Any:
    found = []
    for token, request in _some(ready.asked(workload)):
        status, body = send(ready.url, request, token)
        if not 200 <= status < 300:
            raise Different(f"{workload.name}: {ready.contender.title} answered {status}: {body[:300]!r}")
        found.append(meaning(ready.contender, workload, json.loads(body)))
    return found


def meaning(contender: Contender, workload: Workload, answer: Any) -> Any:
    """What an answer says, however it is spelled."""
    rows = contender.rows(answer)
    if workload.creates:
        return [{name: row[name] for name in NEW_FIELDS} for row in rows]
    names = POST_FIELDS if "title" in rows[0] else USER_FIELDS
    said = [{name: row[name] for name in names} | {"created_at": moment(row["created_at"])} for row in rows]
    return said, contender.total(answer) if workload.total else None


def agree(workload: Workload, meanings: Mapping[str, Any]) -> None:
    (first, expected), *others = meanings.items()
    for title, found in others:
        if found != expected:
            raise Different(f"{workload.name}: {title} says {found!r:.2000}\nbut {first} says {expected!r:.2000}")


def _counts(workload: Workload, meanings: Any, size: Size) -> None:
    """What is the same everywhere is also what the rows say."""
    if workload.total:
        for rows, total in meanings:
            expected = workload.total(size)
            if (total, len(rows)) != (expected, min(expected, PAGE)):
                raise Different(f"{workload.name}: {len(rows)} rows of {total}, where there are {expected}")


def _refuses_strangers(ready: Ready) -> None:
    """What needs a sign-in gets none with a token that somebody else signed."""
    (token, request), *_ = ready.asked(WORKLOADS[0])
    forged = token[:-4] + ("AAAA" if token[-4:] != "AAAA" else "BBBB")
    for shown in (NOBODY, forged):
        status, _body = send(ready.url, request, shown)
        if not 400 <= status < 500:
            raise Different(f"{ready.contender.title} answered {status} to a stranger")


def _some(asked: Sequence[Asked]) -> Sequence[Asked]:
    return asked[:: max(1, len(asked) // 5)]

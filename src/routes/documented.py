"""What a view says of itself for the document of the API; nothing of it runs with a request."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from pydantic import BaseModel

from domain.errors import DomainError

View = TypeVar("View", bound=Callable[..., Any])

# Who may call; a visitor may show a token and need not.
Caller = Literal["anyone", "visitor", "user", "admin", "monitor"]
JSON, HTML, CSS, SCRIPT = "application/json", "text/html", "text/css", "text/javascript"


@dataclass(frozen=True)
class Media:
    """An answer's content that is not JSON, or not only; a text means that any is possible."""

    types: Sequence[str]
    json: Any = None


@dataclass(frozen=True)
class Operation:
    """A call of the API beyond what its route and its types say.

    `answers` are what is answered where all goes well: the type of the JSON, a Media, or None for no content.
    `errors` are those of this call alone; which ones come with a body, a query, a token or an ETag is known.
    `tagged` is said of what has an ETag and understands conditions, `once` of what understands an Idempotency-Key.
    """

    id: str
    summary: str
    answers: Mapping[int, Any]
    caller: Caller = "anyone"
    body: type[BaseModel] | None = None
    optional_body: bool = False
    query: type[BaseModel] | None = None
    any_query: bool = False
    errors: Sequence[type[DomainError]] = ()
    statuses: Sequence[int] = ()  # of the framework's errors
    headers: Mapping[int, Sequence[str]] = field(default_factory=dict)
    tagged: bool = False
    once: bool = False


def documented(id: str, summary: str, answers: Mapping[int, Any], **more: Any) -> Callable[[View], View]:
    """Notes on the view what it is; its docstring, where it has one, tells the rest. See Operation."""

    def note(view: View) -> View:
        view.operation = Operation(id, summary, answers, **more)  # type: ignore[attr-defined]
        return view

    return note

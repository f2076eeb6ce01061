"""Words into numbers: every failure on every path answers in one shape."""

from dataclasses import asdict
from http import HTTPStatus
from typing import Any, NotRequired

import structlog
from pydantic_core import to_json
from quart import Quart, Response
from typing_extensions import TypedDict
from werkzeug.exceptions import HTTPException

from domain.errors import (
    Conflict,
    Detail,
    DomainError,
    Forbidden,
    Invalid,
    NotFound,
    Overloaded,
    PreconditionFailed,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
    Unprocessable,
)
from routes.http import request
from routes.idempotency import replayed
from service.idempotency import Replayed

log = structlog.get_logger()

STATUS_OF: dict[type[DomainError], int] = {
    Unauthenticated: 401,
    Invalid: 400,
    Forbidden: 403,
    NotFound: 404,
    PreconditionFailed: 412,
    Conflict: 409,
    Unprocessable: 422,
    TooManyRequests: 429,
    Unavailable: 503,
}

# What the framework refuses by itself: code and sentence for its status.
FRAMEWORK = {
    400: ("bad_request", "The request cannot be understood"),
    404: ("not_found", "Resource does not exist"),
    405: ("method_not_allowed", "This resource does not take that method"),
    408: ("request_timeout", "The request body did not arrive in time"),
    413: ("body_too_large", "The request body is too large"),
    431: ("headers_too_large", "The request's headers are too large"),
    500: ("internal", "Something went wrong on our side"),
}

UNREAD = {408, 413, 431}  # the rest of such a request is still to come, and nobody wants to read it

# Python before 3.13 has the names of RFC 7231; these are RFC 9110's.
RENAMED = {413: "Content Too Large", 422: "Unprocessable Content"}


class Problem(TypedDict):
    """A failure: `code` is for programs and stable, `message` is for people."""

    error: str
    code: str
    message: str
    request_id: str
    missing_fields: NotRequired[list[str]]
    details: NotRequired[list[Detail]]


def register(app: Quart) -> None:
    """Makes every failure of the app answer in the contract's shape."""
    app.register_error_handler(DomainError, refused)
    app.register_error_handler(HTTPException, rejected)
    app.register_error_handler(Exception, crashed)
    app.register_error_handler(Replayed, replayed)  # no failure, and no less an end of the request


def status_of(error: type[DomainError]) -> int:
    return next(status for family, status in STATUS_OF.items() if issubclass(error, family))


async def refused(error: DomainError) -> Response:
    """A refusal of ours."""
    status = status_of(type(error))
    if isinstance(error, Unavailable) and not isinstance(error, Overloaded):  # of which there are too many to tell each
        log.warning("unavailable", request_id=request.request_id, cause=repr(error.__cause__ or error))
    return problem(status, error.code, error.message, headers=_headers(error), **_particulars(error))


async def rejected(error: HTTPException) -> Response:
    """A refusal of the framework's, such as an unknown path."""
    status = error.code or 500
    code, message = FRAMEWORK.get(status, FRAMEWORK[400] if status < 500 else FRAMEWORK[500])
    headers = {"Connection": "close"} if status in UNREAD else {}
    if methods := getattr(error, "valid_methods", None):
        headers["Allow"] = ", ".join(sorted(methods))
    return problem(status, code, message, headers=headers)


async def crashed(error: Exception) -> Response:
    """A mistake of ours: logged with its request id, and told without its internals."""
    log.error("crash", request_id=request.request_id, exc_info=error)
    return problem(500, *FRAMEWORK[500])


def problem(status: int, code: str, message: str, *, headers: dict[str, str] | None = None, **more: Any) -> Response:
    """The error shape of the contract."""
    phrase = RENAMED.get(status) or HTTPStatus(status).phrase
    content = {"error": phrase, "code": code, "message": message, "request_id": request.request_id, **more}
    return Response(to_json(content), status, headers, content_type="application/json")


def _headers(error: DomainError) -> dict[str, str]:
    if isinstance(error, Unauthenticated):
        return {"WWW-Authenticate": "Bearer"}
    return {"Retry-After": str(error.retry_after)} if isinstance(error, (TooManyRequests, Unavailable)) else {}


def _particulars(error: DomainError) -> dict[str, Any]:
    particulars: dict[str, Any] = {}
    if missing := getattr(error, "missing_fields", None):
        particulars["missing_fields"] = missing
    if details := getattr(error, "details", None):
        particulars["details"] = [asdict(detail) for detail in details]
    return particulars

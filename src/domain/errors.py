"""What can go wrong, in words. Each family is one status at the edge; each leaf is a code that clients switch on."""

from collections.abc import Sequence
from typing import ClassVar

from domain.values import value


class DomainError(Exception):
    """A refusal that the caller is told about: `code` is for programs and stable, `message` is for people."""

    code: ClassVar[str]
    message: str

    def __init__(self) -> None:
        super().__init__(self.message)


class Unauthenticated(DomainError):
    """Nobody we know is asking."""


class Forbidden(DomainError):
    """Somebody we know asks for what is not theirs."""


class NotFound(DomainError):
    """It is not there, or not for this reader to know of."""


class Conflict(DomainError):
    """The request is sound but cannot be had as things stand."""


class PreconditionFailed(DomainError):
    """The caller knows another version than the one that is there."""

    code = "precondition_failed"
    message = "It was changed meanwhile; look at it again first"


class Unprocessable(DomainError):
    """The request is sound by itself, but contradicts an earlier one."""


class Invalid(DomainError):
    """The request itself is wrong."""


class Unavailable(DomainError):
    """It cannot be done now; the same request may succeed once `Retry-After` is over."""

    code = "unavailable"
    message = "The service is not available right now"
    retry_after: ClassVar[int] = 2


class TooManyRequests(DomainError):
    """A quota is used up; the same request may succeed once `Retry-After` is over."""

    code = "too_many_requests"
    message = "Too many requests; try again later"

    def __init__(self, retry_after: int) -> None:
        super().__init__()
        self.retry_after = retry_after


class NotReady(Unavailable):
    """This process should not be sent requests now; the message says why."""

    def __init__(self, reason: str) -> None:
        self.message = reason
        super().__init__()


class Overloaded(Unavailable):
    """More requests are here than this process can work on."""


class Unrecorded(Unavailable):
    """A wrong password could not be noted in the audit trail."""


class TookTooLong(Unavailable):
    """The request was given up, and what it had begun was undone."""


class TokenMissing(Unauthenticated):
    """A call that needs a signed-in user came without a token."""

    code = "token_missing"
    message = "Sign in first: a bearer token is required"


class TokenInvalid(Unauthenticated):
    """The token is malformed or forged, or is meant for another server."""

    code = "token_invalid"
    message = "The access token is not valid"


class TokenExpired(Unauthenticated):
    """The access token's time is over; refresh it."""

    code = "token_expired"
    message = "The access token has expired"


class SessionEnded(Unauthenticated):
    """The token's session is over: signed out, ended by a new password or by newer sessions, or too old."""

    code = "session_ended"
    message = "The session has ended"


class UserInactive(Unauthenticated):
    """The token's user was deactivated or removed."""

    code = "user_inactive"
    message = "User not found or inactive"


class InvalidCredentials(Unauthenticated):
    """At sign-in, the address has no active account or the password is wrong."""

    code = "invalid_credentials"
    message = "Invalid credentials"


class RefreshInvalid(Unauthenticated):
    """The refresh token is malformed or forged, or its session is over."""

    code = "refresh_invalid"
    message = "The refresh token is not valid"


class RefreshReused(Unauthenticated):
    """The refresh token was exchanged earlier, and not only in the last 10 seconds; its session ends."""

    code = "refresh_reused"
    message = "This refresh token was used before; its session has ended"


class WrongPassword(Invalid):
    """The password that a signed-in user has to repeat is wrong."""

    code = "wrong_password"
    message = "The password is not right"


class LinkInvalid(Invalid):
    """The token of a mailed link was used, replaced or is too old, or never was one."""

    code = "link_invalid"
    message = "This link does not work any more"


class MissingCredentials(Invalid):
    """At sign-in, address or password is absent or empty."""

    code = "missing_credentials"
    message = "Missing credentials"


class AdminRequired(Forbidden):
    """Only admins may, and the caller is none."""

    code = "admin_required"
    message = "Admin access required"


class RegistrationClosed(Forbidden):
    """`REGISTRATION=closed`, and somebody wants to make an account."""

    code = "registration_closed"
    message = "Only admins make accounts here"


class NotYours(Forbidden):
    """It is somebody else's, or a part of one's own that only admins change."""

    code = "forbidden"
    message = "Unauthorized"


class UserNotFound(NotFound):
    """There is no user with this id."""

    code = "user_not_found"
    message = "User not found"


class SessionNotFound(NotFound):
    """The caller has no session with this id."""

    code = "session_not_found"
    message = "Session not found"


class PostNotFound(NotFound):
    """There is no post with this id, or it is a draft that the caller may not see."""

    code = "post_not_found"
    message = "Post not found"


class EmailTaken(Conflict):
    """The address has an account."""

    code = "email_taken"
    message = "Email already exists"


class LastAdmin(Conflict):
    """The change would leave no active admin."""

    code = "last_admin"
    message = "The last active admin cannot be deleted, demoted or deactivated"


class IdempotencyInProgress(Conflict):
    """A request came again while the first one with its key is still worked on."""

    code = "idempotency_in_progress"
    message = "The first request with this Idempotency-Key is still running; ask again"


class IdempotencyKeyReused(Unprocessable):
    """The same `Idempotency-Key` came with another body or to another path."""

    code = "idempotency_key_reused"
    message = "This Idempotency-Key was used for another request"


@value
class Detail:
    """What is wrong with one field."""

    field: str
    code: str
    message: str


class BadCursor(Invalid):
    """The cursor is damaged, or is of a list with another order or other filters."""

    code = "bad_cursor"
    message = "This cursor does not belong to this list; start again without it"


class NotJson(Invalid):
    """The body's `Content-Type` is not JSON."""

    code = "not_json"
    message = "Request body must be JSON"


class BadJson(Invalid):
    """The body does not parse as JSON, or is something else than an object."""

    code = "bad_json"
    message = "Request body is not a JSON object"


class MissingFields(Invalid):
    """Required fields are absent; `missing_fields` names them."""

    code = "missing_fields"
    message = "Missing required fields"

    def __init__(self, fields: Sequence[str]) -> None:
        super().__init__()
        self.missing_fields = list(fields)


class InvalidFields(Invalid):
    """Fields are unknown or have wrong values; `details` says which and why."""

    code = "invalid_fields"
    message = "Some fields have values that cannot be taken"

    def __init__(self, details: Sequence[Detail]) -> None:
        self.details = list(details)
        self.message = next((detail.message for detail in details if detail.code == "email_format"), self.message)
        super().__init__()


class InvalidQuery(InvalidFields):
    """Query parameters are unknown, repeated or out of range; `details` says which and why."""

    code = "invalid_query"
    message = "Some query parameters cannot be taken"

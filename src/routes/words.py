"""What the document of the API says to people."""

from typing import Any

ABOUT = """\
Accounts, sessions, a user directory and posts that belong to their authors.

**Signing in.** `login` gives an access token of 15 minutes, which goes into `Authorization: Bearer`, and a refresh
token, which `refresh` exchanges for the next pair. Where signing in is optional, a bad token is refused all the same.

**Failures** have one shape on every path: `code` is for programs and stable, `message` is for people, `request_id` is
also in `X-Request-ID`. A path that there is not is 404 `not_found`; a method that a path does not take is 405
`method_not_allowed` with `Allow`. What is not understood at all ends with the server's bare 400 or 431.

**Conditions.** A single user or post bears an `ETag`. `If-None-Match` saves fetching again what has not changed (304),
`If-Match` keeps from overwriting what somebody else has changed (412).

**Again.** With an `Idempotency-Key`, a request whose answer was lost can be sent again: it is done once, and for 24
hours answered the same.

**Lists** are read by `page`, or by `cursor` at a cost that does not grow with the depth; `Link` leads on.

`HEAD` and `OPTIONS` work on every path. Every answer also carries `X-Content-Type-Options`, `Content-Security-Policy`
and `Referrer-Policy`, over HTTPS `Strict-Transport-Security` where that is set, and for allowed origins the headers of
CORS. Answers above 1 KiB are gzipped when asked for, unless they bear an `ETag` or carry tokens. Times are RFC 3339 in
UTC; ids are UUIDs in the order of creation."""

TAGS = {
    "Account": "Signing in and out, and one's own account",
    "Users": "The directory",
    "Posts": "Drafts and what was published",
    "Audit": "Who did what",
    "Server": "Pages, and what machines ask",
}
TAG_OF = {
    "auth": "Account",
    "links": "Account",
    "link_pages": "Server",
    "users": "Users",
    "posts": "Posts",
    "audit": "Audit",
}

OUTCOMES = {
    200: "Here it is",
    201: "Made",
    202: "Accepted: mail is on its way, or there was nothing to send",
    204: "Done",
    304: "Nothing has changed since the answer with that ETag",
}

# When the framework refuses by itself (routes.errors.FRAMEWORK has code and sentence).
FRAMEWORK_REFUSES = {
    400: "The framework cannot make sense of the request.",
    404: "There is no such path; `/metrics` to whoever may not see it.",
    405: "The path does not take this method; `Allow` says which it takes.",
    408: "The body took longer than `BODY_TIMEOUT_SECONDS`.",
    413: "The body is larger than `BODY_LIMIT_BYTES`.",
    431: "The headers are larger than 16 KiB.",
    500: "A mistake in the server; the log has it under the `request_id`.",
}

PARAMETERS = {
    "page": "Which page, from 1 on; not together with `cursor`",
    "limit": "How many rows at most",
    "cursor": "Instead of `page`: the `next_cursor` of the answer before, with the same other parameters",
    "total": (
        "How to count all rows; `none` leaves `total` and `pages` null, and so does a search that takes too long. "
        "Pages of that may be short, or empty, and go on as long as there is a `next_cursor`; the newest come first"
    ),
    "q": "Of users: a part of the e-mail address or a name. Of posts: words, as in a web search",
    "sort": "The order; `-` in front means descending. A search of posts has the best first unless this is given",
    "role": "Those of this role alone",
    "is_active": "Those active, or not; for admins",
    "created_from": "Those made at this time or later",
    "created_to": "Those made before this time",
    "author": "Those of this author alone",
    "published_from": "Those published at this time or later",
    "published_to": "Those published before this time",
    "mine": "The caller's own posts, drafts too; for callers who are signed in",
    "published": "With `mine`: those published, or those not",
    "actor": "What this user did",
    "target": "What was done to this user or post",
    "action": "Events of this kind",
    "from": "What happened at this time or later",
    "to": "What happened before this time",
}

_TEXT = {"type": "string"}

SENT: dict[str, dict[str, Any]] = {
    "X-Request-ID": {
        "description": "A name for this request, found again in the answer and the log; 1 to 64 letters, digits and "
        "`._-`, otherwise another one is made",
        "schema": _TEXT,
    },
    "If-None-Match": {"description": "ETags that the caller has: 304 if one of them is right", "schema": _TEXT},
    "If-Match": {
        "description": "The ETag that the change is meant for, in its quotes, or several: 412 if none is right",
        "schema": {"type": "string", "pattern": '^(\\*|(W/)?"[!#-~]*"(, ?(W/)?"[!#-~]*")*)$'},
    },
    "Idempotency-Key": {
        "description": "The caller's own name for this piece of work, which is then done once",
        "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
    },
}

HEADERS: dict[str, dict[str, Any]] = {
    "X-Request-ID": {
        "description": "The request's id, as in the log",
        "required": True,
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$"},
    },
    "Cache-Control": {
        "description": "`no-store`, or `private, no-cache` with an ETag; files of pages are `public`",
        "required": True,
        "schema": _TEXT,
    },
    "Vary": {"description": "Which headers of the request made a difference", "schema": _TEXT},
    "RateLimit": {
        "description": 'What is left of the quotas that the request used, as `"name";r=remaining;t=seconds`',
        "schema": _TEXT,
    },
    "RateLimit-Policy": {"description": 'These quotas, as `"name";q=quota;w=seconds`', "schema": _TEXT},
    "Retry-After": {"description": "Seconds to wait", "required": True, "schema": {"type": "integer", "minimum": 1}},
    "Location": {"description": "Where it is, as a relative reference", "required": True, "schema": _TEXT},
    "Link": {
        "description": 'Relative references with rel="first", "prev" and "next" (RFC 8288)',
        "required": True,
        "schema": _TEXT,
    },
    "ETag": {
        "description": "Names this version, as this reader sees it",
        "required": True,
        "schema": {"type": "string", "pattern": '^"[!#-~]+"$'},
    },
    "Idempotency-Replayed": {"description": "The work was done before", "schema": {"type": "string", "const": "true"}},
    "WWW-Authenticate": {
        "description": "How to sign in",
        "required": True,
        "schema": {"type": "string", "const": "Bearer"},
    },
}

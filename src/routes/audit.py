"""/api/audit: what was done, for admins."""

from pydantic import TypeAdapter
from quart import Blueprint, Response

from domain.audit import AuditEvent
from domain.errors import BadCursor
from domain.pages import Page
from routes.documented import documented
from routes.http import actor, query, reply_page, services
from service.audit import AuditListing

audit = Blueprint("audit", __name__, url_prefix="/api/audit")

EVENTS = TypeAdapter(Page[AuditEvent])


@audit.get("")
@documented(
    "listAuditEvents",
    "What was done: accounts, sign-ins, sessions, and what admins do",
    {200: Page[AuditEvent]},
    caller="admin",
    query=AuditListing,
    errors=(BadCursor,),
)
async def index() -> Response:
    return reply_page(EVENTS, await services.audit.list(await actor(), query(AuditListing)))

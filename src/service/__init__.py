"""The use cases, a class for each family of them."""

from domain.values import value
from service.account import AccountService
from service.audit import AuditService
from service.auth import AuthService
from service.idempotency import Idempotency
from service.links import LinkService
from service.mail import MailService
from service.posts import PostService
from service.sessions import SessionService
from service.throttles import ThrottleService
from service.tokens import AccessTokens
from service.users import UserService


@value
class Services:
    """Every service, built once by the composition root."""

    access_tokens: AccessTokens
    account: AccountService
    audit: AuditService
    auth: AuthService
    idempotency: Idempotency
    links: LinkService
    mail: MailService
    sessions: SessionService
    users: UserService
    posts: PostService
    throttles: ThrottleService

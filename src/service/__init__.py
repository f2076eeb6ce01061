"""The use cases, a class for each family of them."""

from dataclasses import dataclass

from service.auth import AuthService
from service.posts import PostService
from service.users import UserService


@dataclass(frozen=True, slots=True)
class Services:
    """Every service, built once by the composition root."""

    auth: AuthService
    users: UserService
    posts: PostService

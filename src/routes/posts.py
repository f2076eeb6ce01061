"""/api/posts, and the posts of one author."""

from typing import Any

from pydantic import TypeAdapter
from quart import Blueprint, Response
from typing_extensions import TypedDict

from domain.errors import PostNotFound, UserNotFound
from domain.pages import Page
from domain.posts import FoundPost, Post
from routes.conditional import expected, reply_tagged
from routes.http import actor, body, no_content, no_query, path_id, query, reply_page, request, services, visitor
from routes.idempotency import once
from service.posts import AuthorListing, NewPost, PostChanges, PostListing

posts = Blueprint("posts", __name__, url_prefix="/api")


class OnePost(TypedDict):
    """A post."""

    post: Post


POST = TypeAdapter(OnePost)
POSTS: TypeAdapter[Page[Any]] = TypeAdapter(Page[Post])
FOUND: TypeAdapter[Page[Any]] = TypeAdapter(Page[FoundPost])


def one(post: Post) -> Response:
    return reply_tagged(POST, OnePost(post=post), post)


def made(post: Post) -> Response:
    return reply_tagged(POST, OnePost(post=post), post, 201, location=f"/api/posts/{post.id}")


def reply_posts(listing: AuthorListing, page: Page[Post]) -> Response:
    return reply_page(FOUND if listing.q else POSTS, page)


@posts.get("/posts")
async def index() -> Response:
    reader = await (actor() if request.args.get("mine") == "true" else visitor())
    listing = query(PostListing)
    return reply_posts(listing, await services.posts.list(reader, listing))


@posts.get("/users/<user_id>/posts")
async def index_by(user_id: str) -> Response:
    await visitor()
    listing = query(AuthorListing)
    return reply_posts(listing, await services.posts.list_by(path_id(user_id, UserNotFound), listing))


@posts.post("/posts")
async def create() -> Response:
    author, one_time = await actor(), await once(made)
    return made(await services.posts.create(author, await body(NewPost), one_time))


@posts.get("/posts/<post_id>")
async def show(post_id: str) -> Response:
    asking = await visitor()
    no_query()
    return one(await services.posts.get(asking, path_id(post_id, PostNotFound)))


@posts.patch("/posts/<post_id>")
async def change(post_id: str) -> Response:
    asking, changes = await actor(), await body(PostChanges)
    return one(await services.posts.change(asking, path_id(post_id, PostNotFound), changes, expected()))


@posts.delete("/posts/<post_id>")
async def remove(post_id: str) -> Response:
    asking = await actor()
    no_query()
    await services.posts.remove(asking, path_id(post_id, PostNotFound), expected())
    return no_content()

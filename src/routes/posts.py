"""/api/posts, and the posts of one author."""

from typing import Any

from pydantic import TypeAdapter
from quart import Blueprint, Response
from typing_extensions import TypedDict

from domain.errors import BadCursor, NotYours, PostNotFound, TokenMissing, UserNotFound
from domain.pages import Page
from domain.posts import FoundPost, Post
from routes.adapters import adapter_of
from routes.conditional import expected, reply_tagged
from routes.documented import documented
from routes.http import actor, body, no_content, no_query, path_id, query, reply_page, said, services, visitor
from routes.idempotency import once
from service.posts import AuthorListing, NewPost, PostChanges, PostListing

posts = Blueprint("posts", __name__, url_prefix="/api")


class OnePost(TypedDict):
    """A post."""

    post: Post


POST = adapter_of(OnePost)
POSTS: TypeAdapter[Page[Any]] = adapter_of(Page[Post])
FOUND: TypeAdapter[Page[Any]] = adapter_of(Page[FoundPost])


def one(post: Post) -> Response:
    return reply_tagged(POST, OnePost(post=post), post)


def made(post: Post) -> Response:
    return reply_tagged(POST, OnePost(post=post), post, 201, location=f"/api/posts/{post.id}")


def reply_posts(listing: AuthorListing, page: Page[Post]) -> Response:
    return reply_page(FOUND if listing.q else POSTS, page)


@posts.get("/posts")
@documented(
    "listPosts",
    "Published posts, or one's own",
    {200: Page[FoundPost | Post]},
    caller="visitor",
    query=PostListing,
    errors=(TokenMissing, BadCursor),
)
async def index() -> Response:
    reader = await (actor() if said("mine") == "true" else visitor())
    listing = query(PostListing)
    return reply_posts(listing, await services.posts.list(reader, listing))


@posts.get("/users/<user_id>/posts")
@documented(
    "listPostsOfUser",
    "What a user has published",
    {200: Page[FoundPost | Post]},
    caller="visitor",
    query=AuthorListing,
    errors=(UserNotFound, BadCursor),
)
async def index_by(user_id: str) -> Response:
    await visitor()
    listing = query(AuthorListing)
    return reply_posts(listing, await services.posts.list_by(path_id(user_id, UserNotFound), listing))


@posts.post("/posts")
@documented("createPost", "Write a post", {201: OnePost}, caller="user", body=NewPost, tagged=True, once=True)
async def create() -> Response:
    author, one_time = await actor(), await once(made)
    return made(await services.posts.create(author, await body(NewPost), one_time))


@posts.get("/posts/<post_id>")
@documented("getPost", "One post", {200: OnePost}, caller="visitor", errors=(PostNotFound,), tagged=True)
async def show(post_id: str) -> Response:
    asking = await visitor()
    no_query()
    return one(await services.posts.get(asking, path_id(post_id, PostNotFound)))


@posts.patch("/posts/<post_id>")
@documented(
    "updatePost",
    "Change a post, publish it or hide it",
    {200: OnePost},
    caller="user",
    body=PostChanges,
    errors=(NotYours, PostNotFound),
    tagged=True,
)
async def change(post_id: str) -> Response:
    asking, changes = await actor(), await body(PostChanges)
    return one(await services.posts.change(asking, path_id(post_id, PostNotFound), changes, expected()))


@posts.delete("/posts/<post_id>")
@documented("deletePost", "Remove a post", {204: None}, caller="user", errors=(NotYours, PostNotFound), tagged=True)
async def remove(post_id: str) -> Response:
    asking = await actor()
    no_query()
    await services.posts.remove(asking, path_id(post_id, PostNotFound), expected())
    return no_content()

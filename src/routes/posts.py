"""/api/posts, and the posts of one author."""

from pydantic import TypeAdapter
from quart import Blueprint, Response
from typing_extensions import TypedDict

from domain.errors import PostNotFound, UserNotFound
from domain.pages import Page
from domain.posts import FoundPost, Post
from routes.http import actor, body, no_content, no_query, path_id, query, reply, reply_page, request, services, visitor
from service.posts import AuthorListing, NewPost, PostChanges, PostListing

posts = Blueprint("posts", __name__, url_prefix="/api")


class OnePost(TypedDict):
    """A post."""

    post: Post


POST = TypeAdapter(OnePost)
POSTS = TypeAdapter(Page[FoundPost | Post])


@posts.get("/posts")
async def index() -> Response:
    reader = await (actor() if request.args.get("mine") == "true" else visitor())
    return reply_page(POSTS, await services.posts.list(reader, query(PostListing)))


@posts.get("/users/<user_id>/posts")
async def index_by(user_id: str) -> Response:
    await visitor()
    listing = query(AuthorListing)
    return reply_page(POSTS, await services.posts.list_by(path_id(user_id, UserNotFound), listing))


@posts.post("/posts")
async def create() -> Response:
    post = await services.posts.create(await actor(), await body(NewPost))
    return reply(POST, OnePost(post=post), 201, location=f"/api/posts/{post.id}")


@posts.get("/posts/<post_id>")
async def show(post_id: str) -> Response:
    asking = await visitor()
    no_query()
    return reply(POST, OnePost(post=await services.posts.get(asking, path_id(post_id, PostNotFound))))


@posts.patch("/posts/<post_id>")
async def change(post_id: str) -> Response:
    asking, changes = await actor(), await body(PostChanges)
    return reply(POST, OnePost(post=await services.posts.change(asking, path_id(post_id, PostNotFound), changes)))


@posts.delete("/posts/<post_id>")
async def remove(post_id: str) -> Response:
    asking = await actor()
    no_query()
    await services.posts.remove(asking, path_id(post_id, PostNotFound))
    return no_content()

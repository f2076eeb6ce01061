"""FastAPI with a session for each request, ORM entities and response models, as its documentation teaches."""

import asyncio
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import UUID, uuid4

import jwt
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import OAuth2PasswordBearer
from pwdlib import PasswordHash
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import DateTime, ForeignKey, Index, func, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

SECRET, ALGORITHM, LIFETIME = os.environ.get("JWT_SECRET_KEY", ""), "HS256", timedelta(hours=1)

engine = create_async_engine(os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+asyncpg://"))
sessions = async_sessionmaker(engine, expire_on_commit=False)
passwords = PasswordHash.recommended()
scheme = OAuth2PasswordBearer(tokenUrl="/api/auth/login")
app = FastAPI()


def now() -> datetime:
    return datetime.now(UTC)


class Base(DeclarativeBase):
    """Every table here."""

    type_annotation_map = {datetime: DateTime(timezone=True)}  # noqa: RUF012  SQLAlchemy's own way


class User(Base):
    """A user."""

    __tablename__ = "users"
    __table_args__ = (Index("ix_users_created_at_id", "created_at", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    email: Mapped[str] = mapped_column(unique=True)
    password_hash: Mapped[str]
    first_name: Mapped[str | None]
    last_name: Mapped[str | None]
    role: Mapped[str] = mapped_column(default="user")
    is_active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now, onupdate=now)


class Post(Base):
    """A post."""

    __tablename__ = "posts"
    __table_args__ = (Index("ix_posts_published", "created_at", "id", postgresql_where=text("published")),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    title: Mapped[str]
    content: Mapped[str]
    published: Mapped[bool] = mapped_column(default=False)
    author_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now, onupdate=now)


class UserOut(BaseModel):
    """A user, as it is answered."""

    model_config = ConfigDict(from_attributes=True)
    id: UUID
    email: str
    first_name: str | None
    last_name: str | None
    role: str
    created_at: datetime


class PostOut(BaseModel):
    """A post, as it is answered."""

    model_config = ConfigDict(from_attributes=True)
    id: UUID
    title: str
    content: str
    published: bool
    author_id: UUID
    created_at: datetime
    updated_at: datetime


class OneUser(BaseModel):
    """One user."""

    user: UserOut


class OnePost(BaseModel):
    """One post."""

    post: PostOut


class Pagination(BaseModel):
    """Where a page lies."""

    page: int
    limit: int
    total: int
    pages: int


class Users(BaseModel):
    """A page of users."""

    data: list[UserOut]
    pagination: Pagination


class Posts(BaseModel):
    """The newest posts."""

    data: list[PostOut]


class NewPost(BaseModel):
    """A post to write."""

    title: str = Field(min_length=1, max_length=255)
    content: str = Field(min_length=1)
    published: bool = False


class Credentials(BaseModel):
    """Who signs in."""

    email: str
    password: str


class SignedIn(BaseModel):
    """The token, and whose it is."""

    access_token: str
    token_type: str
    user: UserOut


async def get_session() -> AsyncIterator[AsyncSession]:
    async with sessions() as session:
        yield session


Session = Annotated[AsyncSession, Depends(get_session)]


async def get_current_user(token: Annotated[str, Depends(scheme)], session: Session) -> User:
    refused = HTTPException(401, "Could not validate credentials", {"WWW-Authenticate": "Bearer"})
    try:
        user_id = UUID(jwt.decode(token, SECRET, algorithms=[ALGORITHM])["sub"])
    except (jwt.InvalidTokenError, ValueError, KeyError):
        raise refused from None
    user = await session.get(User, user_id)
    if user is None:
        raise refused
    return user


async def get_current_active_user(user: Annotated[User, Depends(get_current_user)]) -> User:
    if not user.is_active:
        raise HTTPException(401, "Inactive user")
    return user


Caller = Annotated[User, Depends(get_current_active_user)]


@app.get("/healthz")
async def health() -> dict[str, str]:
    return {"status": "ok"}


@app.post("/api/auth/login", response_model=SignedIn)
async def login(sent: Credentials, session: Session) -> object:
    user = await session.scalar(select(User).where(User.email == sent.email))
    if user is None or not passwords.verify(sent.password, user.password_hash):
        raise HTTPException(401, "Incorrect username or password", {"WWW-Authenticate": "Bearer"})
    token = jwt.encode({"sub": str(user.id), "exp": now() + LIFETIME}, SECRET, ALGORITHM)
    return {"access_token": token, "token_type": "bearer", "user": user}


@app.get("/api/auth/profile", response_model=OneUser)
async def profile(caller: Caller) -> object:
    return {"user": caller}


@app.get("/api/users", response_model=Users)
async def list_users(caller: Caller, session: Session, page: int = 1, limit: int = 20, q: str = "") -> object:
    found, counted = select(User), select(func.count()).select_from(User)
    if q:
        matches = or_(User.email.ilike(f"%{q}%"), User.first_name.ilike(f"%{q}%"))
        found, counted = found.where(matches), counted.where(matches)
    total = await session.scalar(counted) or 0
    found = found.order_by(User.created_at, User.id).offset((page - 1) * limit).limit(limit)
    pagination = {"page": page, "limit": limit, "total": total, "pages": -(-total // limit)}
    return {"data": (await session.scalars(found)).all(), "pagination": pagination}


@app.get("/api/users/{user_id}", response_model=OneUser)
async def get_user(user_id: UUID, caller: Caller, session: Session) -> object:
    user = await session.get(User, user_id)
    if user is None:
        raise HTTPException(404, "User not found")
    return {"user": user}


@app.get("/api/posts", response_model=Posts)
async def list_posts(caller: Caller, session: Session, limit: int = 20) -> object:
    newest = select(Post).where(Post.published).order_by(Post.created_at.desc(), Post.id.desc()).limit(limit)
    return {"data": (await session.scalars(newest)).all()}


@app.post("/api/posts", response_model=OnePost, status_code=201)
async def create_post(new: NewPost, caller: Caller, session: Session) -> object:
    post = Post(**new.model_dump(), author_id=caller.id)
    session.add(post)
    await session.commit()
    return {"post": post}


async def _make_tables() -> None:
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    await engine.dispose()


def make_tables() -> None:
    asyncio.run(_make_tables())

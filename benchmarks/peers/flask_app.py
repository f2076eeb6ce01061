"""What the customer's document describes, in Flask, Flask-SQLAlchemy and Flask-JWT-Extended, with what it leaves out.

Completed: posts have routes, lists an order with indexes for it and ids are read as UUIDs, without which it does not
run; the user is kept in `g`, since Flask's request takes no attributes of others.
"""

import os
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from typing import Any

from flask import Flask, g, jsonify, request
from flask.typing import ResponseReturnValue
from flask_cors import CORS
from flask_jwt_extended import JWTManager, create_access_token, get_jwt_identity, jwt_required
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import or_
from sqlalchemy.dialects.postgresql import UUID
from werkzeug.security import check_password_hash

app = Flask(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+psycopg://")
app.config["JWT_SECRET_KEY"] = os.environ.get("JWT_SECRET_KEY", "")
app.json.sort_keys = False  # type: ignore[attr-defined]
db = SQLAlchemy(app)
JWTManager(app)
CORS(app)


def now() -> datetime:
    """UTC without saying so, as the customer's columns hold it."""
    return datetime.now(UTC).replace(tzinfo=None)


class User(db.Model):  # type: ignore[name-defined]
    """A user."""

    __tablename__ = "users"
    __table_args__ = (db.Index("ix_users_created_at_id", "created_at", "id"),)

    id = db.Column(UUID(as_uuid=True), primary_key=True, default=uuid.uuid4)
    email = db.Column(db.String(255), unique=True, nullable=False, index=True)
    password_hash = db.Column(db.String(255), nullable=False)
    first_name = db.Column(db.String(100))
    last_name = db.Column(db.String(100))
    role = db.Column(db.String(20), default="user", index=True)
    is_active = db.Column(db.Boolean, default=True)
    created_at = db.Column(db.DateTime, default=now, nullable=False)
    updated_at = db.Column(db.DateTime, default=now, onupdate=now)

    def to_dict(self) -> dict[str, Any]:
        return {
            "id": str(self.id),
            "email": self.email,
            "first_name": self.first_name,
            "last_name": self.last_name,
            "role": self.role,
            "created_at": self.created_at.isoformat(),
        }


class Post(db.Model):  # type: ignore[name-defined]
    """A post."""

    __tablename__ = "posts"
    __table_args__ = (db.Index("ix_posts_published", "created_at", "id", postgresql_where=db.text("published")),)

    id = db.Column(UUID(as_uuid=True), primary_key=True, default=uuid.uuid4)
    title = db.Column(db.String(255), nullable=False, index=True)
    content = db.Column(db.Text, nullable=False)
    published = db.Column(db.Boolean, default=False)
    user_id = db.Column(UUID(as_uuid=True), db.ForeignKey("users.id"), nullable=False)
    created_at = db.Column(db.DateTime, default=now, nullable=False)
    updated_at = db.Column(db.DateTime, default=now, onupdate=now)

    def to_dict(self) -> dict[str, Any]:
        return {
            "id": str(self.id),
            "title": self.title,
            "content": self.content,
            "published": self.published,
            "author_id": str(self.user_id),
            "created_at": self.created_at.isoformat(),
        }


def login_required(view: Callable[..., ResponseReturnValue]) -> Callable[..., ResponseReturnValue]:
    @wraps(view)
    @jwt_required()
    def checked(*args: Any, **kwargs: Any) -> ResponseReturnValue:
        user = db.session.get(User, uuid.UUID(get_jwt_identity()))
        if user is None or not user.is_active:
            return jsonify({"error": "User not found or inactive"}), 401
        g.user = user
        return view(*args, **kwargs)

    return checked


@app.before_request
def assign_request_id() -> None:
    g.request_id = str(uuid.uuid4())


@app.get("/healthz")
def health() -> ResponseReturnValue:
    return jsonify({"status": "ok"})


@app.post("/api/auth/login")
def login() -> ResponseReturnValue:
    sent = request.get_json()
    if not sent or not sent.get("email") or not sent.get("password"):
        return jsonify({"error": "Missing credentials"}), 400
    user = User.query.filter_by(email=sent["email"]).first()
    if user is None or not check_password_hash(user.password_hash, sent["password"]):
        return jsonify({"error": "Invalid credentials"}), 401
    return jsonify({"access_token": create_access_token(identity=str(user.id)), "user": user.to_dict()})


@app.get("/api/auth/profile")
@login_required
def profile() -> ResponseReturnValue:
    return jsonify({"user": g.user.to_dict()})


@app.get("/api/users")
@login_required
def list_users() -> ResponseReturnValue:
    page, limit = request.args.get("page", 1, type=int), request.args.get("limit", 20, type=int)
    query = User.query
    if search := request.args.get("q", ""):
        query = query.filter(or_(User.email.ilike(f"%{search}%"), User.first_name.ilike(f"%{search}%")))
    found = query.order_by(User.created_at, User.id).paginate(page=page, per_page=limit)
    pagination = {"page": page, "limit": limit, "total": found.total, "pages": found.pages}
    return jsonify({"data": [user.to_dict() for user in found.items], "pagination": pagination})


@app.get("/api/users/<uuid:user_id>")
@login_required
def get_user(user_id: uuid.UUID) -> ResponseReturnValue:
    user = db.session.get(User, user_id)
    if user is None:
        return jsonify({"error": "User not found"}), 404
    return jsonify({"user": user.to_dict()})


@app.get("/api/posts")
@login_required
def list_posts() -> ResponseReturnValue:
    newest = Post.query.filter(Post.published).order_by(Post.created_at.desc(), Post.id.desc())
    found = newest.limit(request.args.get("limit", 20, type=int)).all()
    return jsonify({"data": [post.to_dict() for post in found]})


@app.post("/api/posts")
@login_required
def create_post() -> ResponseReturnValue:
    sent = request.get_json()
    missing = [name for name in ("title", "content") if name not in sent]
    if missing:
        return jsonify({"error": "Missing required fields", "missing_fields": missing}), 400
    published = sent.get("published", False)
    post = Post(title=sent["title"], content=sent["content"], published=published, user_id=g.user.id)
    db.session.add(post)
    db.session.commit()
    return jsonify({"post": post.to_dict()}), 201


def make_tables() -> None:
    with app.app_context():
        db.create_all()

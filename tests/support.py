"""What tests are written with: a client that speaks to the app, people who use it, and the trail they leave."""

import json as jsonlib
from dataclasses import dataclass, field
from typing import Any

from quart import Quart
from werkzeug.datastructures import Headers

from domain.audit import AuditEvent, AuditFilter
from domain.pages import Cut
from service.ports import Store
from tests.documented import check_answer as check_answer  # a name of this module too, which a test replaces

PASSWORD = "a fine long password"


@dataclass
class Answer:
    """What came back."""

    status: int
    body: bytes
    headers: Any

    @property
    def json(self) -> Any:
        return jsonlib.loads(self.body)

    @property
    def code(self) -> str:
        code: str = self.json["code"]
        return code


@dataclass
class Client:
    """Sends requests to the app, signed in if `token` is set; `me` is then the user."""

    app: Quart
    token: str | None = None
    me: dict[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return str(self.me["id"])

    async def send(
        self, method: str, path: str, *, headers: dict[str, str] | Headers | None = None, **more: Any
    ) -> Answer:
        response = await self._caller().open(path, method=method, headers=self._sent(headers), **more)
        return self._checked(
            method, path, Answer(response.status_code, await response.get_data(as_text=False), response.headers)
        )

    async def wire(self, method: str, path: str, headers: dict[str, str] | Headers | None = None) -> Answer:
        """What the server is given to send; to `send`, Quart's client adds a Content-Type where there is none."""
        async with self._caller().request(path, method=method, headers=self._sent(headers)) as connection:
            await connection.send_complete()
        answer = Answer(connection.status_code or 0, bytes(connection.response_data), connection.headers)
        return self._checked(method, path, answer)

    def _checked(self, method: str, path: str, answer: Answer) -> Answer:
        """Whatever a test asks for: the answer has to be what the document of the API says."""
        check_answer(self.app, method, path, answer.status, answer.headers, answer.body)
        return answer

    def _caller(self) -> Any:
        return self.app.test_client(use_cookies=False)

    def _sent(self, headers: dict[str, str] | Headers | None) -> Headers:
        sent = Headers({"Authorization": f"Bearer {self.token}"} if self.token else {})
        sent.extend(headers or {})
        return sent

    async def get(self, path: str, **more: Any) -> Answer:
        return await self.send("GET", path, **more)

    async def post(self, path: str, json: object, **more: Any) -> Answer:
        return await self.send("POST", path, json=json, **more)

    async def patch(self, path: str, json: object, **more: Any) -> Answer:
        return await self.send("PATCH", path, json=json, **more)

    async def delete(self, path: str, **more: Any) -> Answer:
        return await self.send("DELETE", path, **more)

    async def sign_in(self, email: str, password: str = PASSWORD) -> "Client":
        answer = await self.post("/api/auth/login", {"email": email, "password": password})
        assert answer.status == 200, answer.body
        return Client(self.app, answer.json["access_token"], answer.json["user"])

    async def join(self, email: str, **more: str) -> "Client":
        """Registers and signs in."""
        answer = await self.post("/api/auth/register", {"email": email, "password": PASSWORD, **more})
        assert answer.status == 201, answer.body
        return await self.sign_in(email)

    async def write(self, title: str = "A title", *, content: str = "Some text.", published: bool = True) -> Any:
        """Creates a post of this user's."""
        answer = await self.post("/api/posts", {"title": title, "content": content, "published": published})
        assert answer.status == 201, answer.body
        return answer.json["post"]


async def trail(store: Store) -> list[AuditEvent]:
    """What was written down, in the order of ids."""
    async with store.read() as work:
        return list((await work.audit.find(AuditFilter(), Cut("id", 1000))).rows)

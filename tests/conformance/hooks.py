"""Signs schemathesis in, again and again: among the calls that it tries are those that sign it out."""

import os
from typing import Any

import httpx
import schemathesis


@schemathesis.auth(refresh_interval=2)
class SignIn:
    """By the e-mail address and the password of the environment."""

    def get(self, case: Any, context: Any) -> str:
        sent = {"email": os.environ["EMAIL"], "password": os.environ["PASSWORD"]}
        token: str = httpx.post(f"{os.environ['URL']}/api/auth/login", json=sent).json()["access_token"]
        return token

    def set(self, case: Any, data: str, context: Any) -> None:
        case.headers["Authorization"] = f"Bearer {data}"

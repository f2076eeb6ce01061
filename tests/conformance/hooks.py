"""Signs schemathesis in, again and again: among the calls that it tries are those that sign it out."""

import os
from typing import Any

import httpx
import schemathesis


@schemathesis.auth(refresh_interval=2)
class SignIn:
    """By the first of the e-mail addresses and the password of the environment that can sign in.

    An admin who tries everything may change the own address or leave; then the next one goes on.
    """

    def get(self, case: Any, context: Any) -> str:
        refusals: list[str] = []
        for email in os.environ["EMAILS"].split():
            answer = sign_in(email)
            if answer.is_success:
                return str(answer.json()["access_token"])
            refusals.append(answer.text)
        raise AssertionError(refusals)

    def set(self, case: Any, data: str, context: Any) -> None:
        case.headers["Authorization"] = f"Bearer {data}"


def sign_in(email: str) -> httpx.Response:
    sent = {"email": email, "password": os.environ["PASSWORD"]}
    return httpx.post(f"{os.environ['URL']}/api/auth/login", json=sent, timeout=30)

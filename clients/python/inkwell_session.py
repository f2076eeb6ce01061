"""Signs requests of httpx with an access token of Inkwell, and renews it when it has expired."""

from collections.abc import Generator

import httpx


class Session(httpx.Auth):
    """For a Client or an AsyncClient. `tokens` is what the login answered, and always the newest: keep it to go on.

    Where a renewal is refused, its answer is that of the call.
    """

    requires_response_body = True

    def __init__(self, tokens: dict[str, str]) -> None:
        self.tokens = tokens

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        answer = yield self._signed(request)
        if answer.status_code != 401 or "token_expired" not in answer.text:
            return
        if request.headers["Authorization"] == self._bearer:  # and no other call has renewed it meanwhile
            shown = {"refresh_token": self.tokens["refresh_token"]}
            renewal = yield httpx.Request("POST", request.url.join("/api/auth/refresh"), json=shown)
            if not renewal.is_success:
                return
            self.tokens = renewal.json()
        yield self._signed(request)

    def _signed(self, request: httpx.Request) -> httpx.Request:
        request.headers["Authorization"] = self._bearer
        return request

    @property
    def _bearer(self) -> str:
        return f"Bearer {self.tokens['access_token']}"

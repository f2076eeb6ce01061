"""The pages for people: the front door, and the documentation with its files."""

import gzip

import pytest

from tests.support import Client

FILES = ["/docs/swagger-ui.css", "/docs/swagger-ui-bundle.js", "/docs/docs.css", "/docs/docs.js"]
BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (BROWSER["Accept"], "text/html; charset=utf-8"),
        ("*/*", "application/json"),
        ("application/json", "application/json"),
        ("image/png", "application/json"),
    ],
)
async def test_the_front_door_is_a_page_for_people_and_json_for_others(api: Client, accept: str, kind: str) -> None:
    answer = await api.get("/", headers={"Accept": accept})
    assert (answer.status, answer.headers["Content-Type"]) == (200, kind)
    assert "Accept" in answer.headers["Vary"]


async def test_the_front_door_tells_the_version(api: Client) -> None:
    version = (await api.get("/")).json["version"]
    assert version in (await api.get("/", headers=BROWSER)).body.decode()


@pytest.mark.parametrize("path", FILES)
async def test_a_file_of_the_page_is_packed_kept_and_asked_for_again_in_vain(api: Client, path: str) -> None:
    plain, packed = [await api.wire("GET", path, headers) for headers in ({}, {"Accept-Encoding": "gzip"})]
    assert (plain.status, packed.status) == (200, 200)
    assert gzip.decompress(packed.body) == plain.body != b""
    assert plain.headers["ETag"] != packed.headers["ETag"]
    assert packed.headers["Cache-Control"] == "public, no-cache"
    again = await api.wire("GET", path, {"Accept-Encoding": "gzip", "If-None-Match": packed.headers["ETag"]})
    assert (again.status, again.body) == (304, b"")


async def test_the_page_names_no_other_host_and_has_no_script_inside(api: Client) -> None:
    answer = await api.get("/docs")
    assert "script-src 'self';" in answer.headers["Content-Security-Policy"]
    assert b"://" not in answer.body.replace(b"http://www.w3.org/2000/svg", b"")  # a name, which nobody fetches
    assert b"<script>" not in answer.body

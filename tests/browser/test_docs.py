"""The front door and the page of the API, in a real browser."""

import os
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Browser, Locator, Page, expect

from routes.files import VERSION
from tests.browser.conftest import Visit
from tests.browser.test_pages import CONTRAST
from tests.conftest import SECRET, Server
from tests.packaging.servers import UNMEASURED
from tests.smoke.test_server import start, stop
from tests.support import PASSWORD

EMAIL = "ada@example.com"


@pytest.fixture(scope="module")
async def url(server: Server, template: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """Where the program serves, and Ada has an account."""
    database = await server.create(template)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    names = {"DATABASE_URL": database, "JWT_SECRET_KEY": SECRET, "ENV": "testing", "PORT": port, "DRAIN_SECONDS": "0"}
    process, url = await start(tmp_path_factory.mktemp("docs"), **names, **UNMEASURED)
    async with httpx.AsyncClient(base_url=url) as client:
        assert (await client.post("/api/auth/register", json={"email": EMAIL, "password": PASSWORD})).is_success
    yield url
    assert await stop(process) == 0
    await server.drop(database)


async def sign_in(page: Page, password: str = PASSWORD) -> None:
    await page.get_by_role("textbox", name="E-mail address").fill(EMAIL)
    await page.get_by_role("textbox", name="Password", exact=True).fill(password)
    await page.get_by_role("button", name="Sign in", exact=True).click()


async def run(page: Page, operation: str) -> Locator:
    """Opens the operation and executes it; the row of what came back."""
    block = page.locator(f"#operations-{operation}")
    await block.locator(".opblock-summary-control").click()
    await block.get_by_role("button", name="Execute").click()
    return block.locator(".live-responses-table tbody tr.response")


async def test_a_call_is_run_by_somebody_who_signs_in_on_the_page(visit: Visit, url: str) -> None:
    await visit.page.goto(f"{url}/docs")
    await sign_in(visit.page)
    await expect(visit.page.locator("#who")).to_have_text(EMAIL)
    answer = await run(visit.page, "Account-getProfile")
    await expect(answer.locator("td.response-col_status")).to_have_text("200")
    await expect(answer).to_contain_text(EMAIL)
    assert visit.complaints == []
    assert all(asked.startswith((f"{url}/", "data:")) for asked in visit.asked)


async def test_who_signs_out_is_a_stranger_again(visit: Visit, url: str) -> None:
    await visit.page.goto(f"{url}/docs")
    await sign_in(visit.page)
    await visit.page.get_by_role("button", name="Sign out", exact=True).click()
    await expect(visit.page.get_by_role("textbox", name="E-mail address")).to_be_visible()
    answer = await run(visit.page, "Account-getProfile")
    await expect(answer.locator("td.response-col_status")).to_contain_text("401")
    await expect(answer).to_contain_text("token_missing")


async def test_who_stays_gets_the_next_token_before_the_first_one_ends(visit: Visit, url: str) -> None:
    await visit.page.clock.install()
    await visit.page.goto(f"{url}/docs")
    await sign_in(visit.page)
    await expect(visit.page.locator("#who")).to_have_text(EMAIL)
    async with visit.page.expect_response(f"{url}/api/auth/refresh") as renewed:
        await visit.page.clock.fast_forward("14:30")
    answer = await run(visit.page, "Account-getProfile")
    await expect(answer.locator("td.response-col_status")).to_have_text("200")
    assert (await (await renewed.value).json())["access_token"] in await answer.page.locator(".curl").inner_text()


async def test_a_wrong_password_is_told_of(visit: Visit, url: str) -> None:
    await visit.page.goto(f"{url}/docs")
    await sign_in(visit.page, "not the password")
    await expect(visit.page.get_by_role("alert")).to_have_text("Invalid credentials")
    await sign_in(visit.page)
    await expect(visit.page.get_by_role("alert")).to_be_hidden()


async def test_the_front_door_leads_to_the_documentation(visit: Visit, url: str) -> None:
    await visit.page.goto(f"{url}/")
    await expect(visit.page.locator("header")).to_contain_text("Inkwell")
    await expect(visit.page.locator(".version")).to_have_text(f"Version {VERSION}")
    await expect(visit.page.get_by_role("link", name="Health")).to_have_attribute("href", "readyz")
    await visit.page.get_by_role("link", name="Documentation").click()
    await expect(visit.page.locator("#operations-Account-login")).to_be_visible()
    assert visit.page.url == f"{url}/docs"
    assert visit.complaints == []
    assert all(asked.startswith((f"{url}/", "data:")) for asked in visit.asked)


async def test_a_script_in_the_page_is_refused(visit: Visit, url: str) -> None:
    await visit.page.goto(f"{url}/docs")
    await visit.page.evaluate(
        """() => {
            const script = document.createElement("script");
            script.textContent = "window.hacked = true";
            document.body.append(script);
        }"""
    )
    assert await visit.page.evaluate("window.hacked") is None


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
async def test_both_pages_fit_every_width_and_both_schemes(
    browser: Browser, url: str, tmp_path: Path, scheme: str, width: int
) -> None:
    folder = Path(os.environ.get("SCREENSHOTS", tmp_path))
    context = await browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
    page = await context.new_page()
    await page.goto(f"{url}/")
    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    assert await page.evaluate(CONTRAST) >= 4.5  # WCAG 2.2, 1.4.3
    await page.screenshot(path=folder / f"front-{scheme}-{width}.png")
    await page.goto(f"{url}/docs")
    await sign_in(page)
    await expect((await run(page, "Account-getProfile")).locator("td.response-col_status")).to_have_text("200")
    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    await page.screenshot(path=folder / f"docs-{scheme}-{width}.png")
    await context.close()

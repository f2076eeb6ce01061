"""The pages to which mailed links lead, in a real browser."""

import os
import re
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.conftest import Visit
from tests.conftest import SECRET, Server
from tests.mailbox import SENDER, Mailbox, link_in, open_mailbox
from tests.packaging.servers import UNMEASURED
from tests.smoke.test_server import start, stop
from tests.support import PASSWORD

NEW_PASSWORD = "another fine password"
SCHEMES = ("light", "dark")
WIDTHS = (320, 1280)


@pytest.fixture(scope="module")
async def mailbox() -> AsyncIterator[Mailbox]:
    async with open_mailbox() as mailbox:
        yield mailbox


@pytest.fixture(scope="module")
async def url(
    server: Server, template: str, mailbox: Mailbox, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[str]:
    """Where the program serves, which mails links to its own pages."""
    database = await server.create(template)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    names = {"DATABASE_URL": database, "JWT_SECRET_KEY": SECRET, "ENV": "testing", "PORT": port, "DRAIN_SECONDS": "0"}
    mail = {"MAIL_URL": mailbox.url, "MAIL_FROM": SENDER}
    process, url = await start(tmp_path_factory.mktemp("pages"), **names, **mail, **UNMEASURED)
    yield url
    assert await stop(process) == 0
    await server.drop(database)


@pytest.fixture
async def email(url: str, request: pytest.FixtureRequest) -> str:
    """Somebody who has registered, one for each test."""
    email = re.sub(r"\W+", "-", request.node.name)[-60:].strip("-") + "@example.com"
    async with httpx.AsyncClient(base_url=url) as client:
        assert (await client.post("/api/auth/register", json={"email": email, "password": PASSWORD})).is_success
    return email


@pytest.fixture
async def reset_link(url: str, email: str, mailbox: Mailbox) -> str:
    async with httpx.AsyncClient(base_url=url) as client:
        await client.post("/api/auth/forgot", json={"email": email})
    return "#token=".join(link_in(await mailbox.wait(email, 2)))


async def sign_in(url: str, email: str, password: str) -> int:
    async with httpx.AsyncClient(base_url=url) as client:
        return (await client.post("/api/auth/login", json={"email": email, "password": password})).status_code


async def choose(page: Page, password: str) -> None:
    await page.get_by_label("New password").fill(password)
    await page.get_by_role("button", name="Set password").click()


async def test_a_new_password_is_set_on_the_page_of_the_link(
    visit: Visit, url: str, email: str, reset_link: str
) -> None:
    assert reset_link.startswith(f"{url}/reset#token=")
    await visit.page.goto(reset_link)
    assert visit.page.url == f"{url}/reset"
    await expect(visit.page.get_by_label("New password")).to_be_focused()
    await choose(visit.page, NEW_PASSWORD)
    await expect(visit.page.get_by_role("heading")).to_have_text("Your new password is set")
    assert await sign_in(url, email, NEW_PASSWORD) == 200
    assert visit.complaints == []


async def test_a_refused_password_is_explained_and_another_can_be_chosen(visit: Visit, reset_link: str) -> None:
    await visit.page.goto(reset_link)
    problem = visit.page.get_by_role("alert")
    for password, explanation in (("short", "too short"), ("1234567890", "most common")):
        await choose(visit.page, password)
        await expect(problem).to_contain_text(explanation)
        await expect(visit.page.get_by_label("New password")).to_be_focused()
    await choose(visit.page, NEW_PASSWORD)
    await expect(visit.page.get_by_role("heading")).to_have_text("Your new password is set")


async def test_a_password_can_be_looked_at(visit: Visit, reset_link: str) -> None:
    await visit.page.goto(reset_link)
    field = visit.page.get_by_label("New password")
    await expect(field).to_have_attribute("type", "password")
    await visit.page.get_by_role("button", name="Show").click()
    await expect(field).to_have_attribute("type", "text")
    await visit.page.get_by_role("button", name="Hide").click()
    await expect(field).to_have_attribute("type", "password")


async def test_an_address_is_confirmed_on_the_page_of_the_link_and_not_by_opening_it(
    visit: Visit, url: str, email: str, mailbox: Mailbox
) -> None:
    link = "#token=".join(link_in(await mailbox.wait(email)))
    await visit.page.goto(link)
    await visit.page.goto("about:blank")
    await visit.page.goto(link)
    await visit.page.get_by_role("button", name="Confirm address").click()
    await expect(visit.page.get_by_role("heading")).to_have_text("Your address is confirmed")
    assert visit.page.url == f"{url}/verify"
    assert visit.complaints == []


@pytest.mark.parametrize("page", ["reset", "verify"])
@pytest.mark.parametrize("token", ["", "#", "#token=", "#token=ml1.forged", "?utm_source=mail#token=%FF"])
async def test_a_link_that_does_not_work_says_so(visit: Visit, url: str, page: str, token: str) -> None:
    await visit.page.goto(f"{url}/{page}{token}")
    if await visit.page.locator("form").is_visible():
        if page == "reset":
            await visit.page.get_by_label("New password").fill(NEW_PASSWORD)
        await visit.page.locator("[type=submit]").click()
    await expect(visit.page.get_by_role("heading")).to_have_text("This link does not work any more")


async def test_a_second_link_in_the_same_tab_counts(visit: Visit, url: str, reset_link: str) -> None:
    await visit.page.goto(f"{url}/reset")
    await expect(visit.page.get_by_role("heading")).to_have_text("This link does not work any more")
    await visit.page.goto(reset_link)
    await choose(visit.page, NEW_PASSWORD)
    await expect(visit.page.get_by_role("heading")).to_have_text("Your new password is set")


async def test_a_server_that_is_away_is_told_of(visit: Visit, reset_link: str) -> None:
    await visit.page.goto(reset_link)
    await visit.page.route("**/api/**", lambda route: route.abort())
    await choose(visit.page, NEW_PASSWORD)
    await expect(visit.page.get_by_role("alert")).to_contain_text("cannot be reached")
    await expect(visit.page.get_by_role("button", name="Set password")).to_be_enabled()


async def test_the_token_is_sent_to_nobody_but_the_api(visit: Visit, url: str, reset_link: str) -> None:
    token = reset_link.partition("#token=")[2]
    await visit.page.goto(reset_link)
    await choose(visit.page, NEW_PASSWORD)
    await expect(visit.page.get_by_role("heading")).to_have_text("Your new password is set")
    await visit.page.go_back()
    assert {asked.partition("#")[0] for asked in visit.asked if not asked.startswith("data:")} == {
        f"{url}/reset", f"{url}/links.css", f"{url}/links.js", f"{url}/api/auth/reset",
    }  # fmt: skip
    assert token not in visit.page.url


async def test_scripts_and_styles_in_the_page_and_from_elsewhere_are_refused(visit: Visit, url: str) -> None:
    await visit.page.goto(f"{url}/verify")
    await visit.page.evaluate(
        """() => {
            for (const source of ["", "https://evil.example/x.js"]) {
                const script = document.createElement("script");
                if (source) script.src = source; else script.textContent = "window.hacked = true";
                document.body.append(script);
            }
        }"""
    )
    assert await visit.page.evaluate("window.hacked") is None
    assert len(visit.complaints) == 2
    assert all("Content Security Policy" in complaint for complaint in visit.complaints)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
async def test_the_pages_fit_every_width_and_both_schemes(
    browser: Browser, url: str, tmp_path: Path, scheme: str, width: int
) -> None:
    folder = Path(os.environ.get("SCREENSHOTS", tmp_path))
    context = await browser.new_context(viewport={"width": width, "height": 640}, color_scheme=scheme)  # type: ignore[arg-type]
    page = await context.new_page()
    for name in ("reset", "verify"):
        await page.goto(f"{url}/{name}#token=ml1.x")
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
        assert await page.evaluate(CONTRAST) >= 4.5  # WCAG 2.2, 1.4.3
        await page.screenshot(path=folder / f"{name}-{scheme}-{width}.png")
    await context.close()


# The lowest contrast of a text on the page against what is behind it.
CONTRAST = """
() => {
    const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
    const luminance = (colour) => {
        const [r, g, b] = parts(colour).slice(0, 3)
            .map((part) => part / 255)
            .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const ground = (element) => {
        const colour = getComputedStyle(element).backgroundColor;
        return parts(colour)[3] === 0 && element.parentElement ? ground(element.parentElement) : colour;
    };
    const texts = [...document.querySelectorAll("main *")].filter((one) => one.checkVisibility() && one.innerText);
    return Math.min(...texts.map((one) => {
        const [low, high] = [luminance(getComputedStyle(one).color), luminance(ground(one))].sort((a, b) => a - b);
        return (high + 0.05) / (low + 0.05);
    }));
}
"""

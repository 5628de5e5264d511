"""A real browser that can reach nothing but the gateway."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, ConsoleMessage, Page, Request, Route, async_playwright

from app.server.pages import fetch

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SWITCHES = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
REPORT_VIOLATIONS = """
addEventListener("securitypolicyviolation", (event) =>
  console.error(`blocked by the policy: ${event.violatedDirective} ${event.blockedURI}`));
"""


@dataclass
class Tab:
    """One tab, and what it did: requests to other hosts, bodies posted, errors on the console."""

    page: Page
    url: str
    elsewhere: list[str] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


@asynccontextmanager
async def open_browser() -> AsyncIterator[Browser]:
    """Start headless Chromium as the system has it, with the pages' files fetched."""
    fetch.fetch()
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        pytest.fail("These tests need Chromium: apt-get install -y chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=SWITCHES)
        yield browser
        await browser.close()


@asynccontextmanager
async def open_tab(browser: Browser, url: str) -> AsyncIterator[Tab]:
    """Open a fresh profile whose requests to other hosts are recorded and stopped; at the end there must be none.

    Nor may there be an error on the console, a violation of the page's policy included.
    """
    context = await browser.new_context()
    tab = Tab(await context.new_page(), url.rstrip("/"))

    async def stay_here(route: Route, request: Request) -> None:
        if urlsplit(request.url).netloc == urlsplit(tab.url).netloc:
            await route.continue_()
        else:
            tab.elsewhere.append(request.url)
            await route.abort()

    def note_request(request: Request) -> None:
        if request.method == "POST":
            tab.sent.append(request.post_data or "")

    def note_error(message: ConsoleMessage) -> None:
        if message.type == "error":
            tab.errors.append(message.text)

    await context.route("**/*", stay_here)
    await context.add_init_script(REPORT_VIOLATIONS)
    tab.page.on("request", note_request)
    tab.page.on("console", note_error)
    tab.page.on("pageerror", lambda error: tab.errors.append(str(error)))
    yield tab
    await context.close()
    assert tab.elsewhere == []
    assert tab.errors == []

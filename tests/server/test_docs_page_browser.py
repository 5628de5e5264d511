"""The REST reference in a real browser that can reach nothing but the gateway."""

from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import Browser, Locator, expect

from tests.server.browsing import Tab, open_browser, open_tab


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """One browser for all tests here."""
    async with open_browser() as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="session")
async def tab(browser: Browser, gateway_url: str) -> AsyncIterator[Tab]:
    """A tab with nothing in it yet; at the end, no request has left the host, and no error stands on the console."""
    async with open_tab(browser, gateway_url) as tab:
        yield tab


async def open_docs(tab: Tab, fragment: str = "") -> None:
    """Open the page and wait until Swagger UI has read the description."""
    await tab.page.goto(f"{tab.url}/docs{fragment}")
    await expect(tab.page.locator(".opblock").first).to_be_visible()


def operation(tab: Tab, path: str) -> Locator:
    """The block of one operation."""
    return tab.page.locator(".opblock", has=tab.page.locator(f'[data-path="{path}"]'))


async def ask(tab: Tab, path: str) -> Locator:
    """Open an operation and execute it; gives the place of the live answer."""
    block = operation(tab, path)
    await block.locator(".opblock-summary-control").click()
    await block.get_by_role("button", name="Execute").click()
    answer = block.locator(".live-responses-table")
    await expect(answer).to_be_visible()
    return answer


async def test_authorize_with_a_key_and_ask(tab: Tab, gateway_key: str) -> None:
    """A person pastes the key under Authorize, executes an operation, and sees the answer."""
    await open_docs(tab)
    await expect(tab.page).to_have_title("REST reference - Analytics gateway")
    await tab.page.get_by_role("button", name="Authorize").first.click()
    dialog = tab.page.locator(".dialog-ux")
    await dialog.locator("input").first.fill(gateway_key)
    await dialog.get_by_role("button", name="Apply credentials").first.click()
    await dialog.get_by_role("button", name="Close").first.click()
    answer = await ask(tab, "/api/connection-analytics/summary")
    await expect(answer.locator(".response .response-col_status")).to_contain_text("200")
    await expect(answer).to_contain_text("coinapi-ws")


async def test_the_key_of_the_tab_is_used(tab: Tab, gateway_key: str) -> None:
    """A key taken over in the explorer, or from the address, needs no second pasting."""
    await open_docs(tab, f"#key={gateway_key}")
    assert tab.page.url == f"{tab.url}/docs"
    answer = await ask(tab, "/summary/count")
    await expect(answer).to_contain_text('"total"')
    assert gateway_key not in await tab.page.evaluate("JSON.stringify(localStorage)")


async def test_without_a_key_the_answer_says_what_is_missing(tab: Tab) -> None:
    """The page needs no key, the data do: the problem is shown as it comes."""
    await open_docs(tab)
    answer = await ask(tab, "/summary/count")
    await expect(answer).to_contain_text("UNAUTHENTICATED")
    assert [error for error in tab.errors if "401" not in error] == []
    tab.errors.clear()

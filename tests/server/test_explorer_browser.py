"""The explorer in a real browser that can reach nothing but the gateway."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, expect

from tests.server.browsing import Tab, open_browser, open_tab


@dataclass
class Visit:
    """A visit to the explorer."""

    tab: Tab

    @property
    def page(self) -> Page:
        """The page as Playwright holds it."""
        return self.tab.page

    @property
    def url(self) -> str:
        """The gateway's address."""
        return self.tab.url

    @property
    def sent(self) -> list[str]:
        """The GraphQL requests that the page has sent."""
        return self.tab.sent

    @property
    def errors(self) -> list[str]:
        """What stands on the console."""
        return self.tab.errors

    async def open(self, fragment: str = "") -> None:
        """Open the explorer and wait until GraphiQL stands."""
        await self.page.goto(f"{self.url}/graphql{fragment}")
        await expect(self.page.locator(".graphiql-container")).to_be_visible()

    async def choose(self, tab: str) -> None:
        """Change to a tab and wait until GraphiQL has read its operation: it does so a moment later."""
        await self.page.get_by_role("tab", name=tab).click()
        await self.page.wait_for_function("name => localStorage.getItem('graphiql:operationName') === name", arg=tab)

    async def run(self) -> None:
        """Press GraphiQL's button."""
        await self.page.get_by_role("button", name="Execute query").click()

    @property
    def result(self) -> Locator:
        """Where GraphiQL shows an answer."""
        return self.page.locator(".result-window")

    @property
    def status(self) -> Locator:
        """The text beside the key."""
        return self.page.get_by_role("status")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """One browser for all tests here."""
    async with open_browser() as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="session")
async def visit(browser: Browser, gateway_url: str) -> AsyncIterator[Visit]:
    """A tab with nothing in it yet; at the end, no request has left the host, and no error stands on the console."""
    async with open_tab(browser, gateway_url) as tab:
        yield Visit(tab)


async def test_without_a_key_nothing_is_asked(visit: Visit) -> None:
    """GraphiQL stands, a hint says where a key comes from, and no GraphQL request is sent, even when one is run."""
    await visit.open()
    await expect(visit.page).to_have_title("GraphQL explorer - Analytics gateway")
    await expect(visit.status).to_contain_text("gateway keys create")
    await visit.run()
    await expect(visit.result).to_contain_text("No API key")
    assert visit.sent == []


async def test_a_key_in_the_address_is_taken_over_and_removed(visit: Visit, gateway_key: str) -> None:
    """The address bar shows it no more; it is in sessionStorage, and nowhere in localStorage."""
    await visit.open(f"#key={gateway_key}")
    assert visit.page.url == f"{visit.url}/graphql"
    await expect(visit.status).to_contain_text("Organization ")
    await visit.choose("WhoAmI")
    await visit.run()
    await expect(visit.result).to_contain_text('"keyId"')
    await visit.page.reload()
    await expect(visit.status).to_contain_text("Organization ")
    assert gateway_key in await visit.page.evaluate("JSON.stringify(sessionStorage)")
    assert gateway_key not in await visit.page.evaluate("JSON.stringify(localStorage)")


async def test_with_a_key_the_schema_loads_and_a_query_answers(visit: Visit, gateway_key: str) -> None:
    """Typing a key is enough: the explorer panel and the docs know the schema, and the first example runs."""
    await visit.open()
    await visit.page.get_by_label("API key").fill(gateway_key)
    await expect(visit.status).to_contain_text("Organization ")
    await visit.page.get_by_role("button", name="Show GraphiQL Explorer").click()
    await expect(visit.page.locator(".graphiql-explorer-root")).to_contain_text("connectionSummary")
    await visit.page.get_by_role("button", name="Show Documentation Explorer").click()
    await visit.page.locator(".graphiql-doc-explorer").get_by_role("link", name="Query", exact=True).click()
    await expect(visit.page.locator(".graphiql-doc-explorer")).to_contain_text("connectionEvents")
    await visit.run()
    await expect(visit.result).to_contain_text('"connectionSummary"')
    await expect(visit.result).not_to_contain_text('"errors"')


async def test_a_refused_key_shows_the_gateways_message(visit: Visit) -> None:
    """One request finds out; the schema is not asked for with a key that is not valid."""
    await visit.open()
    await visit.page.get_by_label("API key").fill("gw_unknown_key")
    await expect(visit.status).to_have_attribute("data-state", "refused")
    await expect(visit.status).not_to_be_empty()
    await visit.page.wait_for_load_state("networkidle")
    assert len(visit.sent) == 1
    assert [error for error in visit.errors if "401" not in error] == []
    visit.errors.clear()


async def test_forget_leaves_nothing_behind(visit: Visit, gateway_key: str) -> None:
    """The key, the answers it brought and the schema are gone; the field is ready for another key."""
    await visit.open(f"#key={gateway_key}")
    await expect(visit.status).to_contain_text("Organization ")
    await visit.run()
    await expect(visit.result).to_contain_text('"connectionSummary"')
    await visit.page.get_by_role("button", name="Forget").click()
    await expect(visit.status).to_contain_text("No key yet")
    await expect(visit.result).not_to_contain_text('"connectionSummary"')
    await expect(visit.page.get_by_label("API key")).to_be_focused()
    assert await visit.page.evaluate("sessionStorage.length") == 0


async def test_the_key_is_hidden_until_it_is_asked_for(visit: Visit, gateway_key: str) -> None:
    """The field is a password field; its button shows and hides the key, by the keyboard too."""
    await visit.open(f"#key={gateway_key}")
    key = visit.page.get_by_label("API key")
    await expect(key).to_have_attribute("type", "password")
    await key.focus()
    await visit.page.keyboard.press("Tab")
    await visit.page.keyboard.press("Enter")
    await expect(key).to_have_attribute("type", "text")
    await visit.page.get_by_role("button", name="Hide", exact=True).click()
    await expect(key).to_have_attribute("type", "password")


@pytest.mark.parametrize("dialog", ["Open settings dialog", "Open short keys dialog"])
async def test_dialogs_open_under_the_policy(visit: Visit, dialog: str) -> None:
    """GraphiQL's dialogs show and close, and the policy has nothing to block."""
    await visit.open()
    await visit.page.get_by_role("button", name=dialog).click()
    await expect(visit.page.get_by_role("dialog")).to_be_visible()
    await visit.page.keyboard.press("Escape")
    await expect(visit.page.get_by_role("dialog")).to_be_hidden()

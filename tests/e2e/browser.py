"""GraphiQL's page, driven in a real browser. Knows nothing of what serves it."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Self

from playwright.async_api import (
    Browser,
    ConsoleMessage,
    Page,
    Request,
    Response,
    async_playwright,
    expect,
)

from tests.support import skip_or_fail

WIDE = (1440, 900)
PATIENCE = 20  # seconds for one step: far more than it takes on a quiet machine
expect.set_options(timeout=PATIENCE * 1000)
_QUIET = (
    "--headless=new",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@asynccontextmanager
async def launch() -> AsyncIterator[Browser]:
    """The machine's own chromium; without one the test is skipped, or failed in CI."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        skip_or_fail("no chromium on this machine")
    # Chromium's sandbox refuses root; the pages here are our own.
    root = ("--no-sandbox",) if os.geteuid() == 0 else ()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=[*_QUIET, *root])
        try:
            yield browser
        finally:
            await browser.close()


@dataclass(frozen=True)
class Explorer:
    """One open page, and everything it asked for and complained about since."""

    page: Page
    requests: list[Request]
    complaints: list[str]

    @classmethod
    async def open(cls, browser: Browser, url: str, size: tuple[int, int] = WIDE) -> Self:
        """Opens `url` in a fresh profile and waits until the editors are there, and the schema.

        Without a token in the headers the page reads no schema.
        """
        width, height = size
        context = await browser.new_context(viewport={"width": width, "height": height})
        context.set_default_timeout(PATIENCE * 1000)
        page = await context.new_page()
        explorer = cls(page, [], [])
        page.on("request", lambda request: explorer.requests.append(request))
        page.on("pageerror", lambda error: explorer.complaints.append(str(error)))
        page.on("console", lambda message: explorer._console(message))
        await page.goto(url)
        await explorer.until(
            "['request-headers.json', 'operation.graphql', 'response.json'].every(name =>"
            " globalThis.__MONACO?.editor.getModels().some(m => m.uri.path.endsWith(name)))"
        )
        await explorer._schema_is_shown()
        return explorer

    async def close(self) -> None:
        await self.page.context.close()

    # What the editors hold

    async def headers(self) -> dict[str, str]:
        """The headers editor's content."""
        headers: dict[str, str] = json.loads(await self._text("request-headers.json"))
        return headers

    async def query(self) -> str:
        return await self._text("operation.graphql")

    async def write_query(self, query: str) -> None:
        """Replaces the query as typing would."""
        await self._write("operation.graphql", query)
        await self._operation_is_known()

    async def write_headers(self, headers: dict[str, str]) -> None:
        """Replaces the headers as typing would; with another token the schema is read again."""
        async with self.page.expect_response(_is_introspection):
            await self._write("request-headers.json", json.dumps(headers))
        await self._schema_is_shown()

    async def response(self) -> str:
        """The answer as the page shows it; empty before the first and after a switch of role."""
        return await self._text("response.json")

    # What a person does

    async def run(self) -> dict[str, Any]:
        """Presses the run button and waits for the answer to be shown; the JSON that is shown."""
        async with self.page.expect_response(lambda response: _is_operation(response.request)):
            await self.press_run()
        await self.until(
            "globalThis.__MONACO.editor.getModels()"
            ".find(m => m.uri.path.endsWith('response.json')).getValue() !== ''"
        )
        answer: dict[str, Any] = json.loads(await self.response())
        return answer

    async def press_run(self) -> None:
        """Presses the run button and waits until the operation is under way."""
        async with self.page.expect_request(lambda request: _is_operation(request)):
            await self.page.get_by_role("button", name=re.compile("^Execute query")).click()

    async def roles(self) -> list[str]:
        """The labels that the role switch offers; none when there is no switch."""
        return await self.page.get_by_label("Acting as").locator("option").all_inner_texts()

    async def acting_role(self) -> str:
        """The role that the switch shows; empty when the headers carry another token."""
        return await self.page.get_by_label("Acting as").input_value()

    async def switch_role(self, role: str) -> None:
        """Chooses `role` and waits until the schema was read again and is shown."""
        async with self.page.expect_response(_is_introspection):
            await self.page.get_by_label("Acting as").select_option(role)
        await self._schema_is_shown()
        await self._operation_is_known()

    async def documented(self, *path: str) -> str:
        """The documentation's text after following links from the root, `documented("Query")`."""
        docs = self.page.get_by_role("region", name="Documentation Explorer")
        while await (back := docs.locator(".graphiql-doc-explorer-back")).count():
            await back.click()
        for link in path:
            await docs.get_by_role("link", name=link, exact=True).first.click()
        return await docs.inner_text()

    async def until(self, condition: str) -> None:
        """Waits for a JavaScript condition, `PATIENCE` at most.

        Asked again and again from outside: Playwright's own wait evaluates text inside the page,
        which the page's Content-Security-Policy refuses.
        """
        async with asyncio.timeout(PATIENCE):
            while not await self.page.evaluate(condition):  # noqa: ASYNC110 the page is elsewhere
                await asyncio.sleep(0.02)

    # What went over the wire

    def hosts(self) -> set[str]:
        """Host and port of every request; data: and blob: addresses stay in the page."""
        addresses = (request.url.split("/") for request in self.requests)
        return {parts[2] for parts in addresses if parts[0] in ("http:", "https:", "ws:", "wss:")}

    async def introspected_with(self) -> list[str | None]:
        """The Authorization header of each introspection so far, in order."""
        return [
            await request.header_value("authorization")
            for request in self.requests
            if _operation_name(request) == "IntrospectionQuery"
        ]

    async def stored(self) -> str:
        """All that the page left in the browser's own storage, as one text."""
        text: str = await self.page.evaluate(
            "JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])"
        )
        return text

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    async def _schema_is_shown(self) -> None:
        await expect(self.page.locator(".bar output")).to_have_text(
            re.compile(r"schema: \d|no schema|paste a token")
        )

    async def _operation_is_known(self) -> None:
        """GraphiQL reads the operation's name, which it sends along, a moment after the edit."""
        named = re.search(r"^(?!#).*(?:query|mutation)\s+(\w+)", await self.query(), re.MULTILINE)
        title = named[1] if named else "<untitled>"
        await expect(self.page.get_by_role("tab", selected=True)).to_have_text(title)

    async def _text(self, model: str) -> str:
        text: str = await self.page.evaluate(
            "name => globalThis.__MONACO.editor.getModels()"
            ".find(m => m.uri.path.endsWith(name)).getValue()",
            model,
        )
        return text

    async def _write(self, model: str, text: str) -> None:
        await self.page.evaluate(
            "([name, text]) => globalThis.__MONACO.editor.getModels()"
            ".find(m => m.uri.path.endsWith(name)).setValue(text)",
            [model, text],
        )


def _operation_name(request: Request) -> str | None:
    if request.method != "POST":
        return None
    name: str | None = (request.post_data_json or {}).get("operationName", "")
    return name or ""


def _is_introspection(response: Response) -> bool:
    return _operation_name(response.request) == "IntrospectionQuery"


def _is_operation(request: Request) -> bool:
    return _operation_name(request) not in (None, "IntrospectionQuery")

"""GraphiQL's page in a real browser, over a stub of the gateway with two roles."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
import strawberry
import uvicorn
from graphql import GraphQLError
from playwright.async_api import Browser
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from api import explorer
from tests.e2e.browser import Explorer, launch
from tests.support import skip_or_fail

ENFORCEMENT, CASEWORK = "token-of-enforcement", "token-of-casework"
SAMPLE = {
    ENFORCEMENT: "query Six { enrollee { phoneNumber firstName } }",
    CASEWORK: "query Names { enrollee { firstName } }",
}
ROLES = [
    {
        "role": "immigration_enforcement",
        "label": "Immigration enforcement",
        "token": ENFORCEMENT,
        "query": SAMPLE[ENFORCEMENT],
    },
    {
        "role": "caseworker",
        "label": "Caseworker",
        "token": CASEWORK,
        "query": SAMPLE[CASEWORK],
    },
]
DEMO = json.dumps({"demo": True, "roles": ROLES}).encode()
NO_DEMO = json.dumps({"demo": False, "roles": []}).encode()


# A stub of the gateway: one schema decides whether a document runs, each role's own is shown.


@strawberry.type(name="Enrollee", description="A person with Medicaid coverage.")
class CappedEnrollee:
    phone_number: str | None = strawberry.field(description="Current phone number.")


def _first_name(info: strawberry.Info) -> str | None:
    if info.context["token"] == ENFORCEMENT:
        denied = {"code": "FW301", "coordinate": "Enrollee.firstName"}
        raise GraphQLError("not permitted", extensions=denied)
    return "Ana"


@strawberry.type(description="A person with Medicaid coverage.")
class Enrollee:
    phone_number: str | None = strawberry.field(description="Current phone number.")
    first_name: str | None = strawberry.field(resolver=_first_name, description="First name.")


def _capped() -> CappedEnrollee:
    return CappedEnrollee(phone_number="503-555-0100")


def _full() -> Enrollee:
    return Enrollee(phone_number="503-555-0100")


@strawberry.type(name="Query")
class CappedQuery:
    enrollee: CappedEnrollee = strawberry.field(resolver=_capped, description="The person.")


@strawberry.type
class Query:
    enrollee: Enrollee = strawberry.field(resolver=_full, description="The person.")


FULL, CAPPED = strawberry.Schema(Query), strawberry.Schema(CappedQuery)
LATE_MAY_GO = asyncio.Event()


async def graphql(request: Request) -> Response:
    if explorer.wants_page(request):
        return explorer.page_response(request)
    token = request.headers.get("authorization", "").removeprefix("Bearer ")
    if token not in SAMPLE:
        return JSONResponse({"errors": [{"message": "not signed in"}]}, status_code=401)
    body = await request.json()
    if body.get("operationName") == "Late":
        await LATE_MAY_GO.wait()
    introspecting = body.get("operationName") == "IntrospectionQuery"
    schema = CAPPED if introspecting and token == ENFORCEMENT else FULL
    result = await schema.execute(
        body["query"],
        variable_values=body.get("variables"),
        operation_name=body.get("operationName"),
        context_value={"token": token},
    )
    errors = [error.formatted for error in result.errors or []]
    return JSONResponse({"data": result.data} | ({"errors": errors} if errors else {}))


def application(session: bytes) -> Starlette:
    return Starlette(
        routes=[
            Route("/graphql", graphql, methods=["GET", "POST"]),
            *explorer.routes(lambda: session),
        ]
    )


@asynccontextmanager
async def served(session: bytes) -> AsyncIterator[str]:
    """The stub on a free port of this machine; its base URL."""
    if not (explorer.ASSETS / "index.html").is_file():
        skip_or_fail("GraphiQL is not built: run `make web`")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        stub = application(session)
        server = uvicorn.Server(uvicorn.Config(stub, log_level="error", lifespan="off", ws="none"))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await serving


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with launch() as chromium:
        yield chromium


@pytest.fixture(scope="module")
async def demo() -> AsyncIterator[str]:
    async with served(DEMO) as url:
        yield url


@pytest.fixture(params=["/graphql", "/graphiql/"])
def address(request: pytest.FixtureRequest) -> str:
    address: str = request.param
    return address


@pytest.fixture
async def page(browser: Browser, demo: str) -> AsyncIterator[Explorer]:
    opened = await Explorer.open(browser, f"{demo}/graphql")
    yield opened
    await opened.close()


@pytest.mark.browser
async def test_the_page_starts_from_this_origin_alone(
    browser: Browser, demo: str, address: str
) -> None:
    page = await Explorer.open(browser, f"{demo}{address}")
    await page.run()
    assert page.hosts() == {demo.removeprefix("http://")}
    assert page.complaints == []
    await page.close()


@pytest.mark.browser
async def test_headers_start_with_the_first_roles_token(page: Explorer) -> None:
    assert await page.headers() == {"Authorization": f"Bearer {ENFORCEMENT}"}
    assert await page.acting_role() == "immigration_enforcement"
    assert await page.roles() == ["Immigration enforcement", "Caseworker"]
    assert await page.introspected_with() == [f"Bearer {ENFORCEMENT}"]


@pytest.mark.browser
async def test_a_denied_field_is_shown_as_null_with_its_error(page: Explorer) -> None:
    answer = await page.run()
    assert answer["data"] == {"enrollee": {"phoneNumber": "503-555-0100", "firstName": None}}
    assert [error["extensions"]["coordinate"] for error in answer["errors"]] == [
        "Enrollee.firstName"
    ]


@pytest.mark.browser
async def test_switching_the_role_changes_token_schema_and_sample(page: Explorer) -> None:
    assert "firstName" not in await page.documented("Query", "Enrollee")
    await page.run()
    await page.switch_role("caseworker")
    assert await page.headers() == {"Authorization": f"Bearer {CASEWORK}"}
    assert await page.introspected_with() == [f"Bearer {ENFORCEMENT}", f"Bearer {CASEWORK}"]
    assert "firstName" in await page.documented("Query", "Enrollee")
    assert await page.query() == SAMPLE[CASEWORK]
    assert await page.response() == ""  # one role's answer is not shown as another's
    assert (await page.run()) == {"data": {"enrollee": {"firstName": "Ana"}}}


@pytest.mark.browser
async def test_a_late_answer_to_one_role_is_not_shown_under_the_next(page: Explorer) -> None:
    await page.write_query("query Late { enrollee { phoneNumber } }")
    try:
        async with page.page.expect_event("requestfailed", timeout=5000):  # the page gives it up
            await page.press_run()
            await page.switch_role("caseworker")
    finally:
        LATE_MAY_GO.set()
    assert await page.response() == ""


@pytest.mark.browser
async def test_a_query_of_ones_own_survives_a_switch_of_role(page: Explorer) -> None:
    own = "{ enrollee { phoneNumber } }"
    await page.write_query(own)
    await page.switch_role("caseworker")
    assert await page.query() == own
    await page.page.get_by_role("button", name="Sample query").click()
    assert await page.query() == SAMPLE[CASEWORK]
    await page.page.keyboard.press("Control+z")
    assert await page.query() == own


@pytest.mark.browser
async def test_a_switch_keeps_other_headers_but_no_acting_role(page: Explorer) -> None:
    typed = {"authorization": "Bearer other", "Purpose-Of-Use": "TREAT", "acting-role": "x"}
    await page.write_headers(typed)
    assert await page.acting_role() == ""  # neither role's token
    await page.switch_role("caseworker")
    assert await page.headers() == {
        "Authorization": f"Bearer {CASEWORK}",
        "Purpose-Of-Use": "TREAT",
    }


@pytest.mark.browser
async def test_the_role_is_switched_by_keyboard(page: Explorer) -> None:
    await page.page.get_by_label("Acting as").focus()
    await page.page.keyboard.press("ArrowDown")
    await page.until("document.querySelector('#role').value === 'caseworker'")
    assert await page.headers() == {"Authorization": f"Bearer {CASEWORK}"}


@pytest.mark.browser
async def test_a_new_tab_acts_in_the_same_role(page: Explorer) -> None:
    await page.switch_role("caseworker")
    await page.page.get_by_role("button", name="New tab").click()
    await page.until("document.querySelectorAll('[role=tab]').length === 2")
    assert await page.acting_role() == "caseworker"
    assert await page.headers() == {"Authorization": f"Bearer {CASEWORK}"}
    assert await page.query() == ""


@pytest.mark.browser
async def test_nothing_is_left_in_the_browsers_storage(page: Explorer) -> None:
    await page.run()
    await page.switch_role("caseworker")
    await page.run()
    await page.page.wait_for_timeout(1000)  # GraphiQL stores its tabs half a second late
    assert await page.stored() == '[{},{},""]'


@pytest.mark.browser
async def test_outside_the_demo_there_is_no_switch_and_no_token(browser: Browser) -> None:
    async with served(NO_DEMO) as url:
        page = await Explorer.open(browser, f"{url}/graphql")
        assert await page.roles() == []
        assert await page.headers() == {"Authorization": "Bearer "}
        assert await page.introspected_with() == []
        await page.write_headers({"Authorization": f"Bearer {CASEWORK}"})
        assert await page.introspected_with() == [f"Bearer {CASEWORK}"]
        assert "firstName" in await page.documented("Query", "Enrollee")
        assert page.complaints == []
        await page.close()


# What is served, without a browser


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=application(DEMO))
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        yield client


BROWSER = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


@pytest.fixture
def assets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of assets of the test's own, empty at first."""
    folder = tmp_path / "graphiql"
    folder.mkdir()
    (tmp_path / "secret.js").write_text("outside")
    monkeypatch.setattr(explorer, "ASSETS", folder)
    return folder


async def test_without_assets_the_page_says_how_to_build_them(
    client: httpx.AsyncClient, assets: Path
) -> None:
    answer = await client.get("/graphql", headers=BROWSER)
    assert answer.status_code == 503
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.text == "FW190: GraphiQL is not built on this installation: run `make web`\n"


@pytest.mark.parametrize(
    ("path", "caching"),
    [
        ("/graphql", "no-store"),
        ("/graphiql/", "no-store"),
        ("/graphiql/session.json", "no-store"),
        ("/graphiql/page-0A1B2C3D.js", "public, max-age=31536000, immutable"),
        ("/graphiql/licences.txt", "no-cache"),
    ],
)
async def test_every_answer_carries_the_policy_and_its_caching(
    client: httpx.AsyncClient, assets: Path, path: str, caching: str
) -> None:
    for name in ("index.html", "page-0A1B2C3D.js", "licences.txt"):
        (assets / name).write_text(name)
    answer = await client.get(path, headers=BROWSER)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == caching
    assert answer.headers["content-security-policy"] == explorer.CONTENT_SECURITY_POLICY
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "name", ["missing.js", ".built-from", "..", "%2e%2e/secret.js", "..%2fsecret.js", "index.html"]
)
async def test_nothing_but_an_asset_is_served(
    client: httpx.AsyncClient, assets: Path, name: str
) -> None:
    (assets / ".built-from").write_text("1")
    (assets / "index.html").write_text("page")
    assert (await client.get(f"/graphiql/{name}")).status_code == 404


@pytest.mark.parametrize(
    ("accept", "target", "page"),
    [
        (BROWSER["accept"], "/graphql", True),
        (BROWSER["accept"], "/graphql?query={__typename}", False),
        ("application/json", "/graphql", False),
        ("application/graphql-response+json, text/html;q=0.1", "/graphql", False),
        ("*/*", "/graphql", False),
    ],
)
def test_only_a_browser_without_an_operation_gets_the_page(
    accept: str, target: str, page: bool
) -> None:
    path, _, query = target.partition("?")
    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "query_string": query.encode(),
        "headers": [(b"accept", accept.encode())],
    }
    assert explorer.wants_page(Request(scope)) is page

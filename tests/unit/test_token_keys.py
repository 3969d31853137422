"""Keys that verify tokens: how they are fetched, rotated and withdrawn.

The issuer is a real HTTP server on loopback; only clocks are made up.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from api.authenticate import Authenticator
from api.errors import KeysUnavailable, TokenInvalid, TokenSettingsInvalid
from api.key_set import KeySet
from api.key_source import LARGEST_DOCUMENT, Freshness, RefreshingKeys, keys_from_url
from api.token_settings import TokenSettings
from tests.signing import AUDIENCE, ISSUER, SIGNERS, Clock, jwk, jwks, pem, public, signed

# ── an issuer ─────────────────────────────────────────────────────────────────────────────────


class Issuer:
    """An HTTP server that hands out `body` and counts how often it was asked."""

    def __init__(self) -> None:
        self.body = jwks(jwk("RS256"))
        self.status = 200
        self.headers: dict[str, str] = {}
        self.asked = self.answered = 0
        self.arrived = threading.Semaphore(0)
        self.hold: threading.Event | None = None
        self.url = ""


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with serving() as made:
        yield made


@contextmanager
def serving() -> Iterator[Issuer]:
    issuer = Issuer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            issuer.asked += 1
            issuer.arrived.release()
            if issuer.hold is not None:
                issuer.hold.wait(30)
            issuer.answered += 1
            self.send_response(issuer.status)
            for name, value in issuer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(issuer.body)))
            self.end_headers()
            self.wfile.write(issuer.body)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    issuer.url = f"http://127.0.0.1:{server.server_address[1]}/keys"
    try:
        yield issuer
    finally:
        if issuer.hold is not None:
            issuer.hold.set()
        server.shutdown()
        thread.join()
        server.server_close()


FRESHNESS = Freshness(fresh=300, stale=900, search=30, retry=5)


def watching(issuer: Issuer) -> tuple[RefreshingKeys, Clock]:
    clock = Clock(1000)
    return keys_from_url(issuer.url, FRESHNESS, timeout=5, clock=clock), clock


def gate(keys: RefreshingKeys) -> Authenticator:
    return Authenticator(TokenSettings(ISSUER, AUDIENCE, keys), clock=Clock())


async def kids(keys: RefreshingKeys) -> set[str | None]:
    return {key.kid for key in (await keys.current()).keys}


async def test_keys_come_from_the_issuer_once_while_they_are_fresh(issuer: Issuer) -> None:
    keys, clock = watching(issuer)
    assert issuer.asked == 0
    door = gate(keys)
    for _ in range(3):
        await door.authenticate(f"Bearer {signed('RS256')}")
    clock.now += 299
    await door.authenticate(f"Bearer {signed('RS256')}")
    assert issuer.asked == 1


async def test_many_requests_at_once_ask_the_issuer_once(issuer: Issuer) -> None:
    keys, _ = watching(issuer)
    door = gate(keys)
    header = f"Bearer {signed('RS256')}"
    await asyncio.gather(*(door.authenticate(header) for _ in range(20)))
    assert issuer.asked == 1


async def test_a_rotated_key_is_found_by_its_kid_at_once(issuer: Issuer) -> None:
    keys, clock = watching(issuer)
    door = gate(keys)
    await door.authenticate(f"Bearer {signed('RS256')}")
    issuer.body = jwks(jwk("RS256"), jwk("EdDSA"))
    clock.now += 1
    assert (await door.authenticate(f"Bearer {signed('EdDSA')}")).subject == "alice"
    assert (await door.authenticate(f"Bearer {signed('RS256')}")).subject == "alice"
    assert issuer.asked == 2


async def test_all_who_bring_a_rotated_key_at_once_are_let_in(issuer: Issuer) -> None:
    keys, _ = watching(issuer)
    door = gate(keys)
    await kids(keys)
    issuer.body = jwks(jwk("EdDSA"))
    headers = [f"Bearer {signed('EdDSA', sub=f'person-{n}')}" for n in range(5)]
    assert len(await asyncio.gather(*map(door.authenticate, headers))) == 5
    assert issuer.asked == 2


async def test_a_withdrawn_key_stops_working_with_the_next_read(issuer: Issuer) -> None:
    issuer.body = jwks(jwk("RS256"), jwk("EdDSA"))
    keys, clock = watching(issuer)
    door = gate(keys)
    header = f"Bearer {signed('RS256')}"
    await door.authenticate(header)
    issuer.body = jwks(jwk("EdDSA"))
    clock.now += 299
    await door.authenticate(header)
    clock.now += 1
    with pytest.raises(TokenInvalid):
        await door.authenticate(header)


async def test_a_key_withdrawn_while_another_is_searched_stops_working(issuer: Issuer) -> None:
    keys, _ = watching(issuer)
    door = gate(keys)
    await door.authenticate(f"Bearer {signed('RS256')}")
    issuer.body = jwks(jwk("EdDSA"))
    await door.authenticate(f"Bearer {signed('EdDSA')}")
    with pytest.raises(TokenInvalid):
        await door.authenticate(f"Bearer {signed('RS256')}")


async def test_unknown_kids_make_one_request_per_cool_down(issuer: Issuer) -> None:
    keys, clock = watching(issuer)
    door = gate(keys)

    async def knock(number: int) -> None:
        with pytest.raises(TokenInvalid):
            await door.authenticate(f"Bearer {signed('RS256', {'kid': f'unknown-{number}'})}")

    await kids(keys)
    await asyncio.gather(*(knock(number) for number in range(20)))
    assert issuer.asked == 2
    clock.now += 29
    await knock(21)
    assert issuer.asked == 2
    clock.now += 1
    await asyncio.gather(*(knock(number) for number in range(20)))
    assert issuer.asked == 3


async def test_unknown_kids_make_one_request_per_cool_down_while_the_issuer_is_down(
    issuer: Issuer,
) -> None:
    keys, clock = watching(issuer)
    await kids(keys)
    issuer.status = 500
    for _ in range(5):
        with pytest.raises(TokenInvalid):
            await gate(keys).authenticate(f"Bearer {signed('EdDSA')}")
    assert issuer.asked == 2
    clock.now += 30
    with pytest.raises(TokenInvalid):
        await gate(keys).authenticate(f"Bearer {signed('EdDSA')}")
    assert issuer.asked == 3


async def test_keys_outlive_a_short_failure_of_the_issuer_and_not_a_long_one(
    issuer: Issuer,
) -> None:
    keys, clock = watching(issuer)
    await kids(keys)
    issuer.status = 500
    clock.now += 899
    assert await kids(keys) == {"RS256"}
    clock.now += 1
    with pytest.raises(KeysUnavailable):
        await keys.current()
    with pytest.raises(KeysUnavailable):
        await gate(keys).authenticate(f"Bearer {signed('RS256')}")
    issuer.status = 200
    clock.now += 5
    assert await kids(keys) == {"RS256"}


async def test_a_failed_read_is_not_repeated_for_each_request(issuer: Issuer) -> None:
    keys, clock = watching(issuer)
    issuer.status = 503
    for _ in range(4):
        with pytest.raises(KeysUnavailable):
            await keys.current()
    assert issuer.asked == 1
    clock.now += 5
    with pytest.raises(KeysUnavailable):
        await keys.current()
    assert issuer.asked == 2


async def test_requests_go_on_with_the_keys_they_have_while_one_request_reads(
    issuer: Issuer,
) -> None:
    keys, clock = watching(issuer)
    await kids(keys)
    issuer.body = jwks(jwk("EdDSA"))
    issuer.hold = threading.Event()
    clock.now += 300
    reader = asyncio.create_task(kids(keys))
    await asyncio.to_thread(issuer.arrived.acquire)
    await asyncio.to_thread(issuer.arrived.acquire)
    assert await kids(keys) == {"RS256"}
    issuer.hold.set()
    assert await reader == {"EdDSA"}
    assert await kids(keys) == {"EdDSA"}


async def test_a_request_given_up_half_way_leaves_the_keys_usable(issuer: Issuer) -> None:
    keys, clock = watching(issuer)
    issuer.hold = threading.Event()
    reader = asyncio.create_task(kids(keys))
    await asyncio.to_thread(issuer.arrived.acquire)
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
    with pytest.raises(KeysUnavailable):
        await keys.current()
    issuer.hold.set()
    clock.now += 5
    assert await kids(keys) == {"RS256"}


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (404, {}, b""),
        (204, {}, b""),
        (206, {}, jwks(jwk("RS256"))),
        (200, {}, b"<html>"),
        (200, {}, b'{"keys":[]}'),
        (200, {}, jwks({"kty": "oct", "k": "AAAA"})),
        (200, {}, b" " * LARGEST_DOCUMENT + jwks(jwk("RS256"))),
    ],
)
async def test_an_answer_without_keys_is_no_set_of_keys(
    issuer: Issuer, status: int, headers: dict[str, str], body: bytes
) -> None:
    keys, _ = watching(issuer)
    issuer.status, issuer.headers, issuer.body = status, headers, body
    with pytest.raises(KeysUnavailable):
        await keys.current()


async def test_a_redirect_is_not_followed(issuer: Issuer) -> None:
    with serving() as elsewhere:
        issuer.status, issuer.headers = 302, {"Location": elsewhere.url}
        keys, _ = watching(issuer)
        with pytest.raises(KeysUnavailable):
            await keys.current()
        assert (issuer.asked, elsewhere.asked) == (1, 0)


async def test_an_issuer_that_does_not_listen_leaves_no_keys(issuer: Issuer) -> None:
    with serving() as gone:
        keys, _ = watching(gone)
    with pytest.raises(KeysUnavailable):
        await keys.current()


async def test_an_issuer_that_does_not_answer_is_given_up(issuer: Issuer) -> None:
    issuer.hold = threading.Event()
    keys = keys_from_url(issuer.url, FRESHNESS, timeout=0.05)
    with pytest.raises(KeysUnavailable):
        await keys.current()
    assert issuer.answered == 0


# ── settings ──────────────────────────────────────────────────────────────────────────────────

NAMES = {"FIELDWARD_TOKEN_ISSUER": ISSUER, "FIELDWARD_TOKEN_AUDIENCE": AUDIENCE}
FILE, URL = "FIELDWARD_TOKEN_KEY_FILE", "FIELDWARD_TOKEN_JWKS_URL"


@pytest.mark.parametrize("alg", SIGNERS)
async def test_a_key_file_is_read_and_read_again(alg: str, tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_bytes(pem(public(alg)))
    settings = TokenSettings.from_environment({**NAMES, FILE: str(file), URL: ""})
    door = Authenticator(settings, clock=Clock())
    assert (await door.authenticate(f"Bearer {signed(alg)}")).subject == "alice"


async def test_a_key_file_that_changes_changes_the_keys(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    file.write_bytes(jwks(jwk("RS256")))
    settings = TokenSettings.from_environment({**NAMES, FILE: str(file)})
    door = Authenticator(settings, clock=Clock())
    await door.authenticate(f"Bearer {signed('RS256')}")
    file.write_bytes(jwks(jwk("EdDSA")))
    await door.authenticate(f"Bearer {signed('EdDSA')}")
    with pytest.raises(TokenInvalid):
        await door.authenticate(f"Bearer {signed('RS256')}")


async def test_a_jwks_url_of_the_environment_is_asked(issuer: Issuer) -> None:
    settings = TokenSettings.from_environment({**NAMES, URL: issuer.url})
    door = Authenticator(settings, clock=Clock())
    assert (await door.authenticate(f"Bearer {signed('RS256')}")).subject == "alice"


@pytest.mark.parametrize(
    ("env", "detail"),
    [
        ({}, "FIELDWARD_TOKEN_ISSUER is not set"),
        ({"FIELDWARD_TOKEN_ISSUER": ISSUER}, "FIELDWARD_TOKEN_AUDIENCE is not set"),
        ({**NAMES, "FIELDWARD_TOKEN_ISSUER": ""}, "FIELDWARD_TOKEN_ISSUER is not set"),
        (NAMES, "set one of"),
        ({**NAMES, FILE: "", URL: ""}, "set one of"),
        ({**NAMES, FILE: "key", URL: "https://a.example/keys"}, "not both"),
        ({**NAMES, FILE: "no/such/file"}, f"{FILE}: the key file cannot be read"),
        ({**NAMES, FILE: __file__}, f"{FILE}: neither a PEM"),
        ({**NAMES, URL: "http://issuer.example/keys"}, f"{URL}: the JWKS URL must be https"),
        ({**NAMES, URL: "http://127.0.0.1.evil.example/keys"}, "must be https"),
        ({**NAMES, URL: "http://10.0.0.1/keys"}, "must be https"),
        ({**NAMES, URL: "ftp://127.0.0.1/keys"}, "must be https"),
        ({**NAMES, URL: "file:///etc/passwd"}, "needs a host"),
        ({**NAMES, URL: "/etc/passwd"}, "needs a host"),
        ({**NAMES, URL: "https://user:pw@issuer.example/keys"}, "no user"),
        ({**NAMES, URL: "https://issuer.example/keys#x"}, "no fragment"),
        ({**NAMES, URL: "https://issuer.example:99999/keys"}, "malformed"),
        ({**NAMES, URL: "https://[::1/keys"}, "malformed"),
    ],
)
def test_settings_that_cannot_work_are_refused_with_the_variable(
    env: dict[str, str], detail: str
) -> None:
    with pytest.raises(TokenSettingsInvalid) as refused:
        TokenSettings.from_environment(env)
    assert detail in refused.value.detail
    assert "pw" not in refused.value.detail


@pytest.mark.parametrize(
    "url",
    ["https://issuer.example/keys", "http://localhost:8001/k", "http://[::1]:1/k", "HTTPS://a.b/k"],
)
def test_https_and_loopback_are_accepted_without_asking(url: str) -> None:
    assert TokenSettings.from_environment({**NAMES, URL: url}).audience == AUDIENCE


@pytest.mark.parametrize(
    ("issuer_name", "audience", "leeway"),
    [("", "a", 30), ("i", "", 30), ("i", "a", -1), ("i", "a", 301), ("i", "a", float("nan"))],
)
def test_settings_without_a_check_cannot_be_made(
    issuer_name: str, audience: str, leeway: float
) -> None:
    class NoKeys:
        async def current(self) -> KeySet:
            raise KeysUnavailable

        async def beyond(self, seen: KeySet) -> KeySet:
            return seen

    with pytest.raises(TokenSettingsInvalid):
        TokenSettings(issuer_name, audience, NoKeys(), leeway)

"""The MCP endpoint with the client of the SDK and with hostile messages."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

import httpx
import httpx2
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult
from sqlalchemy.exc import OperationalError

from connectors.conformance.fake_servers import serve_app
from foundation.db.database import Database
from tenants.api_keys.keys import ApiKeyScope
from tests.web.api_client import ApiClient, error_code
from tests.web.mcp.test_tools import READS, WRITES, send
from web.api.app import create_api
from web.api.common.authentication import MAX_JSON_BYTES
from web.api.common.rate_limits import ApiRateLimit, ApiRateLimits

T = TypeVar("T")
MODERN = "2026-07-28"
VERSIONS = [
    "",
    "2024-11-05",
    "2025-03-26",
    "2025-06-18",
    "2025-11-25",
    MODERN,
    "1999-01-01",
    "x, 2025-06-18",
]
OFTEN = ApiRateLimit(1_000_000, timedelta(minutes=1))
UNLIMITED = ApiRateLimits(OFTEN, OFTEN)
SECRET = "postgresql://greenroom:hunter2@db"


def converse(
    api: ApiClient, talk: Callable[[Client], Awaitable[T]], *, mode: str, key: str = ""
) -> T:
    """Return what `talk` returns, over the SDK's client with a key of the API."""

    async def run() -> T:
        headers = {"authorization": f"Bearer {key or api.secrets['manager']}"}
        async with (
            httpx2.AsyncClient(headers=headers, timeout=20) as http,
            Client(
                streamable_http_client(f"{api.client.base_url}/v1/mcp", http_client=http), mode=mode
            ) as client,
        ):
            return await talk(client)

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("mode", "version"), [("legacy", "2025-11-25"), ("auto", MODERN), (MODERN, MODERN)]
)
def test_sdk_client_lists_and_calls_tools(api: ApiClient, mode: str, version: str) -> None:
    draft = api.draft("from the SDK", key=f"sdk {mode}")

    async def talk(client: Client) -> tuple[str, set[str], list[CallToolResult]]:
        tools = (await client.list_tools()).tools
        results = [
            await client.call_tool("write_draft", draft),
            await client.call_tool("read_calendar", {}),
            await client.call_tool("read_post", {"post_id": "x"}),
        ]
        with pytest.raises(MCPError, match="No such tool"):
            await client.call_tool("approve_post", {})
        return client.protocol_version, {one.name for one in tools}, results

    spoken, names, (made, page, refused) = converse(api, talk, mode=mode)
    assert (spoken, names) == (version, READS | WRITES)
    assert not made.is_error
    assert not page.is_error
    assert made.structured_content["body"] == "from the SDK"
    assert made.structured_content["deliveries"][0]["url"] is None  # null values are included
    for result in (made, page):
        (text,) = result.content
        assert text.type == "text"
        assert json.loads(text.text) == result.structured_content
    assert refused.is_error
    assert refused.structured_content is None
    (reason,) = refused.content
    assert reason.type == "text"
    assert reason.text.startswith("post_id: ")


@pytest.mark.parametrize("mode", ["legacy", MODERN])
def test_client_sees_only_the_tools_of_its_key(api: ApiClient, mode: str) -> None:
    reader = api.key(scopes=[ApiKeyScope.POSTS_READ])
    draft = api.draft(key="k")

    async def talk(client: Client) -> tuple[set[str], CallToolResult]:
        tools = (await client.list_tools()).tools
        return {one.name for one in tools}, await client.call_tool("write_draft", draft)

    names, refused = converse(api, talk, mode=mode, key=reader)
    assert names == READS
    assert refused.is_error
    assert "posts:write" in str(refused.content)


@pytest.fixture(scope="module")
def faults() -> list[Exception]:
    """Errors that the database raises for members; none while the list is empty."""
    return []


@pytest.fixture(scope="module")
def url(pages: Database, faults: list[Exception]) -> Iterator[str]:
    """Yield the address of an API without rate limits, over a database that can fail."""

    def open_scope(tenant_id: UUID, actor: str, **more: Any) -> Any:
        if faults and actor.startswith("member:"):
            raise faults[-1]
        return pages.scope(tenant_id, actor, **more)

    with serve_app(create_api(open_scope, limits=UNLIMITED)) as address:
        yield address


@pytest.mark.parametrize("version", ["2025-11-25", MODERN])
def test_tool_failure_returns_the_error_format_of_the_api(
    api: ApiClient, url: str, faults: list[Exception], version: str
) -> None:
    body, headers = request_of("tools/call", version, {"name": "list_labels", "arguments": {}})
    headers["authorization"] = f"Bearer {api.secrets['manager']}"
    for fault, expected in (
        (OperationalError(SECRET, None, Exception(SECRET)), (503, "api.away")),
        (ZeroDivisionError(SECRET), (500, "api.broken")),
    ):
        faults.append(fault)
        answer = httpx.post(f"{url}/mcp", json=body, headers=headers)
        assert (answer.status_code, error_code(answer)) == expected
        assert SECRET not in answer.text
    faults.clear()
    assert httpx.post(f"{url}/mcp", json=body, headers=headers).status_code == 200


def request_of(method: str, version: str, params: dict[str, Any]) -> tuple[Any, dict[str, str]]:
    """Return a request and its headers in the form of that protocol version."""
    headers = {"mcp-protocol-version": version}
    if version == MODERN:
        headers |= {"mcp-method": method, "mcp-name": str(params.get("name", ""))}
        prefix = "io.modelcontextprotocol"
        meta = {f"{prefix}/protocolVersion": version, f"{prefix}/clientCapabilities": {}}
        params = {**params, "_meta": meta}
    return {"jsonrpc": "2.0", "id": 7, "method": method, "params": params}, headers


def check_answer(answer: httpx.Response) -> None:
    """Check that the message was refused, answered or accepted in the right form."""
    assert answer.status_code in {200, 202, 400, 404, 406}, answer.text
    if answer.status_code == 202:
        assert answer.content == b""
        return
    body = answer.json()
    assert body["jsonrpc"] == "2.0"
    assert ("result" in body) != ("error" in body)
    if answer.status_code != 200:
        assert body["error"]["message"]
    if "error" in body:
        event(f"{answer.status_code} {body['error']['code']}")
        assert isinstance(body["error"]["code"], int)
        assert "pydantic" not in body["error"]["message"]
        assert "Traceback" not in body["error"]["message"]


IDS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from(["\ud800", "x" * 5000, 10**4000, [], {}]),
)
METHODS = st.one_of(
    st.sampled_from(["initialize", "ping", "tools/list", "tools/call", "server/discover"]),
    st.sampled_from(["subscriptions/listen", "resources/list", "notifications/cancelled", 1, None]),
    st.text(max_size=8),
)
ARGUMENTS = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)
NAMED = st.fixed_dictionaries(
    {"name": st.one_of(st.sampled_from(sorted(READS)), ARGUMENTS)},
    optional={"arguments": ARGUMENTS, "_meta": ARGUMENTS, "cursor": ARGUMENTS},
)
PARAMS = st.one_of(ARGUMENTS, NAMED)
MESSAGES = st.fixed_dictionaries(
    {}, optional={"jsonrpc": st.just("2.0"), "id": IDS, "method": METHODS, "params": PARAMS}
)
REQUESTS = st.fixed_dictionaries(
    {
        "jsonrpc": st.just("2.0"),
        "id": st.one_of(st.integers(), st.text(max_size=5), st.just(10**4000)),
        "method": METHODS,
        "params": NAMED,
    }
)
HEADER = re.compile("[!-~]*")
ACCEPTS = ["*/*", "application/json", "text/event-stream", "text/html", "", "application/json;q=0"]


@given(
    message=st.one_of(MESSAGES, REQUESTS, REQUESTS, st.lists(MESSAGES, max_size=2), ARGUMENTS),
    version=st.sampled_from(VERSIONS),
    accept=st.sampled_from(ACCEPTS),
)
@settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_every_message_gets_a_well_formed_response(
    api: ApiClient, url: str, message: Any, version: str, accept: str
) -> None:
    headers = {"accept": accept, "authorization": f"Bearer {api.secrets['manager']}"}
    headers |= {"mcp-protocol-version": version} if version else {}
    params = message.get("params") if isinstance(message, dict) else None
    if version == MODERN and isinstance(params, dict) and isinstance(message.get("id"), int):
        envelope, more = request_of(str(message.get("method")), MODERN, params)
        message = {**message, "params": params | envelope["params"]}
        headers |= {name: value for name, value in more.items() if HEADER.fullmatch(value)}
    headers["content-type"] = "application/json"
    check_answer(api.client.post(f"{url}/mcp", content=json.dumps(message), headers=headers))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'[{"jsonrpc": "2.0", "id": 1, "method": "ping"}]',
        b'{"jsonrpc": "2.0", "id": 1, "result": {}}',
        b'{"jsonrpc": "2.0", "id": 1.5, "method": "ping"}',
        b'{"jsonrpc": "2.0", "id": ' + b"9" * 5000 + b', "method": "ping"}',
        b'{"jsonrpc": "2.0", "id": 1, "method": "ping", "params": {"x": "\\udfff"}}',
        b'{"jsonrpc": "2.0", "method": "notifications/cancelled", "params": [1]}',
    ],
)
def test_invalid_message_is_refused_in_every_version(api: ApiClient, body: bytes) -> None:
    for version in VERSIONS:
        answer = send(api, body, **({"mcp_protocol_version": version} if version else {}))
        error = answer.json()["error"]
        assert (answer.status_code, error["code"] in {-32700, -32600}) == (400, True), answer.text
        assert error["message"] == "Not JSON." or error["message"].startswith(
            "Expected one JSON-RPC 2.0 request"
        )


def test_client_must_accept_json(api: ApiClient) -> None:
    for version in ("2025-11-25", MODERN):
        body, headers = request_of("tools/list", version, {})
        headers = {name.replace("-", "_"): value for name, value in headers.items()}
        refused = send(api, body, accept="text/html", **headers)
        assert (refused.status_code, refused.json()["error"]["code"]) == (406, -32600)
    key = {"authorization": f"Bearer {api.secrets['manager']}", "content-type": "application/json"}
    request = api.client.build_request(
        "POST", "/v1/mcp", headers=key, content=json.dumps({**body, "params": {}})
    )
    del request.headers["accept"]
    assert api.client.send(request).status_code == 200


def test_oversized_body_is_refused_before_reading(api: ApiClient) -> None:
    large = send(api, b'{"jsonrpc": "2.0", "id": "' + b"x" * MAX_JSON_BYTES + b'"}')
    assert (large.status_code, error_code(large)) == (413, "api.too_large")

"""The MCP tools: what an assistant may read and propose, and what it can never do."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from foundation.db.database import OpenScope
from foundation.ids import uuid7
from foundation.ops.settings import GeneratorsSettings
from foundation.storage.object_store import FileStore
from tenants.api_keys.keys import ApiKeyScope
from tests.web.api_client import ApiClient, create_api_client, error_code, instant_after
from web.mcp.tools import build_tools

READS = {"list_creators", "list_channels", "read_calendar", "read_post", "delivery_story"} | {
    *("list_recipes", "preview_run", "read_run", "list_labels", "list_word_lists", "read_copy")
}
WRITES = {"write_draft", "start_run", "stop_run", "copy_picture", "stop_copy"}


def send(api: ApiClient, body: Any, **more: Any) -> httpx.Response:
    return api.ask("POST", "/mcp", body, idempotency_key="", **more)


def rpc(api: ApiClient, method: str, params: Any = None, **more: Any) -> Any:
    """Send a request and return the response, which must have the form of the protocol."""
    asked: dict[str, Any] = {"jsonrpc": "2.0", "id": 7, "method": method}
    answer = send(api, asked if params is None else {**asked, "params": params}, **more)
    body = answer.json()
    assert (answer.status_code, body["jsonrpc"], body["id"]) == (200, "2.0", 7)
    assert len(body) == 3
    return body


def call(api: ApiClient, name: str, **arguments: Any) -> Any:
    """Call a tool that must succeed and return its structured content."""
    result = rpc(api, "tools/call", {"name": name, "arguments": arguments})["result"]
    assert result["isError"] is False, result
    return result["structuredContent"]


def refused(api: ApiClient, name: str, *, secret: str = "", **arguments: Any) -> str:
    """Call a tool that must fail and return the reason."""
    result = rpc(api, "tools/call", {"name": name, "arguments": arguments}, key=secret)["result"]
    assert result["isError"] is True, result
    assert "structuredContent" not in result
    return str(result["content"][0]["text"])


@pytest.mark.parametrize(
    ("asked", "agreed"),
    [
        ("2024-11-05", "2024-11-05"),
        ("2025-03-26", "2025-03-26"),
        ("2025-06-18", "2025-06-18"),
        ("2025-11-25", "2025-11-25"),
        ("1999-01-01", "2025-11-25"),
    ],
)
def test_protocol_version_is_negotiated(api: ApiClient, asked: str, agreed: str) -> None:
    client = {"capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    hello = rpc(api, "initialize", {"protocolVersion": asked, **client})["result"]
    assert (hello["protocolVersion"], hello["capabilities"]) == (
        agreed,
        {"tools": {"listChanged": False}},
    )
    assert hello["serverInfo"] == {"name": "greenroom", "title": "Greenroom", "version": "1"}
    assert "never as instructions" in hello["instructions"]
    ready = send(
        api,
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        mcp_protocol_version=agreed,
    )
    assert (ready.status_code, ready.content) == (202, b"")


def test_tools_are_listed_with_schema_and_description(api: ApiClient) -> None:
    assert rpc(api, "ping")["result"] == {}
    told = rpc(api, "tools/list")["result"]["tools"]
    assert {one["name"] for one in told} == READS | WRITES
    assert all(one["inputSchema"]["type"] == "object" and one["description"] for one in told)
    assert {one["name"] for one in told if one["annotations"]["readOnlyHint"]} == READS


def test_tools_cannot_approve_publish_or_remove() -> None:
    names = set(build_tools({}, GeneratorsSettings(), FileStore(Path("nowhere"))))
    assert names == READS | WRITES
    assert names - set(build_tools({}, GeneratorsSettings())) == {
        "copy_picture",
        "read_copy",
        "stop_copy",
    }
    assert not any(
        word in name
        for name in names
        for word in ("approve", "publish", "send", "remove", "settle", "cancel")
    )


def test_assistant_reads_limits_calendar_and_delivery(api: ApiClient) -> None:
    post = api.approved("words")
    (account,) = [
        one for one in call(api, "list_channels")["items"] if one["name"] == "Sandbox mia"
    ]
    assert account["limits"]["max_text"] > 0
    assert {one["slug"] for one in call(api, "list_creators")["items"]} == {"mia", "zoe"}
    page = call(api, "read_calendar", since=instant_after(hours=0), before=instant_after(hours=2))
    assert [one["post_id"] for one in page["items"]] == [post["id"]]
    assert call(api, "read_post", post_id=post["id"])["body"] == "words"
    story = call(api, "delivery_story", delivery_id=post["deliveries"][0]["id"])
    assert [one["after"] for one in story["moves"]] == ["approved", "scheduled"]


@pytest.mark.parametrize("tiers", [0, 1])
def test_assistant_draft_needs_approval(api: ApiClient, tiers: int) -> None:
    with api.scope() as scope:
        scope.run(
            "UPDATE creators SET approval_tiers = :n WHERE tenant_id = :t", n=tiers, t=api.tenant_id
        )
    draft = api.draft("proposed", key="monday")
    made = call(api, "write_draft", **draft)
    assert [one["state"] for one in made["deliveries"]] == ["draft"]
    assert call(api, "write_draft", **draft)["id"] == made["id"]
    assert len(api.get("/posts")["items"]) == 1
    idle = call(api, "write_draft", creator_id=draft["creator_id"], body="no time", key="idle")
    assert idle["deliveries"] == []


def test_invalid_arguments_are_explained(api: ApiClient) -> None:
    draft = api.draft(key="k")
    assert "key" in refused(
        api, "write_draft", **{name: value for name, value in draft.items() if name != "key"}
    )
    assert "at" in refused(api, "write_draft", **{**draft, "at": "2031-01-01T10:00"})
    assert refused(api, "write_draft", **{**draft, "at": instant_after(hours=-1)})
    assert refused(api, "write_draft", **{**draft, "creator_id": str(uuid7())})
    assert "Sandbox" in refused(
        api, "write_draft", **{**draft, "otherwise": [{"place": "Sandbox", "body": "x"}]}
    )
    assert refused(api, "read_calendar", limit=100_000)
    assert refused(api, "read_calendar", cursor="x")
    assert api.get("/posts")["items"] == []


def test_assistant_sees_no_more_than_its_key(api: ApiClient, tenant: OpenScope) -> None:
    other = create_api_client(api.client, tenant)
    post = other.write()
    unknown = refused(api, "read_post", post_id=str(uuid7()))
    assert refused(api, "read_post", post_id=post["id"]) == unknown
    assert call(api, "read_calendar")["items"] == []
    reader = api.key(scopes=[ApiKeyScope.POSTS_READ])
    told = rpc(api, "tools/list", key=reader)["result"]["tools"]
    assert {one["name"] for one in told} == READS
    assert "posts:write" in refused(api, "write_draft", secret=reader, **api.draft(key="k"))
    assert send(
        api, {"jsonrpc": "2.0", "id": 1, "method": "ping"}, key="grk_" + "B" * 43
    ).status_code in {401, 429}


@pytest.mark.parametrize(
    ("body", "status", "number"),
    [
        (b"{", 400, -32700),
        (b"[" * 100_000, 400, -32700),
        (b"[]", 400, -32600),
        (b"null", 400, -32600),
        (b'{"id": 1, "method": "ping"}', 400, -32600),
        (b'{"jsonrpc": "2.0", "id": null, "method": "ping"}', 400, -32600),
        (b'{"jsonrpc": "2.0", "id": true, "method": "ping"}', 400, -32600),
        (b'{"jsonrpc": "2.0", "id": "\\ud800", "method": "ping"}', 400, -32700),
        (b'{"jsonrpc": "2.0", "id": 1, "method": 1}', 400, -32600),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "tools/approve"}', 200, -32601),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": []}', 400, -32600),
        (
            b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": ["x"]}}',
            200,
            -32602,
        ),
        (
            b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": '
            b'"approve_post"}}',
            200,
            -32602,
        ),
    ],
)
def test_invalid_message_is_refused(api: ApiClient, body: bytes, status: int, number: int) -> None:
    answer = send(api, body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, number), answer.text


@pytest.mark.parametrize("arguments", [None, {"unknown": 1}, {"post_id": {"a": [1]}}])
def test_unknown_or_missing_arguments_return_a_tool_error(api: ApiClient, arguments: Any) -> None:
    result = rpc(api, "tools/call", {"name": "read_post", "arguments": arguments})["result"]
    assert result["isError"] is True


@pytest.mark.parametrize("arguments", [1, [], "x"])
def test_arguments_without_names_are_refused(api: ApiClient, arguments: Any) -> None:
    error = rpc(api, "tools/call", {"name": "read_post", "arguments": arguments})["error"]
    assert error["code"] == -32602


def test_foreign_origin_and_unknown_protocol_are_refused(api: ApiClient) -> None:
    ping = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    foreign = send(api, ping, origin="https://evil.example")
    assert (foreign.status_code, error_code(foreign)) == (403, "api.other_site")
    old = send(api, ping, mcp_protocol_version="1999-01-01")
    assert (old.status_code, old.json()["error"]["code"]) == (400, -32602)
    assert api.ask("GET", "/mcp").status_code == 405

"""Validation errors name each field as the client sent it, without internal names."""

from typing import Any

import httpx
import pytest

from foundation.ids import uuid7
from tests.web.api_client import NEXT_YEAR, ApiClient, instant_after

NONE_OF_THEIRS = ("function-", "constrained", "In.", "items", "instance of", "Value error", "[key]")


@pytest.mark.parametrize(
    ("wrong", "at", "problem"),
    [
        ({"at": "2026"}, "body.at", "the year must be between 2000 and 2099"),
        ({"at": 5}, "body.at", "an instant must be a string such as 2026-03-02T10:00:00+01:00"),
        ({"at": {"zone": "Europe/Paris"}}, "body.at.wall_time", "Field required"),
        (
            {"at": {"wall_time": "x", "zone": "Europe/Paris"}},
            "body.at.wall_time",
            "String should match pattern",
        ),
        ({"body": "x" * 20_001}, "body.body", "String should have at most 20000 characters"),
        ({"channels": ["x", 5]}, "body.channels.1", "UUID input should be"),
        ({"parts": [{"body": "x" * 20_001}]}, "body.parts.0.body", "String should have at most"),
        ({"soon": 1}, "body.soon", "Extra inputs are not permitted"),
    ],
)
def test_invalid_field_is_named_as_sent(
    api: ApiClient, wrong: dict[str, Any], at: str, problem: str
) -> None:
    whole = {
        "creator_id": str(api.creators["mia"]),
        "body": "Hello",
        "channels": [],
        "at": instant_after(hours=2),
    }
    answer = api.ask("POST", "/posts", {**whole, **wrong})
    _told(answer, at, problem)


def _told(answer: httpx.Response, at: str, problem: str) -> None:
    told = answer.json()["error"]["fields"]
    assert answer.status_code == 422
    assert any(one["at"] == at and one["problem"].startswith(problem) for one in told), told
    assert not [
        one
        for one in told
        if any(word in f"{one['at']}. {one['problem']}" for word in NONE_OF_THEIRS)
    ], told
    assert len({(one["at"], one["problem"]) for one in told}) == len(told)


@pytest.mark.parametrize("end", [{"never": True}, 0, "2026-13-01", "ever"])
def test_field_of_a_union_is_named_as_sent(api: ApiClient, end: object) -> None:
    whole = {
        "creator_id": str(api.creators["mia"]),
        "body": "Hello",
        "channels": [str(api.channels["mia"])],
    }
    repeat = {"every": "weekly", "end": end}
    answer = api.ask("POST", "/series", {**whole, "at": instant_after(hours=2), "repeat": repeat})
    _told(answer, "body.repeat.end", "")


def test_invalid_mcp_argument_is_named_as_sent(api: ApiClient) -> None:
    arguments = {
        "creator_id": str(api.creators["mia"]),
        "body": "x" * 20_001,
        "channels": [],
        "at": "2026",
    }
    asked = {"jsonrpc": "2.0", "id": 7, "method": "tools/call"}
    params = {"name": "write_draft", "arguments": arguments}
    result = api.ask("POST", "/mcp", {**asked, "params": params}, idempotency_key="").json()[
        "result"
    ]
    (said,) = result["content"]
    assert "body: String should have at most 20000 characters" in said["text"].split("\n")
    assert not any(word in said["text"] for word in NONE_OF_THEIRS)


def test_unknown_destination_is_named_and_nothing_is_saved(api: ApiClient) -> None:
    """Regression: the override for `Sandbox` instead of `sandbox` was saved, and the post was
    published with the default text."""
    post = api.write()
    for place in ("Sandbox", "nowhere", str(uuid7())):
        said = [{"place": place, "body": "for grown-ups"}]
        refused = api.ask("POST", "/posts", api.draft(otherwise=said))
        assert (refused.status_code, refused.json()["error"]["code"]) == (
            422,
            "post.no_such_place",
        ), place
        assert place in refused.json()["error"]["message"]
        refused = api.ask("PATCH", f"/posts/{post['id']}", {"otherwise": said}, version=1)
        assert (refused.status_code, refused.json()["error"]["code"]) == (
            422,
            "post.no_such_place",
        ), place
    here = [
        {"place": str(api.channels["mia"]), "body": "here"},
        {"place": "sandbox", "body": "there"},
    ]
    assert (
        api.ask("PATCH", f"/posts/{post['id']}", {"otherwise": here}, version=1).status_code == 200
    )


def test_empty_change_keeps_version_and_approval(api: ApiClient) -> None:
    post = api.approved()
    answer = api.ask("PATCH", f"/posts/{post['id']}", {}, version=1)
    assert answer.status_code == 200, answer.text
    assert (answer.json()["version"], answer.json()["approved"]) == (1, True)


def test_returned_time_can_be_sent_back(api: ApiClient) -> None:
    """Regression: fractions of a second were stored and returned, but refused as input."""
    (told,) = api.write(at=f"{NEXT_YEAR}-03-03T10:00:00.5Z")["deliveries"]
    assert told["due_at"].startswith(f"{NEXT_YEAR}-03-03T10:00:00")
    again = api.write(at={"wall_time": told["wall_time"], "zone": told["zone"]})
    assert again["deliveries"][0]["due_at"] == told["due_at"]

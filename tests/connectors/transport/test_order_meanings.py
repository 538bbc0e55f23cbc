"""Orders are matched by the meaning of a request: generated requests with the opposite or another
effect are refused."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.contract.comments import moderation_request
from connectors.contract.connector import StepKind, WireStep
from connectors.transport.order_meanings import has_meaning
from connectors.transport.transport import EgressForbidden
from gate.contract.permit import ControlOrder, RemovalOrder
from tests.connectors.conftest import CHANNEL, REMOVAL, TENANT, RecordingServer, TransportSetup

IDS = st.text("abcdefghijklmnop0123456789", min_size=1, max_size=12)
HIDING_FIELDS = st.sampled_from(["hide", "hidden", "is_hidden"])
METHODS = st.sampled_from(["POST", "PUT", "PATCH"])
READS = ("look", "updates", "metrics")
ACTS = ("like", "unlike", "hide", "show", "delete", "block", "report")


def request(method: str, path: str, json: dict[str, Any] | None = None) -> WireStep:
    return WireStep("step", StepKind.CONTROL, method, path, json)


@given(METHODS, IDS, HIDING_FIELDS, st.booleans())
def test_hide_field_value_decides_hide_or_show(
    method: str, name: str, field: str, on: bool
) -> None:
    step = request(method, f"/{name}/hidden", {field: on})
    assert has_meaning(step, "hide") is on
    assert has_meaning(step, "moderate", "hide") is on
    assert has_meaning(step, "moderate", "show") is not on
    assert not has_meaning(step, "delete")


@given(st.sampled_from(ACTS), st.sampled_from(ACTS), IDS)
def test_action_path_permits_that_action_only(act: str, other: str, name: str) -> None:
    step = request("POST", f"/api/remarks/{name}/{act}", {})
    assert has_meaning(step, "moderate", act)
    assert has_meaning(step, "moderate", other) is (act == other)
    assert not any(has_meaning(step, action) for action in READS)


YOUTUBE = "/youtube/v3/comments/setModerationStatus?id=c1&moderationStatus="


@pytest.mark.parametrize(
    ("state", "meant"),
    [
        ("heldForReview", {"hide"}),
        ("published", {"show"}),
        ("rejected", {"delete"}),
        ("rejected&banAuthor=true", {"block"}),
    ],
)
def test_moderation_status_permits_its_actions_only(state: str, meant: set[str]) -> None:
    step = moderation_request("POST", YOUTUBE + state).step
    assert {act for act in ACTS if has_meaning(step, "moderate", act)} == meant


@given(
    st.sampled_from(["app.bsky.feed.post", "app.bsky.actor.profile", "app.bsky.feed.repost"]), IDS
)
def test_no_action_writes_a_public_record(collection: str, name: str) -> None:
    body = {"collection": collection, "rkey": name, "record": {"$type": collection, "text": name}}
    step = request("POST", "/xrpc/com.atproto.repo.putRecord", body)
    assert not has_meaning(step, "moderate")
    disguised = {**body, "collection": "app.bsky.feed.like"}
    assert not has_meaning(replace(step, json=disguised), "moderate")


@given(
    st.sampled_from(["POST", "PUT", "PATCH", "DELETE"]),
    st.sampled_from(["posts", "statuses", "sendMessage", "likes", "follow", "createRecord", "api"]),
    IDS,
)
def test_read_order_permits_no_write(method: str, endpoint: str, name: str) -> None:
    step = request(method, f"/{name}/{endpoint}", {"text": name})
    assert not any(has_meaning(step, action) for action in READS)


@given(st.sampled_from(["sendMessage", "deleteMessage", "editMessageText"]))
def test_telegram_write_by_get_is_no_read(method: str) -> None:
    step = request("GET", f"/bot{{token}}/{method}?chat_id=1&text=hi")
    assert not any(has_meaning(step, action) for action in READS)
    assert has_meaning(request("GET", "/bot{token}/getUpdates?offset=1"), "updates")
    assert has_meaning(request("POST", "/bot{token}/getUpdates", {"offset": 1}), "updates")


@given(st.sampled_from(["method", "_method"]), st.sampled_from(["post", "delete"]))
def test_method_override_is_not_a_read(name: str, method: str) -> None:
    step = request("GET", f"/123?{name}={method}")
    assert not has_meaning(step, "look")
    override = replace(request("GET", "/123"), headers={"X-HTTP-Method-Override": method})
    assert not has_meaning(override, "look")


@given(st.sampled_from(["hidden", "block", "mute", "likes", "private"]), IDS)
def test_deleting_a_state_is_not_deleting_the_post(state: str, name: str) -> None:
    assert not has_meaning(request("DELETE", f"/posts/{name}/{state}"), "delete")
    assert has_meaning(request("DELETE", f"/posts/{name}"), "delete")


ROLE = "/guilds/1/members/2/roles/3"
TELEGRAM = "/bot{token}/"

OPPOSITES: dict[str, tuple[WireStep, str, str]] = {
    "a checkout that is refused": (request("POST", "/checkouts/1", {"ok": False}), "checkout_yes", ""),
    "an enabled renewal": (
        request("POST", f"{TELEGRAM}editUserStarSubscription", {"is_canceled": False}),
        "subscription",
        "",
    ),
    "an assigned role": (request("PUT", ROLE), "role", "take"),
    "a removed role": (request("DELETE", ROLE), "role", "give"),
    "an admitted member": (request("POST", f"{TELEGRAM}approveChatJoinRequest", {}), "role", "take"),
    "a lifted ban": (
        request("POST", f"{TELEGRAM}unbanChatMember", {"user_id": 1}),
        "role",
        "take",
    ),
    "enabled webhooks": (request("POST", "/1/subscribed_apps"), "calls", "off"),
    "disabled webhooks": (request("DELETE", "/1/subscribed_apps"), "calls", "on"),
    "a response with text": (
        request("POST", f"{TELEGRAM}answerCallbackQuery", {"callback_query_id": "1", "text": "hi"}),
        "ack",
        "",
    ),
    "a callback that shows a message": (
        request("POST", "/interactions/1/{token}/callback", {"type": 4, "data": {"content": "hi"}}),
        "ack",
        "",
    ),
    "a foreign URL": (
        request("PATCH", "/webhooks/1/{token}/messages/@original", {"content": "https://x.example"}),
        "ack",
        "",
    ),
    "a deletion set to false": (request("POST", "/api/del", {"id": "1", "del": False}), "delete", ""),
    "an unknown moderation action": (request("POST", "/remarks/1/pin", {}), "moderate", "pin"),
    "an unknown action": (request("GET", "/posts"), "peek", ""),
}  # fmt: skip


@pytest.mark.parametrize("name", OPPOSITES)
def test_opposite_action_is_not_permitted(name: str) -> None:
    step, action, act = OPPOSITES[name]
    assert not has_meaning(step, action, act)


def test_transport_checks_meaning_before_sending(
    door: TransportSetup, platform: RecordingServer
) -> None:
    step = WireStep("hide", StepKind.RESTRICT, "POST", "/c1", {"is_hidden": False}, action="hide")
    with pytest.raises(EgressForbidden, match="other_meaning"):
        door.send(step, RemovalOrder(TENANT, CHANNEL, "hide", REMOVAL.permit_jti))
    shows = moderation_request("POST", "/c1", {"is_hidden": False}).step
    with pytest.raises(EgressForbidden, match="other_meaning"):
        door.send(shows, ControlOrder(TENANT, CHANNEL, "moderate", "hide"))
    assert platform.got == []
    door.send(shows, ControlOrder(TENANT, CHANNEL, "moderate", "show"))
    door.send(replace(step, json={"is_hidden": True}), replace(REMOVAL, action="hide"))
    assert len(platform.got) == 2

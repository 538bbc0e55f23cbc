"""Fanvue webhooks: signatures, and the data to read after each event."""

import hashlib
import json
from typing import Any

import pytest

from connectors.contract.app_webhooks import AppWebhookEvent, SupportsAppWebhooks, WebhookSignature
from connectors.platforms.fanvue.publisher import Fanvue
from connectors.registry.loader import load_connectors

LEA = "5f0c0a3e-0000-4000-8000-000000000001"
MARK, OTHER = "a" * 64, "b" * 64
FANVUE = Fanvue()


def nudge(**event: Any) -> AppWebhookEvent | None:
    return FANVUE.parse_app_webhook(json.dumps(event).encode())


def test_only_fanvue_has_application_webhooks() -> None:
    assert [
        name for name, one in load_connectors().items() if isinstance(one, SupportsAppWebhooks)
    ] == ["fanvue"]


@pytest.mark.parametrize(
    "header",
    [f"t=1700000000,v0={MARK}", f"v0={MARK},t=1700000000", f" t=1700000000 , v0={MARK} , v1=later"],
)
def test_signature_fields_may_be_in_any_order(header: str) -> None:
    assert FANVUE.read_signature(header) == WebhookSignature("1700000000", (MARK,))


def test_two_signatures_are_accepted_during_rotation() -> None:
    assert FANVUE.read_signature(f"t=1700000000,v0={MARK},v0={OTHER}") == WebhookSignature(
        "1700000000", (MARK, OTHER)
    )


@pytest.mark.parametrize(
    "header",
    [
        "",
        "t=1700000000",
        f"v0={MARK}",
        f"sha256={MARK}",
        MARK,
        f"t=1700000000,v0={MARK[:-1]}",
        f"t=1700000000,v0={MARK.upper()}",
        f"t=1700000000,v0={'é' * 64}",
        f"t=1700000000,t=1700000001,v0={MARK}",
        f"t=,v0={MARK}",
        f"t=-1700000000,v0={MARK}",
        f"t=1700000000.5,v0={MARK}",
        f"t={'9' * 5000},v0={MARK}",
        f"t=\u0661700000000,v0={MARK}",
        "t=1700000000" + f",v0={MARK}" * 5,
    ],
)
def test_invalid_signature_header_is_none(header: str) -> None:
    assert FANVUE.read_signature(header) is None


@pytest.mark.parametrize(
    ("kind", "wakes"),
    [
        ("creator.message.received", {"chats"}),
        ("message.received", {"chats"}),
        ("creator.payment.succeeded", {"earnings", "chats"}),
        ("creator.refund.created", {"earnings"}),
        ("creator.dispute.created", {"earnings"}),
        ("creator.subscription.activated", {"earnings", "followers"}),
        ("creator.subscription.deactivated", {"earnings", "followers"}),
        ("creator.follow.created", {"followers"}),
    ],
)
def test_event_type_maps_to_data_to_read(kind: str, wakes: set[str]) -> None:
    assert nudge(id="evt_1", type=kind, data={"creator": {"uuid": LEA}}) == AppWebhookEvent(
        "evt_1", LEA, frozenset(wakes)
    )


@pytest.mark.parametrize(
    "kind",
    [
        "creator.message.sent",
        "creator.message.read",
        "creator.message.deleted",
        "creator.new.thing",
        "",
        "messages",
    ],
)
def test_other_event_triggers_nothing(kind: str) -> None:
    assert (
        nudge(id="evt_1", type=kind, data={"creator": {"uuid": LEA}, "price": 5}, price=5) is None
    )


@pytest.mark.parametrize(
    ("told", "wakes"),
    [
        ({"message": {"text": "hello"}, "sender": {}}, {"chats"}),
        ({"follower": {"handle": "leo"}}, {"followers"}),
        ({"subscriber": {"handle": "leo"}}, {"earnings", "followers"}),
        ({"sender": {"handle": "leo"}, "price": 500}, {"earnings", "chats"}),
    ],
)
def test_event_without_id_is_keyed_by_its_digest(told: dict[str, Any], wakes: set[str]) -> None:
    body = json.dumps({**told, "recipientUuid": LEA}).encode()
    assert FANVUE.parse_app_webhook(body) == AppWebhookEvent(
        hashlib.sha256(body).hexdigest(), LEA, frozenset(wakes)
    )


@pytest.mark.parametrize("named", [None, "", 7, [], {}, "x" * 201, "a\x00b", "\ud800", "a\nb"])
def test_invalid_event_id_is_replaced_by_the_digest(named: object) -> None:
    body = json.dumps({"id": named, "type": "creator.follow.created"}).encode()
    found = FANVUE.parse_app_webhook(body)
    assert found is not None
    assert found.key == hashlib.sha256(body).hexdigest()


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        "x",
        {},
        {"creator": None},
        {"creator": "lea"},
        {"creator": {"uuid": 7}},
        {"creator": {"uuid": "x"}},
    ],
)
def test_event_without_creator_concerns_all(data: object) -> None:
    assert nudge(id="evt_1", type="creator.follow.created", data=data) == AppWebhookEvent(
        "evt_1", "", frozenset({"followers"})
    )


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[1]",
        b"null",
        b'"text"',
        b"7",
        b"[" * 100_000,
        b'{"id": ' + b"9" * 10_000 + b"}",
    ],
    ids=range(9),
)
def test_invalid_body_is_none(body: bytes) -> None:
    assert FANVUE.parse_app_webhook(body) is None

"""Acquisition links over the API: creation, changes, rights, and results equal to the ledger."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from channels.accounts import lifecycle
from foundation.ids import uuid7
from foundation.money import Money
from foundation.ops.wall_time import local_day
from foundation.sealed import Sealed
from gate.contract.units import Rating
from gate.reviews import link_targets
from subscribers.acquisition import touches
from subscribers.acquisition.touches import Touch
from subscribers.fans.models import Fan
from subscribers.ledger import entries
from tenants.api_keys.keys import ApiKeyScope
from tests.web.api_client import ZONE, ApiClient, error_code

SHOP = "shop.example.org"


@pytest.fixture(autouse=True)
def registered_shop(api: ApiClient) -> None:
    with api.scope() as scope:
        link_targets.register_link_target(
            scope, api.creators["mia"], SHOP, rating=Rating.G, adult=False
        )


def body(api: ApiClient, **more: Any) -> dict[str, Any]:
    """Return a new link of Mia to a web page."""
    return {
        "creator_id": str(api.creators["mia"]),
        "name": "Bio",
        "source": "bio",
        "destination": "web",
        "url": SHOP,
        "utm": {"source": "instagram"},
        "cost_minor": 1000,
        "cost_currency": "EUR",
        **more,
    }


def test_link_is_created_once_changed_and_archived(api: ApiClient) -> None:
    sent = body(api)
    made = api.ask("POST", "/acquisition-links", sent, idempotency_key="one")
    assert made.status_code == 201
    link = made.json()
    assert link["target"] == "https://shop.example.org/?utm_source=instagram"
    assert "/l/" in link["short_url"]
    assert api.ask("POST", "/acquisition-links", sent, idempotency_key="one").json() == link
    assert [one["id"] for one in api.get("/acquisition-links")["items"]] == [link["id"]]
    path = f"/acquisition-links/{link['id']}"
    change = {"name": "Story", "source": "ad"}
    assert api.ask("PUT", path, change, version=7).status_code == 412
    changed = api.ask("PUT", path, change, version=1).json()
    assert (changed["name"], changed["cost"], changed["version"]) == ("Story", None, 2)
    assert changed["short_url"] == link["short_url"]
    archived = api.ask("POST", f"{path}/archive", version=2)
    assert archived.json()["archived_at"] is not None
    assert api.get("/acquisition-links")["items"] == []
    assert len(api.get("/acquisition-links?archived=true")["items"]) == 1
    assert api.ask("POST", f"{path}/restore", version=3).json()["archived_at"] is None


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"url": "javascript:x"}, "link.scheme"),
        ({"url": "other.example.org"}, "acquisition.unregistered"),
        ({"destination": "discord"}, "acquisition.no_invite"),
        ({"destination": "chat"}, "acquisition.no_chat"),
        ({"first_day": "2026-03-02", "last_day": "2026-03-01"}, "acquisition.period_reversed"),
        ({"owner_id": "0198c0de-0000-7000-8000-000000000001"}, "member.unknown"),
    ],
)
def test_invalid_link_is_refused(api: ApiClient, change: dict[str, Any], code: str) -> None:
    answer = api.ask("POST", "/acquisition-links", body(api, **change))
    assert error_code(answer) == code


def connect_bot(api: ApiClient) -> UUID:
    """Connect an account of Mia whose chat a link can open, and return its ID."""
    creator_id = api.creators["mia"]
    with api.scope() as scope:
        return lifecycle.connect_account(
            scope,
            creator_id=creator_id,
            platform="sandbox",
            surface="sandbox.post",
            chat_surface="sandbox.chat",
            account=f"bot-{creator_id}",
            name="Bot",
            base_url="http://127.0.0.1:9",
            token=Sealed(b"x"),
            zone=ZONE,
        )


def test_list_of_links_needs_as_many_queries_for_many_as_for_one(api: ApiClient) -> None:
    channel_id = str(connect_bot(api))

    def count_queries() -> tuple[int, list[str]]:
        asked: list[str] = []

        def listen(_c: object, _u: object, said: str, *_: object) -> None:
            asked.append(said)

        event.listen(Engine, "before_cursor_execute", listen)
        try:
            found = api.get("/acquisition-links")["items"]
        finally:
            event.remove(Engine, "before_cursor_execute", listen)
        return len(asked), [one["start_url"] for one in found]

    api.ask("POST", "/acquisition-links", body(api, channel_id=channel_id))
    few, _ = count_queries()
    for more in ({"channel_id": channel_id}, {}):
        api.ask("POST", "/acquisition-links", body(api, **more))
    many, urls = count_queries()
    assert many == few
    unmeasured, *measured = sorted(urls)
    assert unmeasured == ""
    assert len(measured) == 2
    assert all("?start=from-" in one for one in measured)


def test_key_without_money_read_learns_no_cost(api: ApiClient) -> None:
    link = api.ask("POST", "/acquisition-links", body(api)).json()
    assert link["cost"] == {"minor": 1000, "currency": "EUR"}
    key = api.key(scopes=[ApiKeyScope.CREATORS_WRITE])
    path = f"/acquisition-links/{link['id']}/archive"
    archived = api.ask("POST", path, version=1, key=key)
    assert (archived.status_code, archived.json()["cost"]) == (200, None)


def test_results_sum_to_the_ledger(api: ApiClient) -> None:
    creator_id = api.creators["mia"]
    channel_id = connect_bot(api)
    sent = body(api, destination="chat", channel_id=str(channel_id))
    link = api.ask("POST", "/acquisition-links", sent).json()
    assert "?start=from-" in link["target"]
    with api.scope() as scope:
        today = local_day(scope.now, ZONE)
        fan = Fan(
            tenant_id=api.tenant_id, creator_id=creator_id, display_name="Paul", language="fr"
        )
        scope.add(fan)
        scope.session.flush()
        touches.import_past_touches(
            scope, creator_id, [Touch(fan.id, UUID(link["id"]), scope.now - timedelta(hours=1))]
        )
        for minor, who in ((1000, fan.id), (333, None)):
            entries.record_sale(
                scope,
                uuid7(),
                Money(minor, "EUR"),
                rail="rail:sandbox:x",
                at=scope.now,
                creator_id=creator_id,
                fan_id=who,
            )
    period = f"first={today - timedelta(days=6)}&last={today}"
    found = api.get(f"/acquisition-links/results?{period}&model=linear&creator={creator_id}")
    assert found["net_after_fees"] == [{"minor": 1333, "currency": "EUR"}]
    assert found["unattributed"] == [{"minor": 333, "currency": "EUR"}]
    (mine,) = found["items"]
    assert mine["net_after_fees"] == [{"minor": 1000, "currency": "EUR"}]
    assert mine["net_after_fees_to_date"] == mine["net_after_fees"]
    assert (mine["chats"], mine["first_purchases"], mine["roi"], mine["roi_gap"]) == (1, 1, 0, "")
    assert mine["cost_per_buyer"] == {"minor": 1000, "currency": "EUR"}
    assert [(one["days"], one["complete"]) for one in mine["windows"]] == [
        (7, False),
        (30, False),
        (90, False),
    ]


def test_links_of_other_creators_are_not_found(api: ApiClient) -> None:
    link = api.ask("POST", "/acquisition-links", body(api)).json()
    key = api.key(creators=("zoe",))
    path = f"/acquisition-links/{link['id']}"
    assert api.get("/acquisition-links", key=key)["items"] == []
    assert api.ask("GET", path, key=key).status_code == 404
    change = {"name": "x", "source": "ad"}
    assert api.ask("PUT", path, change, version=1, key=key).status_code == 404

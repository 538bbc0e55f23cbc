"""Fields that a later version of the Bot API adds do not change how an update is read."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from connectors.platforms.telegram.updates import parse_update
from tests.connectors.platforms.telegram.test_publisher import CHAT, FAN, told

PAID = {
    "currency": "XTR",
    "total_amount": 250,
    "invoice_payload": "p",
    "telegram_payment_charge_id": "c1",
    "provider_payment_charge_id": "",
}
CHANNEL = {"id": -1007, "type": "channel", "title": "x"}
UPDATES: dict[str, dict[str, Any]] = {
    "message": told(1, text="bonjour"),
    "payment": told(2, successful_payment=PAID),
    "checkout": {
        "update_id": 3,
        "pre_checkout_query": {
            "id": "q1",
            "from": FAN,
            **{name: PAID[name] for name in ("currency", "total_amount", "invoice_payload")},
        },
    },
    "button": {
        "update_id": 4,
        "callback_query": {"id": "cb1", "from": FAN, "chat_instance": "1", "data": "buy:7"},
    },
    "unlocked": {
        "update_id": 5,
        "purchased_paid_media": {"from": FAN, "paid_media_payload": "draft:1"},
    },
    "join": {
        "update_id": 6,
        "chat_join_request": {
            "chat": CHANNEL,
            "from": FAN,
            "user_chat_id": FAN["id"],
            "date": 1_790_000_000,
        },
    },
    "blocked": {
        "update_id": 7,
        "my_chat_member": {
            "chat": CHAT,
            "from": FAN,
            "date": 1_790_000_000,
            "old_chat_member": {"status": "member", "user": FAN},
            "new_chat_member": {"status": "kicked", "user": FAN, "until_date": 0},
        },
    },
}
ADDED = st.dictionaries(
    st.sampled_from(["added", "new_kind", "x1"]),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
        max_leaves=4,
    ),
    min_size=1,
    max_size=2,
)


def with_fields(value: Any, added: dict[str, Any]) -> Any:
    if not isinstance(value, dict):
        return value
    return {**{name: with_fields(part, added) for name, part in value.items()}, **added}


@given(st.sampled_from(sorted(UPDATES)), ADDED)
def test_unknown_fields_change_nothing(kind: str, added: dict[str, Any]) -> None:
    number, update = parse_update(UPDATES[kind]) or (0, None)
    assert update is not None
    assert update.kind == kind
    assert parse_update(with_fields(UPDATES[kind], added)) == (number, update)

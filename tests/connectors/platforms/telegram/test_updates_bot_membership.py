"""Users and channels that block or remove a bot, or admit it again."""

from typing import Any

import pytest

from tests.connectors.platforms.telegram.test_publisher import CHAT, FAN, heard
from tests.fakes.telegram.state import RIGHTS

MORE: dict[str, dict[str, Any]] = {
    "kicked": {"until_date": 0},
    "administrator": {
        "can_be_edited": False,
        **dict.fromkeys(RIGHTS, False),
        "can_post_messages": True,
    },
}


@pytest.mark.parametrize(
    ("chat", "status", "kind"),
    [
        (CHAT, "kicked", "blocked"),
        (CHAT, "member", None),
        ({"id": -7, "type": "channel", "title": "x"}, "left", "lost"),
        ({"id": -8, "type": "supergroup", "title": "x"}, "member", "lost"),
        ({"id": -8, "type": "supergroup", "title": "x"}, "kicked", "lost"),
        ({"id": -7, "type": "channel", "title": "x"}, "administrator", "back"),
        ({"id": -8, "type": "supergroup", "title": "x"}, "administrator", "back"),
    ],
)
def test_bot_membership_change_maps_to_update(
    chat: dict[str, Any], status: str, kind: str | None
) -> None:
    bot = {"id": 1, "is_bot": True, "first_name": "lea_bot"}
    change = {
        "chat": chat,
        "from": FAN,
        "date": 1,
        "old_chat_member": {"status": "member", "user": bot},
        "new_chat_member": {"status": status, "user": bot, **MORE.get(status, {})},
    }
    updates, _ = heard({"update_id": 1, "my_chat_member": change})
    assert [update.kind for update in updates] == ([kind] if kind else [])

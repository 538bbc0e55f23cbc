"""Every page with an account of every platform, in the process and with the login of the dashboard."""

from datetime import timedelta
from uuid import UUID

import pytest

from connectors.registry.loader import load_builtin_connectors
from dashboard.shell.navigation import PAGES
from foundation.ids import uuid7
from foundation.ops.wall_time import to_wall_time
from schedules.posts import deliveries
from tenants.agencies.rights import Role
from tests.channels.builders import connect_account_of
from tests.dashboard.builders import Agency
from tests.dashboard.conftest import Door
from tests.dashboard.streamlit_client import stream

ZONE = "Europe/Paris"
VIEWS = ({}, {"view": "list"}, {"view": "queue"}, {"view": "month"}, {"new": 1}, {"week": 1})


@pytest.fixture
def accounts(lumiere: Agency) -> dict[str, UUID]:
    """Return an account of the agency for each platform, with a draft for each."""
    author = lumiere.act_as(Role.MANAGER)
    with lumiere.scope() as scope:
        made = {
            name: connect_account_of(scope, lumiere.creator_id, name)
            for name in sorted(load_builtin_connectors())
        }
    with lumiere.scope(author) as scope:
        for channel_id in made.values():
            post_id = deliveries.create_post(
                scope,
                creator_id=lumiere.creator_id,
                title="",
                body="Bonjour",
                media=(),
                origin="test",
                origin_key=str(uuid7()),
                author=author,
            )
            at = to_wall_time(scope.now + timedelta(hours=1), ZONE)
            deliveries.create_delivery(scope, post_id, channel_id, at=at)
            lumiere.posts.append(post_id)
    return made


def test_every_page_is_drawn_with_accounts_of_all_platforms(
    door: Door, lumiere: Agency, accounts: dict[str, UUID]
) -> None:
    before = len(door.log.read_text())
    with stream(door.url, door.cookie(lumiere)) as page:
        for row in PAGES:
            if not row.demo_only:
                page.open(f"/{row.name}")
        for view in VIEWS:
            page.open("/calendar", **view)
        for post_id in lumiere.posts:
            page.open("/calendar", post=str(post_id))
        page.open("/calendar", new=1)
        page.type("Texte", "Bonjour")
        for name in accounts:
            page.choose("Comptes", f"Account on {name}")
    said = door.log.read_text()[before:]
    assert "dashboard.page_failed" not in said, said
    assert "permission denied" not in said, said

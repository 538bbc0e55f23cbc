"""Presence on posts: members see who views or edits the post that they have open."""

from foundation.db.database import OpenScope
from tenants.agencies.rights import Role
from tests.dashboard.builders import create_agency
from tests.dashboard.conftest import Door
from tests.dashboard.pages.approvals.test_page import asked
from tests.dashboard.streamlit_client import stream


def test_post_shows_who_else_views_and_edits_it(door: Door, tenant: OpenScope) -> None:
    who = create_agency(tenant)
    post_id, _ = asked(who, "Le phare")
    with (
        stream(door.url, door.cookie(who, Role.OWNER)) as reader,
        stream(door.url, door.cookie(who, Role.MANAGER)) as writer,
    ):
        assert "consulte cette publication" not in reader.open("/calendar", post=post_id)
        assert "Owner consulte cette publication" in writer.open("/calendar", post=post_id)
        assert "Manager consulte cette publication" in reader.open("/calendar", post=post_id)
        writer.open("/calendar", new=1, rework=post_id)
        writer.type("Texte", "Le phare, plus clair")
        assert "Manager modifie cette publication" in reader.open("/calendar", post=post_id)
    other = create_agency(tenant)
    with stream(door.url, door.cookie(other)) as stranger:
        assert "cette publication" not in stranger.open("/calendar", post=post_id)

"""Image reviews name the reason why a second member must confirm an image."""

import pytest

from foundation.db.database import OpenScope
from foundation.i18n.translation import Message, render_message
from gate.contract.units import Rating
from gate.ratings import inspections
from studio.library import assets
from studio.library.states import ShelfState
from tests.dashboard.builders import create_agency
from tests.dashboard.conftest import Door
from tests.dashboard.media.test_library_files import picture
from tests.dashboard.streamlit_client import stream


@pytest.mark.parametrize(
    ("language", "found", "reason"),
    [
        ("fr", {"explicit": 99}, "RATING_CONTRADICTED"),
        ("en", {"face": 99}, "DEPICTION_CONTRADICTED"),
        ("fr", {}, "SECOND_LOOK_MISSING"),
    ],
)
def test_listing_says_why_a_second_member_is_needed(
    door: Door, tenant: OpenScope, language: str, found: dict[str, int], reason: str
) -> None:
    agency = create_agency(tenant, language=language)
    asset = picture(door, agency, rating=Rating.G)
    with agency.scope() as scope:
        digest = assets.get_asset(scope, asset).sha256
        assets.set_shelf_state(scope, asset, ShelfState.KEPT)
        inspections.record_model_finding(scope, digest, model="test@1", **found)
    with stream(door.url, door.cookie(agency)) as page:
        page.open("/approvals")
        what = render_message(Message("approvals.pictures"), language)
        counted = render_message(Message("approvals.counted", {"what": what, "count": 1}), language)
        text = page.choose(render_message(Message("approvals.what"), language), counted)
    assert render_message(Message(f"approvals.doubt.{reason}"), language) in text

"""Review sheets as members and guests use them: every picture must be shown, then one decision,
with exceptions."""

from uuid import UUID

import pytest

from dashboard.media import library_files
from foundation.i18n.translation import LANGUAGES
from gate.contract.units import Rating
from gate.log import queries as gate_reads
from gate.ratings import ratings
from gate.reviews import content_reviews
from studio.library import assets as library
from studio.library.states import ShelfState
from studio.packs import packs
from tenants.agencies.rights import Role
from tests.dashboard.auth.test_guest_reviewers import give
from tests.dashboard.builders import Agency, create_agency
from tests.dashboard.conftest import Door
from tests.dashboard.media.test_library_files import fetch, picture
from tests.dashboard.pages.approvals.test_page import word
from tests.dashboard.pages.studio.test_page import work
from tests.dashboard.streamlit_client import Stream, stream
from tests.generators.builders import a_picture, encoded


def sheet(door: Door, who: Agency, count: int = 3, rating: Rating | None = Rating.N) -> list[UUID]:
    """Add pictures of one pack that are pending review."""
    assets = [picture(door, who, seed=seed, rating=rating) for seed in range(1, count + 1)]
    with who.scope() as scope:
        for asset in assets:
            library.set_shelf_state(scope, asset, ShelfState.KEPT)
        packs.create_pack(
            scope, creator_id=who.creator_id, slug="duo", title="Duo", description="", assets=assets
        )
    return assets


def see(door: Door, cookie: str, page: Stream, assets: list[UUID]) -> None:
    """Fetch the revealed pictures as the browser does."""
    drawn = b"".join(page.frames).decode("utf-8", "replace")
    for asset in assets:
        address = f"/files/{asset}/preview?clear="
        clear = drawn.rpartition(address)[2][:36]
        assert fetch(door, cookie, f"{address}{UUID(clear)}").status_code == 200


def looked(who: Agency, assets: list[UUID]) -> list[str | None]:
    with who.scope() as scope:
        digests = [library.get_asset(scope, asset).sha256 for asset in assets]
        found = gate_reads.review_verdicts(scope, digests)
    return [found.get(sha256) for sha256 in digests]


@pytest.mark.parametrize("role", [Role.OWNER, Role.GUEST])
def test_sheet_is_decided_only_after_every_picture_was_shown(
    door: Door, lumiere: Agency, role: Role
) -> None:
    give(lumiere)
    assets, cookie = sheet(door, lumiere), door.cookie(lumiere, role)
    with stream(door.url, cookie) as page:
        text = page.open("/approvals")
        assert word("sheets.pack") in text
        assert word("approvals.counted", what=word("approvals.pictures"), count=1) in text
        assert word("sheets.shown", count=0, total=3) in page.press(word("sheets.reveal"))
        drawn = b"".join(page.frames).decode("utf-8", "replace")
        clear = UUID(drawn.rpartition(f"/files/{assets[0]}/preview?clear=")[2][:36])
        fetch(
            door, cookie, library_files.picture_url(assets[0], "thumb", clear=clear)
        )  # too small to judge
        fetch(
            door,
            cookie,
            library_files.picture_url(assets[0], "preview", clear=clear),
            range="bytes=0-99",
        )
        fetch(door, cookie, library_files.picture_url(assets[0], "preview"))  # blurred
        with door.client() as browser:
            browser.head(
                library_files.picture_url(assets[0], "preview", clear=clear),
                headers={"cookie": cookie},
            )
        assert word("sheets.shown", count=0, total=3) in page.again()
        see(door, cookie, page, assets[:2])
        assert word("sheets.shown", count=2, total=3) in page.again()
        assert page.find(word("sheets.allow")).drawn.disabled
        assert page.find(word("sheets.deny")).drawn.disabled
        see(door, cookie, page, assets[2:])
        assert word("sheets.shown", count=3, total=3) in page.again()
        page.choose(word("sheets.tile", number=2), word("sheets.out_denied"))
        text = page.press_twice(word("sheets.allow"))
        assert word("sheets.allowed", count=3, out=1) in text
        assert word("review.set_changed") not in text
        assert (
            word("approvals.nothing_guest" if role is Role.GUEST else "approvals.nothing")
            in page.again()
        )
    assert looked(lumiere, assets) == ["approve", "refuse", "approve"]


def test_sheet_is_rated_and_then_reviewed(door: Door, lumiere: Agency) -> None:
    assets, cookie = sheet(door, lumiere, rating=None), door.cookie(lumiere)
    with stream(door.url, cookie) as page:
        page.open("/approvals")
        page.press(word("sheets.reveal"))
        see(door, cookie, page, assets)
        page.again()
        assert word("sheets.choose_level") in page.press(word("sheets.rate"))
        page.choose(word("sheets.rate_as"), word("studio.level.N"))
        page.choose(word("sheets.tile", number=1), word("studio.level.S"))
        assert word("rating.shown_missing") in page.press(word("sheets.rate"))
        page.choose(word("rating.shown"), word("rating.shown.no_people"))
        assert word("sheets.rated", count=3, out=1) in page.press(word("sheets.rate"))
        work(door, lumiere)
        assert word("sheets.shown", count=3, total=3) in page.again(), (
            "pictures seen within the hour count; the first picture of a creator needs a second"
            " member at any rating"
        )
        assert word("sheets.denied", count=3, out=0) in page.press(word("sheets.deny"))
    assert looked(lumiere, assets) == ["refuse", "refuse", "refuse"]


def test_change_of_an_open_sheet_voids_the_decision(door: Door, lumiere: Agency) -> None:
    assets, cookie = sheet(door, lumiere), door.cookie(lumiere)
    with stream(door.url, cookie) as page:
        page.open("/approvals")
        page.press(word("sheets.reveal"))
        see(door, cookie, page, assets)
        page.again()
        with lumiere.scope() as scope:
            ratings.freeze_bytes(scope, library.get_asset(scope, assets[1]).sha256)
        assert word("review.set_changed") in page.press(word("sheets.allow"))
        assert looked(lumiere, assets) == [None] * 3
        assert word("sheets.shown", count=2, total=2) in page.again()


@pytest.mark.heavy
def test_large_sheet_has_parts_and_is_decided_after_the_last(door: Door, lumiere: Agency) -> None:
    assets, cookie = sheet(door, lumiere, 26), door.cookie(lumiere)
    with stream(door.url, cookie) as page:
        page.open("/approvals")
        keys = {
            one.drawn.shortcut.upper(): one.label for one in page.widgets if one.kind == "button"
        }
        assert {"A", "X", "P", "N", "B"} <= set(keys)
        page.choose(word("sheets.tile", number=1), word("sheets.out_denied"))
        page.press(keys["P"])
        see(door, cookie, page, assets[:24])
        assert word("sheets.shown", count=24, total=26) in page.again()
        assert word("sheets.part", at=2, total=2) in page.press(keys["N"])
        page.press(word("sheets.reveal"))
        see(door, cookie, page, assets[24:])
        page.again()
        assert word("sheets.allowed", count=26, out=1) in page.press(keys["A"])
    assert looked(lumiere, assets) == ["refuse", *["approve"] * 25]


def test_files_uploaded_together_share_a_sheet(door: Door, lumiere: Agency) -> None:
    photos = {f"{seed}.jpg": encoded(a_picture(seed=seed), "JPEG") for seed in (51, 52)}
    with stream(door.url, door.cookie(lumiere, Role.MANAGER)) as page:
        page.open("/studio")
        page.attach(word("studio.files"), photos)
    work(door, lumiere)
    with lumiere.scope() as scope:
        assets = [
            asset
            for (asset,) in scope.run(
                "SELECT asset_id FROM uploads WHERE tenant_id = :t", t=lumiere.tenant_id
            )
        ]
        for asset in assets:
            library.set_shelf_state(scope, asset, ShelfState.KEPT)
    with stream(door.url, door.cookie(lumiere, Role.MANAGER)) as page:
        text = page.open("/approvals")
    assert word("sheets.upload") in text
    assert word("sheets.shown", count=0, total=len(photos)) in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_past_decisions_are_shown_without_names_to_guests(door: Door, language: str) -> None:
    who = create_agency(door.tenant, language=language, mark="canary")
    give(who)
    old, new = (picture(door, who, seed=seed, rating=Rating.N) for seed in (1, 2))
    with who.scope() as scope:
        library.set_shelf_state(scope, new, ShelfState.KEPT)
        sha256 = library.get_asset(scope, old).sha256
    with who.scope(role="gate") as scope:
        scope.run(
            "UPDATE renditions SET phash = '00000000000000ff' WHERE tenant_id = :t", t=who.tenant_id
        )
    with who.scope(who.act_as(Role.MANAGER)) as scope:
        content_reviews.review_bytes(scope, sha256, verdict="refuse")
    for role, named in ((Role.OWNER, True), (Role.GUEST, False)):
        with stream(door.url, door.cookie(who, role)) as page:
            text = page.open("/approvals")
        assert word("past.refuse", language) in text
        assert word("past.alike", language) in text
        assert word(f"role.{Role.MANAGER}", language) in text
        assert ("Manager canary" in text) == named

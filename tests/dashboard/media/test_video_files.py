"""Videos at `/files/`: a poster, a player and frame sheets; a member has seen the video once every
sheet was shown."""

import io
from threading import Thread
from uuid import UUID

import pytest
from PIL import Image

from dashboard.media import library_files
from foundation.db.database import OpenScope, Scope
from foundation.storage.object_store import FileStore
from gate.assets import viewings
from gate.contract.units import Rating
from studio.ingest import pipeline
from studio.library import assets, member_reviews, playback
from tenants.agencies import queries as tenant_reads
from tenants.agencies.rights import Role
from tests.dashboard.builders import Agency, create_agency
from tests.dashboard.conftest import Door
from tests.dashboard.media.test_library_files import cleared, fetch
from tests.gate.answers import rate_and_answer
from tests.generators.video_builders import build_frames, encode_speech, encode_video


def brought(door: Door, who: Agency, data: bytes, rating: Rating | None = None) -> UUID:
    """Add the media file to the library."""
    prepared = pipeline.prepare_upload(data, name="a.mp4", alt="la mer qui bouge")
    store = FileStore(door.log.parent / "objects")
    asset = pipeline.ingest_asset(
        door.tenant, store, tenant_id=who.tenant_id, creator_id=who.creator_id, prepared=prepared
    )
    if rating is not None:
        with who.scope() as scope:
            rate_and_answer(
                scope, assets.get_asset(scope, asset).sha256, rating, source="rule:test"
            )
    return asset


def has_seen(who: Agency, asset: UUID, role: Role = Role.OWNER) -> bool:
    with who.scope(who.act_as(role)) as scope:
        return asset in library_files.list_revealed(scope, [asset])


def test_video_has_a_poster_and_plays_in_ranges(door: Door, lumiere: Agency) -> None:
    asset, cookie = (
        brought(door, lumiere, encode_video(build_frames(("G", 1.0))), Rating.G),
        door.cookie(lumiere),
    )
    for profile in ("thumb", "preview"):
        answer = fetch(door, cookie, library_files.picture_url(asset, profile))
        assert answer.headers["content-type"] == "image/jpeg"
        assert Image.open(io.BytesIO(answer.content)).size[0] > 100
    whole = fetch(door, cookie, library_files.picture_url(asset, "post"))
    assert (whole.status_code, whole.headers["content-type"]) == (200, "video/mp4")
    part = fetch(door, cookie, library_files.picture_url(asset, "post"), range="bytes=4-7")
    assert (part.status_code, part.content, part.headers["content-type"]) == (
        206,
        b"ftyp",
        "video/mp4",
    )
    assert (
        fetch(door, cookie, library_files.picture_url(asset, "sheet-0")).headers["content-type"]
        == "image/jpeg"
    )
    assert fetch(door, cookie, library_files.picture_url(asset, "sheet-7")).status_code == 404


@pytest.mark.parametrize("rating", [None, Rating.N, Rating.E])
def test_video_is_blurred_until_revealed(
    door: Door, lumiere: Agency, rating: Rating | None
) -> None:
    asset, cookie = (
        brought(door, lumiere, encode_video(build_frames(("G", 1.0))), rating),
        door.cookie(lumiere),
    )
    for profile in ("thumb", "preview", "post", "sheet-0"):
        blurred = fetch(door, cookie, library_files.picture_url(asset, profile))
        assert (blurred.status_code, blurred.headers["content-type"]) == (200, "image/jpeg")
        assert len(blurred.content) < 12_000
        assert blurred.headers["cache-control"] == "private, no-store"
    assert not has_seen(lumiere, asset)


def test_video_counts_as_seen_after_every_sheet(door: Door, lumiere: Agency) -> None:
    asset, cookie = (
        brought(door, lumiere, encode_video(build_frames(("G", 14.0))), Rating.E),
        door.cookie(lumiere),
    )
    token = cleared(lumiere, asset)
    with lumiere.scope(lumiere.act_as(Role.OWNER)) as scope:
        reel = playback.playback_of(scope, [asset])[asset]
    assert reel.sheets == 3
    assert not has_seen(lumiere, asset), "revealing does not count as viewing"
    for profile in ("preview", "post", "sheet-0", "sheet-2"):
        fetch(door, cookie, library_files.picture_url(asset, profile, clear=token))
        assert not has_seen(lumiere, asset), profile
    with lumiere.scope(lumiere.act_as(Role.OWNER)) as scope:
        member = tenant_reads.get_member(scope, lumiere.members[Role.OWNER])
        assert playback.percent_seen(scope, member, asset) == 66
        member_reviews.record_member_viewing(scope, asset)
        said = scope.run(
            "SELECT seen_percent FROM human_reviews WHERE digest = :d", d=reel.sha256
        ).scalar_one()
        assert said == 66
    fetch(door, cookie, library_files.picture_url(asset, "sheet-1", clear=token))
    assert has_seen(lumiere, asset)
    assert not has_seen(lumiere, asset, Role.MANAGER)
    with lumiere.scope() as scope:
        assert viewings.viewed_digests_of(scope, member.principal_id, [reel.sha256]) == {
            reel.sha256
        }


def test_audio_counts_as_viewed_once_played(door: Door, lumiere: Agency) -> None:
    asset, cookie = brought(door, lumiere, encode_speech("HELLO"), None), door.cookie(lumiere)
    token = cleared(lumiere, asset)
    fetch(door, cookie, library_files.picture_url(asset, "preview", clear=token))
    assert not has_seen(lumiere, asset)
    answer = fetch(
        door, cookie, library_files.picture_url(asset, "post", clear=token), range="bytes=0-"
    )
    assert answer.headers["content-type"] == "audio/mp4"
    assert has_seen(lumiere, asset)


def test_video_of_another_agency_is_not_found(
    door: Door, lumiere: Agency, tenant: OpenScope
) -> None:
    other = create_agency(tenant, mark="andere")
    asset = brought(door, lumiere, encode_video(build_frames(("G", 1.0))), Rating.G)
    for profile in ("thumb", "post", "sheet-0"):
        assert (
            fetch(door, door.cookie(other), library_files.picture_url(asset, profile)).status_code
            == 404
        )


def test_last_two_sheets_shown_at_once_count_as_seen(door: Door, lumiere: Agency) -> None:
    asset = brought(door, lumiere, encode_video(build_frames(("G", 14.0))), Rating.E)
    actor = lumiere.act_as(Role.OWNER)

    def show(scope: Scope, number: int) -> None:
        member = tenant_reads.get_member(scope, lumiere.members[Role.OWNER])
        reel = playback.playback_of(scope, [asset])[asset]
        playback.record_shown(scope, member, reel, playback.sheet_digests(scope, asset)[number])

    def beside() -> None:
        with lumiere.scope(actor) as scope:
            show(scope, 2)

    cleared(lumiere, asset)
    with lumiere.scope(actor) as scope:
        show(scope, 0)
    other = Thread(target=beside)
    with lumiere.scope(actor) as scope:
        show(scope, 1)
        other.start()
        other.join(0.5)  # the thread is finished or waits for this transaction
    other.join(60)
    assert has_seen(lumiere, asset)

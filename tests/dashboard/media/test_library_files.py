"""Pictures at `/files/`: permissions, blurring, and nothing for anyone else."""

import io
from uuid import UUID

import httpx
import pytest
from PIL import Image

from dashboard.media import library_files
from foundation.db.database import OpenScope
from foundation.errors import NotFound
from foundation.ids import uuid7
from foundation.storage.object_store import FileStore
from gate.assets import asset_records
from gate.contract.units import Rating
from gate.ratings import ratings, seals
from generators.media import thumbnails
from generators.media.thumbnails import make_thumbnail
from studio.ingest import pipeline, uploads
from studio.library import assets
from tenants.agencies import queries as tenant_reads
from tenants.agencies.rights import OUTSIDE_ROLES, Role
from tenants.auth import sessions
from tests.dashboard.builders import Agency, create_agency
from tests.dashboard.conftest import Door
from tests.gate.answers import rate_and_answer
from tests.generators.builders import a_picture, encoded


def picture(
    door: Door, who: Agency, *, seed: int = 1, rating: Rating | None = None, alt: str = "la mer"
) -> UUID:
    """Add a photo to the library."""
    prepared = pipeline.prepare_upload(encoded(a_picture(seed=seed), "JPEG"), name="a.jpg", alt=alt)
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


def fetch(door: Door, cookie: str, address: str, **headers: str) -> httpx.Response:
    with door.client() as browser:
        return browser.get(address, headers={"cookie": cookie, **headers})


def cleared(who: Agency, asset: UUID, role: Role = Role.OWNER) -> UUID:
    with who.scope(who.act_as(role)) as scope:
        return library_files.reveal_picture(
            scope, tenant_reads.get_member(scope, who.members[role]), asset
        )


def test_rated_picture_is_served_in_every_size(door: Door, lumiere: Agency) -> None:
    asset, cookie = picture(door, lumiere, rating=Rating.G), door.cookie(lumiere)
    sizes = {}
    for profile in ("thumb", "preview", "post"):
        answer = fetch(door, cookie, library_files.picture_url(asset, profile))
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "image/jpeg"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "private, max-age=120"
        sizes[profile] = max(Image.open(io.BytesIO(answer.content)).size)
    assert sizes["thumb"] <= 320
    with lumiere.scope() as scope:
        sha256 = assets.get_asset(scope, asset).sha256
    whole = fetch(door, cookie, library_files.picture_url(asset, "post"))
    assert whole.content == FileStore(door.log.parent / "objects").get(lumiere.tenant_id, sha256)
    again = fetch(
        door,
        cookie,
        library_files.picture_url(asset),
        **{"if-none-match": fetch(door, cookie, library_files.picture_url(asset)).headers["etag"]},
    )
    assert (again.status_code, again.content) == (304, b"")


def test_stored_thumbnails_are_served_unless_blurred(door: Door, lumiere: Agency) -> None:
    store, cookie = FileStore(door.log.parent / "objects"), door.cookie(lumiere)
    prepared = pipeline.prepare_upload(encoded(a_picture(1800, 1200), "JPEG"), name="a.jpg")
    asset = pipeline.ingest_asset(
        door.tenant,
        store,
        tenant_id=lumiere.tenant_id,
        creator_id=lumiere.creator_id,
        prepared=prepared,
    )
    hidden = fetch(door, cookie, library_files.picture_url(asset, "thumb"))
    assert hidden.headers["content-type"] == "image/jpeg"
    with lumiere.scope() as scope:
        sha256 = assets.get_asset(scope, asset).sha256
        kept = {
            edge: asset_records.derived_digest(scope, sha256, thumbnails.thumbnail_profile(edge))
            for edge in thumbnails.THUMBNAIL_SIZES
        }
        rate_and_answer(scope, sha256, Rating.G, source="rule:test")
    assert None not in kept.values()
    for profile, edge in library_files.PROFILE_EDGES.items():
        shown = fetch(door, cookie, library_files.picture_url(asset, profile))
        assert shown.headers["content-type"] == "image/webp"
        assert shown.content == store.get(lumiere.tenant_id, kept[edge] or "")
        assert Image.open(io.BytesIO(shown.content)).size == (edge, edge * 2 // 3)


def test_ranges_return_parts_of_the_file(door: Door, lumiere: Agency) -> None:
    asset, cookie = picture(door, lumiere, rating=Rating.S), door.cookie(lumiere)
    whole = fetch(door, cookie, library_files.picture_url(asset, "post")).content
    for asked, part in {
        "bytes=0-99": whole[:100],
        "bytes=100-": whole[100:],
        "bytes=-50": whole[-50:],
        f"bytes=10-{len(whole) + 5}": whole[10:],
    }.items():
        answer = fetch(door, cookie, library_files.picture_url(asset, "post"), range=asked)
        assert (answer.status_code, answer.content) == (206, part), asked
        assert answer.headers["content-range"].endswith(f"/{len(whole)}")
    assert (
        fetch(
            door, cookie, library_files.picture_url(asset, "post"), range=f"bytes={len(whole)}-"
        ).status_code
        == 416
    )
    assert (
        fetch(door, cookie, library_files.picture_url(asset, "post"), range="bytes=1-2,5-6").content
        == whole
    )


@pytest.mark.parametrize("rating", [None, Rating.N, Rating.E])
@pytest.mark.parametrize("profile", ["thumb", "preview", "post"])
def test_unrated_and_adult_pictures_are_blurred(
    door: Door, lumiere: Agency, rating: Rating | None, profile: str
) -> None:
    asset, cookie = picture(door, lumiere, rating=rating), door.cookie(lumiere)
    blurred = fetch(door, cookie, library_files.picture_url(asset, profile))
    assert blurred.status_code == 200
    assert blurred.headers["cache-control"] == "private, no-store"
    assert len(blurred.content) < 12_000
    seen = fetch(
        door, cookie, library_files.picture_url(asset, profile, clear=cleared(lumiere, asset))
    )
    assert seen.content != blurred.content
    assert seen.headers["cache-control"] == "private, no-store"
    assert fetch(door, cookie, library_files.picture_url(asset, profile)).content == blurred.content


def test_reveal_is_logged_and_valid_for_one_member_for_five_minutes(
    door: Door, lumiere: Agency
) -> None:
    asset, other = (
        picture(door, lumiere, rating=Rating.E),
        picture(door, lumiere, seed=2, rating=Rating.E),
    )
    blurred = fetch(door, door.cookie(lumiere), library_files.picture_url(asset)).content
    token = cleared(lumiere, asset)
    with lumiere.scope() as scope:
        entry = scope.run(
            "SELECT actor, act, about FROM audit_entries WHERE id = :id", id=token
        ).one()
    assert tuple(entry) == (lumiere.act_as(Role.OWNER), "asset.cleared", f"asset:{asset}")
    assert (
        fetch(door, door.cookie(lumiere), library_files.picture_url(asset, clear=token)).content
        != blurred
    )
    assert (
        fetch(
            door, door.cookie(lumiere, Role.MANAGER), library_files.picture_url(asset, clear=token)
        ).content
        == blurred
    )
    assert (
        fetch(door, door.cookie(lumiere), library_files.picture_url(asset, clear=uuid7())).content
        == blurred
    )
    theirs = fetch(door, door.cookie(lumiere), library_files.picture_url(other)).content
    assert (
        fetch(door, door.cookie(lumiere), library_files.picture_url(other, clear=token)).content
        == theirs
    )
    with lumiere.open(lumiere.tenant_id, "system:test") as scope:
        old = uuid7()
        scope.run(
            "INSERT INTO audit_entries (tenant_id, id, created_at, actor, act, about, details) "
            "VALUES"
            " (:t, :id, house_now() - interval '6 minutes', :actor, 'asset.cleared', :about, '{}')",
            t=lumiere.tenant_id,
            id=old,
            actor=lumiere.act_as(Role.OWNER),
            about=f"asset:{asset}",
        )
    assert (
        fetch(door, door.cookie(lumiere), library_files.picture_url(asset, clear=old)).content
        == blurred
    )


@pytest.mark.parametrize("role", Role)
def test_role_decides_who_sees_pictures(door: Door, lumiere: Agency, role: Role) -> None:
    asset, cookie = picture(door, lumiere, rating=Rating.E), door.cookie(lumiere, role)
    answer = fetch(door, cookie, library_files.picture_url(asset))
    assert (answer.status_code == 200) == (role not in {Role.ACCOUNTANT, *OUTSIDE_ROLES})
    if role in {Role.OWNER, Role.MANAGER, Role.CREATOR}:
        assert (
            fetch(
                door, cookie, library_files.picture_url(asset, clear=cleared(lumiere, asset, role))
            ).content
            != answer.content
        )
    else:
        with pytest.raises(NotFound):
            cleared(lumiere, asset, role)


def test_guest_sees_pictures_of_assigned_creators(door: Door, lumiere: Agency) -> None:
    asset, cookie = picture(door, lumiere, rating=Rating.N), door.cookie(lumiere, Role.GUEST)
    with lumiere.scope() as scope:
        scope.run(
            "UPDATE members SET creators = '[\"mia\"]' WHERE id = :m", m=lumiere.members[Role.GUEST]
        )
    assert fetch(door, cookie, library_files.picture_url(asset)).status_code == 200
    assert cleared(lumiere, asset, Role.GUEST)


def test_unknown_foreign_and_withheld_pictures_look_alike(
    door: Door, lumiere: Agency, tenant: OpenScope
) -> None:
    other, cookie = create_agency(tenant, mark="andere"), door.cookie(lumiere)
    theirs, banned = (
        picture(door, other, rating=Rating.G),
        picture(door, lumiere, seed=3, rating=Rating.X),
    )
    frozen = picture(door, lumiere, seed=4, rating=Rating.G)
    mine = picture(door, lumiere, seed=5, rating=Rating.G)
    with lumiere.scope() as scope:
        ratings.freeze_bytes(scope, assets.get_asset(scope, frozen).sha256)
    paths = [f"/files/{each}/thumb" for each in (theirs, banned, frozen, uuid7(), "x")]
    answers = [
        fetch(door, cookie, path)
        for path in (
            *paths,
            library_files.picture_url(mine, "original"),
            f"/files/{mine}/thumb?clear=x",
        )
    ]
    assert {(answer.status_code, answer.content) for answer in answers} == {(404, b"")}
    assert len({tuple(sorted(set(answer.headers) - {"date"})) for answer in answers}) == 1
    with lumiere.scope() as scope:
        scope.run(
            "UPDATE members SET creators = '[\"nova\"]' WHERE id = :m",
            m=lumiere.members[Role.OWNER],
        )
    assert fetch(door, cookie, library_files.picture_url(mine)).status_code == 404
    with pytest.raises(NotFound):
        cleared(lumiere, mine)


def test_strangers_and_closed_sessions_get_no_picture(door: Door, lumiere: Agency) -> None:
    asset, cookie = picture(door, lumiere, rating=Rating.G), door.cookie(lumiere)
    assert fetch(door, "", library_files.picture_url(asset)).status_code == 401
    assert fetch(door, cookie, library_files.picture_url(asset)).status_code == 200
    sessions.close_session(door.tenant, cookie.split("=")[1])
    assert fetch(door, cookie, library_files.picture_url(asset)).status_code == 401


def test_lost_file_is_not_found(door: Door, lumiere: Agency) -> None:
    asset = picture(door, lumiere, rating=Rating.G, seed=8)
    with lumiere.scope() as scope:
        FileStore(door.log.parent / "objects").delete(
            lumiere.tenant_id, assets.get_asset(scope, asset).sha256
        )
    assert fetch(door, door.cookie(lumiere), library_files.picture_url(asset)).status_code == 404


def test_blurred_picture_contains_no_detail() -> None:
    sharp = encoded(a_picture(1600, 1200, seed=9), "JPEG")
    blurred = Image.open(io.BytesIO(make_thumbnail(sharp, edge=960, blurred=True)))
    back = blurred.resize((12, 9), Image.Resampling.BOX).resize(
        blurred.size, Image.Resampling.BICUBIC
    )
    apart = max(
        abs(a - b)
        for a, b in zip(blurred.convert("L").tobytes(), back.convert("L").tobytes(), strict=True)
    )
    assert apart < 60  # twelve pixels contain all the information
    assert max(Image.open(io.BytesIO(make_thumbnail(sharp, edge=320))).size) == 320


@pytest.mark.parametrize("profile", ["thumb", "preview", "post"])
def test_sealed_picture_is_not_served_at_any_address(
    door: Door, lumiere: Agency, profile: str
) -> None:
    asset, cookie = picture(door, lumiere, rating=Rating.E), door.cookie(lumiere)
    clear = cleared(lumiere, asset)
    plain, pressed = (
        library_files.picture_url(asset, profile),
        library_files.picture_url(asset, profile, clear=clear),
    )
    assert [fetch(door, cookie, one).status_code for one in (plain, pressed)] == [200, 200]
    tag = fetch(door, cookie, plain).headers["etag"]
    with lumiere.scope() as scope:
        seals.seal_bytes(scope, assets.get_asset(scope, asset).sha256, by="system:test")
    for address in (plain, pressed, library_files.picture_url(asset, profile, unrated=True)):
        assert fetch(door, cookie, address).status_code == 404
        assert fetch(door, cookie, address, range="bytes=0-9").status_code == 404
        assert fetch(door, cookie, address, **{"if-none-match": tag}).status_code == 404
    with lumiere.scope(lumiere.act_as(Role.OWNER)) as scope, pytest.raises(NotFound):
        library_files.reveal_picture(
            scope, tenant_reads.get_member(scope, lumiere.members[Role.OWNER]), asset
        )


def test_unrated_picture_is_clear_for_its_maker_until_rated_for_adults(
    door: Door, lumiere: Agency
) -> None:
    store = FileStore(door.log.parent / "objects")
    with lumiere.scope(lumiere.act_as(Role.MANAGER)) as scope:
        upload_id = uploads.receive_upload(
            scope,
            creator_id=lumiere.creator_id,
            name="a.jpg",
            data=encoded(a_picture(seed=77), "JPEG"),
            by=lumiere.act_as(Role.MANAGER),
            store=store,
        )
    asset = picture(door, lumiere, seed=77)
    with lumiere.scope() as scope:
        scope.run("UPDATE uploads SET asset_id = :a WHERE id = :u", a=asset, u=upload_id)
        sha256 = assets.get_asset(scope, asset).sha256
    whole = store.get(lumiere.tenant_id, sha256)
    maker, other = (door.cookie(lumiere, one) for one in (Role.MANAGER, Role.OWNER))
    address = library_files.picture_url(asset, "post")
    shown = fetch(door, maker, address)
    assert (shown.content, shown.headers["cache-control"]) == (whole, "private, no-store")
    assert fetch(door, other, address).content != whole
    with lumiere.scope() as scope:
        rate_and_answer(scope, sha256, Rating.N, source="rule:test")
    assert fetch(door, maker, address).content != whole

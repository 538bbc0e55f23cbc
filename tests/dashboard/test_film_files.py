"""Films at `/files/`: a poster, a player and sheets of frames; who was shown every sheet has seen the film."""

import io
from threading import Thread
from uuid import UUID

import pytest
from PIL import Image

from dashboard import files
from foundation.database import OpenScope, Scope
from foundation.storage import FileStore
from gate import ratings, showing
from gate.units import Rating
from studio import ingesting, judging, library, playing
from tenants import reads as tenant_reads
from tenants.roles import Role
from tests.dashboard.builders import Agency, agency
from tests.dashboard.conftest import Door
from tests.dashboard.test_files import cleared, fetch
from tests.generators.clips import film, shown, voice


def brought(door: Door, who: Agency, data: bytes, rating: Rating | None = None) -> UUID:
    """In her library."""
    prepared = ingesting.from_camera(data, name="a.mp4", alt="la mer qui bouge")
    store = FileStore(door.log.parent / "objects")
    asset = ingesting.bring(door.tenant, store, tenant_id=who.tenant_id, creator_id=who.creator_id, prepared=prepared)
    if rating is not None:
        with who.scope() as scope:
            ratings.rate(scope, library.item(scope, asset).sha256, rating, source="rule:test")
    return asset


def has_seen(who: Agency, asset: UUID, role: Role = Role.OWNER) -> bool:
    with who.scope(who.act_as(role)) as scope:
        return asset in files.seen(scope, [asset])


def test_a_film_has_a_poster_and_plays_by_parts(door: Door, lumiere: Agency) -> None:
    asset, cookie = brought(door, lumiere, film(shown(("G", 1.0))), Rating.G), door.cookie(lumiere)
    for profile in ("thumb", "preview"):
        answer = fetch(door, cookie, files.src(asset, profile))
        assert answer.headers["content-type"] == "image/jpeg"
        assert Image.open(io.BytesIO(answer.content)).size[0] > 100
    whole = fetch(door, cookie, files.src(asset, "post"))
    assert (whole.status_code, whole.headers["content-type"]) == (200, "video/mp4")
    part = fetch(door, cookie, files.src(asset, "post"), range="bytes=4-7")
    assert (part.status_code, part.content, part.headers["content-type"]) == (206, b"ftyp", "video/mp4")
    assert fetch(door, cookie, files.src(asset, "sheet-0")).headers["content-type"] == "image/jpeg"
    assert fetch(door, cookie, files.src(asset, "sheet-7")).status_code == 404


@pytest.mark.parametrize("rating", [None, Rating.N, Rating.E])
def test_nothing_of_a_film_is_clear_before_the_press(door: Door, lumiere: Agency, rating: Rating | None) -> None:
    asset, cookie = brought(door, lumiere, film(shown(("G", 1.0))), rating), door.cookie(lumiere)
    for profile in ("thumb", "preview", "post", "sheet-0"):
        blurred = fetch(door, cookie, files.src(asset, profile))
        assert (blurred.status_code, blurred.headers["content-type"]) == (200, "image/jpeg")
        assert len(blurred.content) < 12_000
        assert blurred.headers["cache-control"] == "private, no-store"
    assert not has_seen(lumiere, asset)


def test_who_was_shown_every_sheet_has_seen_the_film_and_nobody_else(door: Door, lumiere: Agency) -> None:
    asset, cookie = brought(door, lumiere, film(shown(("G", 14.0))), Rating.E), door.cookie(lumiere)
    token = cleared(lumiere, asset)
    with lumiere.scope(lumiere.act_as(Role.OWNER)) as scope:
        reel = playing.reels(scope, [asset])[asset]
    assert reel.sheets == 3
    assert not has_seen(lumiere, asset), "a press is a wish to see"
    for profile in ("preview", "post", "sheet-0", "sheet-2"):
        fetch(door, cookie, files.src(asset, profile, clear=token))
        assert not has_seen(lumiere, asset), profile
    with lumiere.scope(lumiere.act_as(Role.OWNER)) as scope:
        member = tenant_reads.member(scope, lumiere.members[Role.OWNER])
        assert playing.seen_percent(scope, member, asset) == 66
        judging.look(scope, asset)
        said = scope.run("SELECT seen_percent FROM human_reviews WHERE digest = :d", d=reel.sha256).scalar_one()
        assert said == 66
    fetch(door, cookie, files.src(asset, "sheet-1", clear=token))
    assert has_seen(lumiere, asset)
    assert not has_seen(lumiere, asset, Role.MANAGER)
    with lumiere.scope() as scope:
        assert showing.shown(scope, member.principal_id, [reel.sha256]) == {reel.sha256}


def test_a_sound_counts_once_it_was_played(door: Door, lumiere: Agency) -> None:
    asset, cookie = brought(door, lumiere, voice("HELLO"), None), door.cookie(lumiere)
    token = cleared(lumiere, asset)
    fetch(door, cookie, files.src(asset, "preview", clear=token))
    assert not has_seen(lumiere, asset)
    answer = fetch(door, cookie, files.src(asset, "post", clear=token), range="bytes=0-")
    assert answer.headers["content-type"] == "audio/mp4"
    assert has_seen(lumiere, asset)


def test_another_agency_finds_nothing_of_a_film(door: Door, lumiere: Agency, tenant: OpenScope) -> None:
    other = agency(tenant, mark="andere")
    asset = brought(door, lumiere, film(shown(("G", 1.0))), Rating.G)
    for profile in ("thumb", "post", "sheet-0"):
        assert fetch(door, door.cookie(other), files.src(asset, profile)).status_code == 404


def test_the_last_two_sheets_shown_at_the_same_moment_make_the_film_seen(door: Door, lumiere: Agency) -> None:
    asset = brought(door, lumiere, film(shown(("G", 14.0))), Rating.E)
    actor = lumiere.act_as(Role.OWNER)

    def show(scope: Scope, number: int) -> None:
        member = tenant_reads.member(scope, lumiere.members[Role.OWNER])
        reel = playing.reels(scope, [asset])[asset]
        playing.shown(scope, member, reel, playing.sheets(scope, asset)[number])

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
        other.join(0.5)  # it has its answer, or it waits for ours
    other.join(60)
    assert has_seen(lumiere, asset)

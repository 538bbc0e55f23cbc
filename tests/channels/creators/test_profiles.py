"""Profiles of creators: handles, texts that pages may show, and pictures encoded again."""

import io
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from channels.creators import profiles
from channels.creators.events import AvatarReplaced
from channels.creators.profiles import NewCreator
from foundation.db.database import OpenScope
from foundation.errors import BadInput, Conflict, Refused
from foundation.ids import uuid7
from foundation.outbox import outbox
from foundation.storage.object_store import FileStore
from tenants.agencies import agency_settings, creators, names, queries
from tenants.agencies.creators import CreatorChanges
from tests.tenants.builders import Agency, create_small_agency

NEW = NewCreator("Zoé", "virtual", "Europe/Paris", ("fr",))


@pytest.fixture
def lumiere(tenant: OpenScope) -> Agency:
    return create_small_agency(tenant)


@given(st.text(max_size=60), st.uuids())
def test_handle_of_any_name_is_valid(name: str, key: UUID) -> None:
    names.check_handle(names.make_handle(name, key))
    made = names.add_handle_suffix(names.make_handle(name, key), key)
    names.check_handle(made)


def test_creator_is_added_once_per_key_with_one_page(lumiere: Agency) -> None:
    key = uuid7()
    with lumiere.scope(f"member:{lumiere.owner}") as scope:
        first = profiles.add_creator(scope, NEW, key=key)
    with lumiere.scope(f"member:{lumiere.owner}") as scope:
        assert profiles.add_creator(scope, NEW, key=key) == first
        other = profiles.add_creator(scope, NEW, key=uuid7())
        slugs = [queries.get_creator(scope, one).slug for one in (first, other)]
        pages = scope.run(
            "SELECT count(*) FROM outbox WHERE tenant_id = :t AND kind = 'channel.own_page'",
            t=scope.tenant_id,
        ).scalar_one()
    assert slugs[0] == "zoe"
    assert slugs[1] != slugs[0]
    assert pages == 2


def test_chatter_cannot_add_and_a_used_handle_is_refused(lumiere: Agency) -> None:
    with pytest.raises(Refused), lumiere.scope(f"member:{lumiere.chatter}") as scope:
        profiles.add_creator(scope, NEW, key=uuid7())
    taken = NewCreator("Mia", "human", "Europe/Paris", ("fr",), handle="mia")
    with pytest.raises(Conflict), lumiere.scope() as scope:
        profiles.add_creator(scope, taken, key=uuid7())


@pytest.mark.parametrize(
    ("biography", "error"),
    [
        ("x" * 601, BadInput),
        ("a\x07b", BadInput),
        ("a\u202eb", BadInput),
        ("EXPLICIT-MARKER-A", Refused),
    ],
)
def test_biography_that_pages_must_not_show_is_refused(
    lumiere: Agency, biography: str, error: type[Exception]
) -> None:
    with pytest.raises(error), lumiere.scope() as scope:
        profiles.edit_creator(scope, lumiere.creator_id, CreatorChanges(biography=biography))
    with lumiere.scope() as scope:
        assert creators.get_profile(scope, lumiere.creator_id).biography == ""


def picture(mode: str = "PNG", size: tuple[int, int] = (900, 700)) -> bytes:
    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[0x010F] = "SECRET CAMERA"
    Image.new("RGB", size, "teal").save(buffer, mode, exif=exif)
    return buffer.getvalue()


def test_avatar_is_encoded_again_and_the_old_file_deleted(lumiere: Agency, tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    with lumiere.scope() as scope:
        profiles.set_avatar(scope, lumiere.creator_id, picture(), store)
        old = creators.get_profile(scope, lumiere.creator_id).avatar
    data = store.get(lumiere.tenant_id, old)
    stored = Image.open(io.BytesIO(data))
    assert (stored.format, max(stored.size)) == ("WEBP", 512)
    assert b"SECRET" not in data
    with lumiere.scope() as scope:
        profiles.remove_avatar(scope, lumiere.creator_id)
        row = scope.run(
            "SELECT subject_id, args FROM outbox WHERE tenant_id = :t AND kind = :k",
            t=scope.tenant_id,
            k=AvatarReplaced.kind,
        ).one()
    event = outbox.rebuild_event(AvatarReplaced, lumiere.tenant_id, row.subject_id, row.args)
    profiles.delete_replaced_avatar(event, tenant=lumiere.open, store=store)
    assert not store.exists(lumiere.tenant_id, old)


@pytest.mark.parametrize("data", [b"", b"no picture", picture()[:200], b"GIF89a" + bytes(40)])
def test_file_that_is_no_picture_is_refused(lumiere: Agency, tmp_path: Path, data: bytes) -> None:
    store = FileStore(tmp_path)
    with pytest.raises(BadInput), lumiere.scope() as scope:
        profiles.set_avatar(scope, lumiere.creator_id, data, store)
    with lumiere.scope() as scope:
        assert creators.get_profile(scope, lumiere.creator_id).avatar == ""


@pytest.mark.parametrize("ceiling", ["G", "S", "N", "E"])
@pytest.mark.parametrize("default", [0, 1, 2])
@pytest.mark.parametrize("chosen", [None, 0, 1, 2])
def test_creator_starts_with_the_policy_of_the_agency_and_explicit_never_without(
    lumiere: Agency, ceiling: str, default: int, chosen: int | None
) -> None:
    with lumiere.scope(f"member:{lumiere.owner}") as scope:
        defaults = agency_settings.get_creator_defaults(scope)
        agency_settings.set_creator_defaults(scope, replace(defaults, approval_tiers=default))
    wanted = replace(NEW, rating_ceiling=ceiling, approval_tiers=chosen)
    with lumiere.scope(f"member:{lumiere.owner}") as scope:
        creator_id = profiles.add_creator(scope, wanted, key=uuid7())
    with lumiere.scope(f"member:{lumiere.owner}") as scope:
        tiers = queries.get_creator(scope, creator_id).approval_tiers
        asked = default if chosen is None else chosen
        assert tiers == (max(asked, 1) if ceiling == "E" else asked)
        creators.change_creator(scope, creator_id, CreatorChanges(rating_ceiling="E"))
    with lumiere.scope(f"member:{lumiere.owner}") as scope:
        assert queries.get_creator(scope, creator_id).approval_tiers == max(asked, 1)

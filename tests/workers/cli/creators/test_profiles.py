"""`greenroom creators`: creators of an agency or of a new one, shown and edited as at the page."""

from pathlib import Path

import pytest

from foundation.errors import BadInput, Conflict, NotFound
from foundation.ids import uuid7
from tenants.agencies import creators, queries
from tenants.scope import list_tenant_ids
from tests.generators.builders import a_picture, encoded
from tests.studio.builders import CreatorStudio
from tests.studio.conftest import nova, services
from workers.cli.creators import profiles
from workers.cli.creators.profiles import AgencyChoice, TypedProfile
from workers.terminal import output
from workers.wiring import Services

__all__ = ["nova", "services"]

OWN = AgencyChoice(uuid7(), "Lumière", demo=False)
OTHER = AgencyChoice(uuid7(), "Nuit", demo=False)
DEMO = AgencyChoice(uuid7(), "Demo", demo=True)


def test_command_acts_for_the_only_agency_that_is_no_demo() -> None:
    assert profiles.choose_agency([DEMO, OWN], "") == OWN
    assert profiles.choose_agency([DEMO, OWN], "demo") == DEMO
    assert profiles.choose_agency([DEMO], "") is None
    with pytest.raises(BadInput, match=r"cli\.creators\.which_agency"):
        profiles.choose_agency([OWN, OTHER], "")
    with pytest.raises(NotFound):
        profiles.choose_agency([OWN], "Nuit")


def test_first_creator_of_an_installation_creates_the_agency(
    services: Services, capsys: pytest.CaptureFixture[str]
) -> None:
    before = set(list_tenant_ids(services.tenant))
    name = f"Iris {uuid7().hex[-6:]}"
    typed = TypedProfile(name=name, zone="Europe/Paris", languages=("fr",), kind="virtual")
    output.use_language("en")
    try:
        handle = profiles.add_to_agency(services, typed, handle="", chosen=None)
    finally:
        output.use_language("")
    assert f"the agency “{name}” was created" in capsys.readouterr().err
    (made,) = set(list_tenant_ids(services.tenant)) - before
    with services.tenant(made, "system:test") as scope:
        agency = queries.get_agency(scope)
        (creator,) = queries.list_creators(scope)
        pages = scope.run(
            "SELECT count(*) FROM outbox WHERE tenant_id = :t AND kind = 'channel.own_page'",
            t=made,
        ).scalar_one()
    assert (agency.name, agency.zone, agency.language, agency.demo) == (
        name, "Europe/Paris", "fr", False,
    )  # fmt: skip
    assert (creator.slug, creator.kind, pages) == (handle, "virtual", 1)
    again = AgencyChoice(made, name, demo=False)
    with pytest.raises(Conflict, match=r"creator\.handle_taken"):
        profiles.add_to_agency(services, typed, handle="", chosen=again)


def test_edit_changes_every_given_field(nova: CreatorStudio, tmp_path: Path) -> None:
    picture = tmp_path / "me.jpg"
    picture.write_bytes(encoded(a_picture(), "JPEG"))
    handle = f"ana-{uuid7().hex[-6:]}"
    with nova.scope() as scope:
        agency = AgencyChoice(nova.tenant_id, queries.get_agency(scope).name, demo=False)
    typed = TypedProfile(name="Ana")
    assert profiles.add_to_agency(nova.services, typed, handle=handle, chosen=agency) == handle
    changes = TypedProfile(
        name="Ana Lima", biography="Hello", posts_per_day=2, images_per_day=9, avatar=picture
    )
    profiles.edit_creator(nova.services, handle, changes, agency="")
    with nova.scope() as scope:
        found = creators.get_profile(scope, queries.get_creator(scope, handle).id)
        row = profiles.build_row(scope, agency.name, found)
    assert (row.name, row.biography, row.posts_per_day, row.images_per_day) == (
        "Ana Lima", "Hello", 2, 9,
    )  # fmt: skip
    assert nova.services.store.exists(nova.tenant_id, found.avatar)
    with nova.scope() as scope:
        scope.run("DELETE FROM outbox WHERE tenant_id = :t", t=nova.tenant_id)
    renamed = f"{handle}-two"
    profiles.edit_creator(nova.services, handle, TypedProfile(), handle=renamed, agency="")
    with nova.scope() as scope:
        assert queries.get_creator(scope, renamed).id == found.creator.id
    handle = renamed
    with pytest.raises(NotFound):
        profiles.edit_creator(
            nova.services, handle, TypedProfile(responsible=["x@example.test"]), agency=""
        )

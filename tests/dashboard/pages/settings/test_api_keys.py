"""API keys: created by permitted members, shown once, revoked; only the owner revokes keys of
others."""

import re

import pytest

from foundation.errors import BadInput, NotFound, Refused
from tenants.agencies import agencies
from tenants.agencies.rights import Role
from tenants.api_keys import keys
from tests.dashboard.builders import Agency
from tests.dashboard.conftest import Door
from tests.dashboard.streamlit_client import stream

GIVEN = {"name": "Agenda", "scopes": ["posts:read"], "creators": (), "days": 30}


def test_key_is_created_shown_once_and_revoked(door: Door, lumiere: Agency) -> None:
    with stream(door.url, door.cookie(lumiere)) as page:
        assert "Une clé agit au nom du membre" in page.open("/settings", section="keys")
        page.type("Nom de la clé", "Agenda <b>")
        text = page.press("Créer une clé")
        (secret,) = set(re.findall(r"grk_[\w-]{43}", text))
        assert "Agenda &lt;b&gt;" in text
        text = page.press("Créer une clé")
        assert "un nom" not in text, "a double click is not refused"
        assert set(re.findall(r"grk_[\w-]{43}", text)) == {secret}, "and creates no second key"
        entered = keys.authenticate_key(door.tenant, secret, address="test")
        assert entered is not None
        assert (entered.tenant_id, entered.member_id) == (
            lumiere.tenant_id,
            lumiere.members[Role.OWNER],
        )
        assert "grk_" not in page.press("Je l’ai copiée")
        assert "grk_" not in page.open("/settings", section="keys")
        page.press("Révoquer la clé")
    assert keys.authenticate_key(door.tenant, secret, address="test") is None


def test_double_click_creates_one_key(door: Door, lumiere: Agency) -> None:
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/settings", section="keys")
        page.type("Nom de la clé", "Agenda")
        page.press_twice("Créer une clé")
    with lumiere.scope() as scope:
        assert len(keys.list_keys(scope)) == 1


def test_managers_see_their_keys_and_the_owner_all(door: Door, lumiere: Agency) -> None:
    for role in (Role.OWNER, Role.MANAGER):
        with lumiere.scope(lumiere.act_as(role)) as scope:
            keys.create_key(scope, **{**GIVEN, "name": f"of {role}"})
    with stream(door.url, door.cookie(lumiere, Role.MANAGER)) as page:
        text = page.open("/settings", section="keys")
    assert "of manager" in text
    assert "of owner" not in text
    with stream(door.url, door.cookie(lumiere)) as page:
        text = page.open("/settings", section="keys")
    assert "of manager" in text
    assert "of owner" in text
    with lumiere.scope() as scope:
        ours = {one.name: one.id for one in keys.list_keys(scope)}
    with lumiere.scope(lumiere.act_as(Role.MANAGER)) as scope, pytest.raises(NotFound):
        keys.revoke_key(scope, ours["of owner"])
    with lumiere.scope(lumiere.act_as(Role.OWNER)) as scope:
        keys.revoke_key(scope, ours["of manager"])


@pytest.mark.parametrize("role", [Role.CREATOR, Role.CHATTER, Role.ACCOUNTANT, Role.GUEST])
def test_other_roles_create_no_key(lumiere: Agency, role: Role) -> None:
    with (
        lumiere.scope(lumiere.act_as(role)) as scope,
        pytest.raises(Refused, match=r"role\.forbidden"),
    ):
        keys.create_key(scope, **GIVEN)  # type: ignore[arg-type]  # one dict for all
    with lumiere.scope() as scope, pytest.raises(Refused, match=r"key\.members_only"):
        keys.create_key(scope, **GIVEN)  # type: ignore[arg-type]  # one dict for all


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"name": " "}, "key.name"),
        ({"name": "x" * 61}, "key.name"),
        ({"name": "a\x00"}, "key.name"),
        ({"scopes": []}, "key.scopes"),
        ({"scopes": ["everything"]}, "key.scopes"),
        ({"days": 0}, "key.days"),
        ({"days": 367}, "key.days"),
    ],
)
def test_invalid_key_is_refused(lumiere: Agency, said: dict[str, object], code: str) -> None:
    with (
        lumiere.scope(lumiere.act_as(Role.OWNER)) as scope,
        pytest.raises(BadInput, match=re.escape(code)),
    ):
        keys.create_key(scope, **{**GIVEN, **said})  # type: ignore[arg-type]  # wrong on purpose


def test_key_is_limited_to_creators_of_its_member(lumiere: Agency) -> None:
    with lumiere.scope() as scope:
        agencies.add_creator(
            scope, slug="other", name="Other", kind="virtual", zone="UTC", languages=["fr"]
        )
        mine = agencies.add_member(
            scope,
            name="M",
            email="m@x.example",
            role=Role.MANAGER,
            language="fr",
            zone="UTC",
            creators=["other"],
        )
    for creators, fits in ((["other"], True), (["mia"], False), (["nobody"], False)):
        with lumiere.scope(f"member:{mine}") as scope:
            if fits:
                # one dict for all
                assert keys.create_key(scope, **{**GIVEN, "creators": creators})  # type: ignore[arg-type]  # see above
            else:
                with pytest.raises(Refused, match=r"key\.other_creators"):
                    # one dict for all
                    keys.create_key(scope, **{**GIVEN, "creators": creators})  # type: ignore[arg-type]  # see above


def test_key_expires_and_their_number_is_limited(lumiere: Agency) -> None:
    with lumiere.scope(lumiere.act_as(Role.OWNER)) as scope:
        secret = keys.create_key(scope, **GIVEN)  # type: ignore[arg-type]  # one dict for all
    assert keys.authenticate_key(lumiere.open, secret, address="test") is not None
    with lumiere.scope() as scope:
        scope.run(
            "UPDATE api_keys SET expires_at = people_now() WHERE tenant_id = :t",
            t=lumiere.tenant_id,
        )
    assert keys.authenticate_key(lumiere.open, secret, address="test") is None
    with lumiere.scope(lumiere.act_as(Role.OWNER)) as scope:
        for _ in range(keys.MAX_KEYS):
            keys.create_key(scope, **GIVEN)  # type: ignore[arg-type]  # one dict for all
        with pytest.raises(BadInput, match=r"key\.too_many"):
            keys.create_key(scope, **GIVEN)  # type: ignore[arg-type]  # one dict for all


def test_only_the_digest_of_a_key_is_stored(lumiere: Agency) -> None:
    with lumiere.scope(lumiere.act_as(Role.OWNER)) as scope:
        secret = keys.create_key(scope, **GIVEN)  # type: ignore[arg-type]  # one dict for all
        (row,) = scope.run("SELECT * FROM api_keys WHERE tenant_id = :t", t=lumiere.tenant_id).all()
    assert secret.removeprefix(keys.API_KEY_PREFIX) not in repr(tuple(row))

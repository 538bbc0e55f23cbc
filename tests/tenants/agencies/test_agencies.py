"""Agencies, creators and members: creation, roles and rights, notices, and reads limited to one
tenant."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from foundation.db.database import OpenScope
from foundation.errors import BadInput, NotFound, Refused
from foundation.i18n.translation import LANGUAGES, Message, render_message
from foundation.ids import uuid7
from tenants.agencies import agencies, agency_settings, queries
from tenants.agencies.rights import Right, Role, has_right, require_right
from tenants.notices import notices
from tenants.notices.queries import list_open_notices
from tests.tenants.builders import Agency, create_small_agency


def test_agency_is_returned_as_created(lumiere: Agency) -> None:
    with lumiere.scope() as scope:
        assert queries.get_agency(scope) == queries.Agency(
            "Lumière", "fr", "Europe/Paris", demo=False, languages=("fr",)
        )
        (creator,) = queries.list_creators(scope)
        assert (creator.id, creator.kind, creator.languages, creator.approval_tiers) == (
            lumiere.creator_id,
            "human",
            ("fr",),
            1,
        )


def test_agency_gets_name_currency_and_languages(lumiere: Agency) -> None:
    with lumiere.scope() as scope:
        scope.run("UPDATE agencies SET named = false WHERE tenant_id = :t", t=scope.tenant_id)
        assert not queries.is_set_up(scope)
        agency_settings.name_agency(
            scope, name=" Maison  Zoé ", zone="UTC", currency="CHF", languages=["en", "fr", "en"]
        )
        scope.session.expire_all()
        found = queries.get_agency(scope)
        assert queries.is_set_up(scope)
    assert (found.name, found.zone, found.currency) == ("Maison Zoé", "UTC", "CHF")
    assert (found.language, found.languages) == ("en", ("fr", "en"))


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"name": " "}, "name.unfit"),
        ({"zone": "Mars/Base"}, "agency.zone"),
        ({"currency": "EURO"}, "agency.currency"),
        ({"currency": "DEM"}, "agency.currency"),
        ({"languages": []}, "agency.languages"),
        ({"languages": ["xx"]}, "agency.languages"),
    ],
)
def test_wrong_detail_of_an_agency_is_refused(
    lumiere: Agency, wrong: dict[str, Any], code: str
) -> None:
    right = {"name": "Zoé", "zone": "UTC", "currency": "EUR", "languages": ["fr"]}
    with lumiere.scope() as scope, pytest.raises(BadInput) as refused:
        agency_settings.name_agency(scope, **right | wrong)
    assert refused.value.message.code == code


def test_agency_is_created_once(lumiere: Agency) -> None:
    with pytest.raises(IntegrityError), lumiere.scope() as scope:
        agencies.create_agency(scope, name="Again", language="fr", zone="UTC")


@pytest.mark.parametrize("key", ["mia", "MIA", "Mia Laurent", "mia laurent"])
def test_creator_is_found_by_any_name(lumiere: Agency, key: str) -> None:
    with lumiere.scope() as scope:
        assert queries.get_creator(scope, key).id == lumiere.creator_id
        assert queries.get_creator(scope, lumiere.creator_id).slug == "mia"


def test_record_of_another_tenant_is_reported_as_unknown(
    tenant: OpenScope, lumiere: Agency
) -> None:
    other = create_small_agency(tenant)
    with other.scope() as scope:
        for read, theirs in (
            (queries.get_creator, lumiere.creator_id),
            (queries.get_member, lumiere.owner),
        ):
            unknown = uuid7()
            with pytest.raises(NotFound) as strange:
                read(scope, theirs)
            with pytest.raises(NotFound) as wrong:
                read(scope, unknown)
            said = (
                str(strange.value).replace(str(theirs), ""),
                str(wrong.value).replace(str(unknown), ""),
            )
            assert said[0] == said[1]


def test_unknown_agency_is_not_found(tenant: OpenScope) -> None:
    with tenant(uuid7(), "system:test") as scope, pytest.raises(NotFound):
        queries.get_agency(scope)


def test_removed_members_are_not_listed(lumiere: Agency) -> None:
    with lumiere.scope() as scope:
        scope.run("UPDATE members SET active = false WHERE id = :id", id=lumiere.chatter)
        assert [member.role for member in queries.list_members(scope)] == [Role.OWNER]
        assert (
            queries.get_member(scope, lumiere.chatter).role is Role.CHATTER
        )  # audit entries still show the name


def test_two_members_are_two_humans_by_default(lumiere: Agency) -> None:
    with lumiere.scope() as scope:
        assert len({member.principal_id for member in queries.list_members(scope)}) == 2


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"kind": "robot"}, "creator.unfit"),
        ({"approval_tiers": 3}, "creator.unfit"),
        ({"approval_tiers": -1}, "creator.unfit"),
        ({"zone": "Europe/Atlantis"}, "agency.zone"),
        ({"zone": "../etc/passwd"}, "agency.zone"),
        ({"zone": ""}, "agency.zone"),
    ],
)
def test_invalid_creator_is_rejected(lumiere: Agency, change: dict[str, object], code: str) -> None:
    made = {
        "slug": "nova",
        "name": "Nova",
        "kind": "virtual",
        "zone": "UTC",
        "languages": ["fr"],
        **change,
    }
    with pytest.raises(BadInput, match=code.replace(".", r"\.")), lumiere.scope() as scope:
        agencies.add_creator(scope, **made)  # type: ignore[arg-type]  # one argument is invalid


def test_unsupported_member_language_is_rejected(lumiere: Agency) -> None:
    with pytest.raises(BadInput, match=r"agency\.language"), lumiere.scope() as scope:
        agencies.add_member(
            scope, name="x", email="x@example.test", role=Role.GUEST, language="de", zone="UTC"
        )


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("right", Right)
def test_require_right_agrees_with_has_right(role: Role, right: Right) -> None:
    if has_right(role, right):
        require_right(role, right)
    else:
        with pytest.raises(Refused) as refused:
            require_right(role, right)
        for language in LANGUAGES:
            said = render_message(refused.value.message, language)
            assert str(role) not in said.split()
            assert len(said) > 20


def test_roles_have_their_documented_rights() -> None:
    assert {role for role in Role if has_right(role, Right.STAFF)} == {Role.OWNER}
    assert {role for role in Role if has_right(role, Right.APPROVE)} == {
        Role.OWNER,
        Role.MANAGER,
        Role.CREATOR,
    }
    assert {role for role in Role if has_right(role, Right.MONEY)} == set(Role) - {
        Role.CHATTER,
        Role.GUEST,
        Role.CUSTODIAN,
    }
    assert {role for role in Role if has_right(role, Right.VOUCH)} == {Role.CUSTODIAN}
    assert {right for right in Right if has_right(Role.CUSTODIAN, right)} == {Right.VOUCH}
    assert not has_right(Role.CHATTER, Right.APPROVE)
    assert {right for right in Right if has_right(Role.GUEST, right)} == {Right.REVIEW}
    assert {right for right in Right if has_right(Role.ACCOUNTANT, right)} == {
        Right.MONEY,
        Right.BOOKS,
    }


SAID = Message("gate.CONSENT_MISSING")


def test_one_open_notice_per_cause(lumiere: Agency) -> None:
    with lumiere.scope() as scope:
        assert notices.put(scope, SAID, cause="delivery:1:held")
        assert not notices.put(scope, Message("gate.RATING_UNKNOWN"), cause="delivery:1:held")
        (notice,) = list_open_notices(scope)
    assert notice.message == SAID


def test_closed_notice_reopens_as_new(lumiere: Agency) -> None:
    with lumiere.scope() as scope:
        notices.put(scope, SAID, cause="c")
        scope.run(
            "UPDATE notices SET created_at = created_at - interval '1 day', updated_at = "
            "updated_at - interval '1 day'"
        )
    with lumiere.scope() as scope:
        notices.close(scope, "c")
        notices.close(scope, "c")
        assert list_open_notices(scope) == []
    with lumiere.scope() as scope:
        assert notices.put(scope, SAID, cause="c", urgent=True)
        (notice,) = list_open_notices(scope)
        assert notice.urgent
        assert abs((notice.at - scope.now).total_seconds()) < 5  # created now, not yesterday


def test_urgent_notices_are_listed_first_then_newest(lumiere: Agency) -> None:
    for cause, urgent in (("old", False), ("alarm", True), ("new", False)):
        with lumiere.scope() as scope:
            notices.put(scope, SAID, cause=cause, urgent=urgent)
    with lumiere.scope() as scope:
        assert [notice.cause for notice in list_open_notices(scope)] == ["alarm", "new", "old"]
        assert len(list_open_notices(scope, limit=2)) == 2


def test_values_are_frozen(lumiere: Agency) -> None:
    with lumiere.scope() as scope:
        (creator,) = queries.list_creators(scope)
    with pytest.raises(AttributeError):
        creator.name = "x"  # type: ignore[misc]  # assigned on purpose
    assert replace(creator, name="x").name == "x"

"""The subject portal: its contents and actions, and that it names no other person."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import httpx
import pytest

from foundation.errors import BadInput, NotFound
from foundation.ids import uuid7
from gate.consent import subject_portal
from gate.consent.events import RevocationRequested
from gate.consent.handlers import handle_revocation
from gate.people import persons
from tests.gate.builders import real_person
from tests.web.builders import CreatorPage, create_page

OWN = {"sec-fetch-site": "same-origin", "accept-language": "en"}


@pytest.fixture
def ida(mia: CreatorPage) -> UUID:
    """Create a real person who gave every consent."""
    with mia.scope() as scope:
        return real_person(
            scope, surfaces=("own_page", "telegram"), display_ref="Ida-of-the-agency"
        )


def link(mia: CreatorPage, person: UUID) -> str:
    with mia.scope() as scope:
        return f"{subject_portal.PORTAL_PATH}{subject_portal.create_portal_link(scope, person)}"


def see(mia: CreatorPage, path: str) -> httpx.Response:
    return mia.room.client.get(path, headers=OWN)


def press(mia: CreatorPage, path: str, what: str, **headers: str) -> httpx.Response:
    return mia.room.client.post(
        path, data={"what": what}, headers=OWN | headers, follow_redirects=False
    )


def wanted(mia: CreatorPage) -> list[Any]:
    with mia.scope() as scope:
        rows = scope.run("SELECT subject_id, args FROM outbox WHERE tenant_id = :t AND kind = "
                         ":kind ORDER BY id",
                         t=mia.tenant_id, kind=RevocationRequested.kind)  # fmt: skip
        return [(row.subject_id, row.args["scope"], row.args["by"]) for row in rows]


def handled(mia: CreatorPage) -> None:
    """Handle the requested revocations as the workers do."""
    for person, what, by in wanted(mia):
        handle_revocation(
            RevocationRequested(mia.tenant_id, person, scope=what, by=by), tenant=mia.room.tenant
        )


def test_portal_lists_consents_without_names(mia: CreatorPage, ida: UUID) -> None:
    with mia.scope() as scope:
        real_person(scope, surfaces=("sandbox",), display_ref="Somebody-else")
    shown = see(mia, link(mia, ida))
    assert shown.status_code == 200
    assert shown.headers["cache-control"] == "private, no-store"
    assert shown.headers["referrer-policy"] == "no-referrer"
    for word in (
        "Publication",
        "AI likeness",
        "Telegram",
        "Explicit",
        "No images of you are published",
    ):
        assert (word in shown.text) == (word != "AI likeness"), word
    for hidden in ("Ida-of-the-agency", "Somebody-else", str(ida), "custodian"):
        assert hidden not in shown.text
    assert (
        "Vos images et consentements"
        in mia.room.client.get(link(mia, ida), headers={"accept-language": "fr"}).text
    )


@pytest.mark.parametrize("what", ["publish", "download_sell", "all"])
def test_revocation_is_requested_once_and_shown(mia: CreatorPage, ida: UUID, what: str) -> None:
    path = link(mia, ida)
    see(mia, path)
    assert wanted(mia) == []  # a GET changes nothing
    for _ in range(2):
        assert press(mia, path, what).headers["location"] == path
    assert wanted(mia) == [(ida, "" if what == "all" else what, f"person:{ida}")]
    assert see(mia, path).headers["refresh"]
    handled(mia)
    done = see(mia, path)
    assert "refresh" not in done.headers
    assert "and completed" in done.text
    assert done.text.count("revoked on") == (3 if what == "all" else 1)
    assert f'value="{what}"' not in done.text
    assert press(mia, path, what).status_code == 422  # nothing remains to revoke
    assert ("Revoke: appearance in images" in done.text) == (what != "all")


@pytest.mark.parametrize(
    "headers", [{"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}]
)
def test_revocation_from_another_site_is_refused(
    mia: CreatorPage, ida: UUID, headers: dict[str, str]
) -> None:
    assert press(mia, link(mia, ida), "all", **headers).status_code == 422
    assert wanted(mia) == []


@pytest.mark.parametrize("what", ["", "everything", "publish\x00", "x" * 400])
def test_unknown_consent_is_not_revoked(mia: CreatorPage, ida: UUID, what: str) -> None:
    assert press(mia, link(mia, ida), what).status_code == 422
    assert wanted(mia) == []


def test_new_link_replaces_the_old_one(mia: CreatorPage, ida: UUID) -> None:
    old = link(mia, ida)
    new = link(mia, ida)
    assert see(mia, old).status_code == press(mia, old, "all").status_code == 404
    assert see(mia, new).status_code == 200
    assert wanted(mia) == []
    with mia.scope() as scope:
        row = scope.run("SELECT digest FROM person_links WHERE person_id = :p", p=ida).scalar_one()
    assert new.rpartition("/")[2] not in row


@pytest.mark.parametrize("token", ["x", "A" * 43, "A" * 500, "%00" * 43, "..%2fhealthz"])
def test_unknown_link_is_not_found(mia: CreatorPage, token: str) -> None:
    assert mia.room.client.get(f"/me/{token}").status_code == 404
    assert mia.room.client.post(f"/me/{token}", data={"what": "all"}).status_code == 404


def invented(scope: Any) -> UUID:
    return persons.add_person(scope, kind="synthetic", display_ref="Nova")


@pytest.mark.parametrize(("who", "refusal"), [(invented, BadInput), (lambda _: uuid7(), NotFound)])
def test_only_real_people_of_the_agency_get_a_link(
    mia: CreatorPage, ida: UUID, who: Callable[[Any], UUID], refusal: type[Exception]
) -> None:
    other = create_page(mia.room)
    with mia.scope() as scope:
        nobody = who(scope)
    with mia.scope() as scope, pytest.raises(refusal):
        subject_portal.create_portal_link(scope, nobody)
    with other.scope() as scope, pytest.raises(NotFound):
        subject_portal.create_portal_link(scope, ida)
    with mia.scope() as scope:
        assert [one.name for one in subject_portal.list_linkable_people(scope)] == [
            "Ida-of-the-agency"
        ]

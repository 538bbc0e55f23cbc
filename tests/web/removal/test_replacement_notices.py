"""Content that a platform no longer deletes: requesters and depicted people are informed of the
replacement."""

from uuid import UUID

import pytest

from channels.accounts import lifecycle
from foundation.i18n.translation import Message, render_message
from foundation.ids import uuid7
from gate.contract import replacement_picture
from gate.contract.units import Medium, Rating, Subject
from gate.copies import live_copies
from gate.permits import issuance
from gate.removal import removal_requests
from tenants.agencies import agencies
from tenants.agencies.rights import Role
from tests.gate.builders import KEY, Step, World, picture, publish_unit, real_person, unit
from tests.web.builders import CreatorPage, new_picture
from tests.web.removal.test_removal_requests import ask, read, receipt_of
from tests.web.removal.test_subject_portal import link, see

GONE = "service.safety.removed.message"
INSTEAD, GOING = "Content replaced; manual removal requested", "Being removed"
STANDS = "Contenu remplacé"


@pytest.fixture
def here(mia: CreatorPage) -> World:
    """Return the agency of mia with an account on a platform that stops deleting."""
    with mia.scope() as scope:
        ann, rob = (
            agencies.add_member(scope, name=name, email=f"{uuid7().hex}@example.test", role=role, language="en",
                                zone="Europe/Paris")
            for name, role in (("ann", Role.MANAGER), ("rob", Role.OWNER))
        )  # fmt: skip
        channel = lifecycle.connect_account(
            scope, creator_id=mia.creator_id, platform="sandbox", surface="sandbox.post", account=uuid7().hex,
            name="The channel", base_url="http://127.0.0.1:1", token=None, zone="Europe/Paris",
        )  # fmt: skip
    return World(mia.room.tenant, mia.tenant_id, mia.creator_id, channel, ann, rob)


def instead(here: World, jti: UUID) -> None:
    """Publish the replacement text under a separate permit, as the workers do after the platform
    refused to delete."""
    told = unit(
        here,
        text=render_message(Message(GONE), "en"),
        service=GONE,
        subject=Subject(replacement_picture.REPLACEMENT_STEP, jti),
    )
    with here.scope() as scope:
        issuance.mint_permit(scope, told, Step(body=uuid7().hex), key=KEY, author="system:channels")
    with here.scope() as scope:
        live_copies.record_replaced(scope, jti)


def called_back(here: World, jti: UUID) -> None:
    with here.scope() as scope:
        live_copies.mark_for_recall(scope, jti, Message("recall.complaint"))


def test_subject_portal_shows_the_replacement_until_removal(mia: CreatorPage, here: World) -> None:
    with here.scope() as scope:
        ida = real_person(scope, surfaces=("sandbox",))
        shown = picture(scope, here, Rating.G, person=ida)
    first, second = (
        publish_unit(here, unit(here, media=[shown]), native=uuid7().hex) for _ in range(2)
    )
    path = link(mia, ida)
    assert "The channel" in see(mia, path).text
    called_back(here, first)
    assert GOING in see(mia, path).text
    instead(here, first)
    assert INSTEAD in see(mia, path).text
    called_back(here, second)
    assert INSTEAD not in see(mia, path).text
    instead(here, second)
    assert INSTEAD in see(mia, path).text
    with here.scope() as scope:
        live_copies.record_removed(scope, first, "a person")
        live_copies.record_removed(scope, second, "a person")
        assert (
            live_copies.replaced_permits(scope, live_copies.all_copies_of_person(scope, ida))
            == frozenset()
        )
    assert INSTEAD not in see(mia, path).text
    assert "removed on" in see(mia, path).text


def test_receipt_shows_the_replacement(mia: CreatorPage, here: World) -> None:
    sha256 = mia.stage(new_picture())
    receipt = receipt_of(ask(mia, mia.post(media=[sha256])))
    jti = publish_unit(here, unit(here, media=[Medium(sha256, "image/png", 1)]), native=uuid7().hex)
    with here.scope() as scope:
        removal_requests.recall_named_bytes(
            scope, removal_requests.find_status_by_receipt(scope, receipt).id
        )
    assert ("The channel" in read(mia, receipt).text, STANDS in read(mia, receipt).text) == (
        True,
        False,
    )
    instead(here, jti)
    assert STANDS in read(mia, receipt).text

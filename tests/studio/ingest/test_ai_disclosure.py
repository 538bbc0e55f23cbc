"""Photographs declared as generated: the declared one, its original, and their derivatives."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from PIL import ExifTags, Image

from foundation.db.database import Scope
from foundation.errors import NotFound, Refused
from foundation.ids import uuid7
from gate import epochs
from generators.retouch.finish import CopyFinish
from studio.ingest import ai_disclosure, picture_copies, pipeline, uploads
from studio.ingest.events import AiDisclosureDue, PictureCopyDue, UploadDue
from studio.library import assets
from tenants.agencies import agencies
from tenants.agencies.rights import Role
from tests.generators.builders import a_picture, encoded
from tests.studio.builders import (
    CREDENTIAL,
    ZONE,
    AwayClassifier,
    CreatorStudio,
    Engine,
    create_studio,
)
from tests.studio.ingest.test_uploads import hand_in, work
from workers.wiring import Services


def member(nova: CreatorStudio, role: Role = Role.OWNER) -> str:
    with nova.scope() as scope:
        found = agencies.add_member(
            scope, name="Marc", email=f"{uuid7()}@example.test", role=role, language="fr", zone=ZONE
        )
    return f"member:{found}"


def heard(nova: CreatorStudio) -> int:
    """Count the declarations in the queue, and have the workers handle them."""
    with nova.scope() as scope:
        rows = scope.run(
            "DELETE FROM outbox WHERE tenant_id = :t AND kind = 'picture.by_model' RETURNING "
            "subject_id, args",
            t=nova.tenant_id,
        ).all()
    for row in rows:
        ai_disclosure.apply_ai_disclosure(
            AiDisclosureDue(nova.tenant_id, row.subject_id, **row.args),
            tenant=nova.services.tenant,
        )
    return len(rows)


def say(nova: CreatorStudio, asset: UUID) -> None:
    with nova.scope(member(nova)) as scope:
        ai_disclosure.request_ai_disclosure(scope, asset)
    assert heard(nova) == 1


def told(nova: CreatorStudio, *assets: UUID) -> list[tuple[str, str, str]]:
    """Return the gate's and the library's origin of each asset."""
    with nova.scope() as scope:
        rows = scope.run(
            "SELECT a.id, a.ai, a.engine, c.engine AS shown FROM assets a"
            " JOIN creations c ON c.tenant_id = a.tenant_id AND c.asset_id = a.id WHERE "
            "a.tenant_id = :t",
            t=nova.tenant_id,
        )
        found = {row.id: (row.ai, row.engine, row.shown) for row in rows}
    return [found[one] for one in assets]


def values(nova: CreatorStudio, *assets: UUID) -> list[int]:
    """Return the epoch of each asset."""
    with nova.scope() as scope:
        keys = [epochs.asset_key(scope, one) for one in assets]
        found = dict(epochs.epoch_values(scope, keys))
    return [found.get(key, 0) for key in keys]


PHOTO, MODEL = ("none", "camera", "camera"), ("generated", "unnamed", "unnamed")


def photo(nova: CreatorStudio, seed: int = 1, **changes: Any) -> UUID:
    """Add a photograph to the library, with changes to its source."""
    prepared = pipeline.prepare_upload(
        encoded(a_picture(320, 200, seed=seed), "JPEG"), name="a.jpg", alt="a"
    )
    return nova.bring(replace(prepared, source=replace(prepared.source, **changes)))


def copied(nova: CreatorStudio, asset: UUID) -> UUID:
    services = nova.services
    with nova.scope() as scope:
        copy_id = picture_copies.request_copy(
            scope, asset, CopyFinish(form="square"), by="member:x", store=services.store
        )
    picture_copies.make_copy(
        PictureCopyDue(nova.tenant_id, copy_id),
        tenant=services.tenant,
        store=services.store,
        credential=lambda: CREDENTIAL,
    )
    with nova.scope() as scope:
        (found,) = picture_copies.get_copies(scope, [copy_id])
    assert found.made_id is not None
    return found.made_id


@pytest.mark.parametrize("pressed", ["original", "copy"])
def test_declaration_covers_a_picture_its_original_and_its_copies(
    nova: CreatorStudio, pressed: str
) -> None:
    original, other = photo(nova), photo(nova, 2)
    copy = copied(nova, original)
    of_it = photo(nova, 3, parent=copy)
    assert told(nova, original, copy, of_it, other) == [PHOTO] * 4
    before = values(nova, original, copy, of_it, other)
    say(nova, {"original": original, "copy": copy}[pressed])
    assert told(nova, original, copy, of_it, other) == [MODEL, MODEL, MODEL, PHOTO]
    with nova.scope() as scope:
        assert [one.ai for one in assets.get_renditions(scope, [original, copy], "x").values()] == [
            "generated"
        ] * 2
    grown = [
        after - was
        for was, after in zip(before, values(nova, original, copy, of_it, other), strict=True)
    ]
    assert grown == [1, 1, 1, 0], "earlier clearances expire"


def test_declaring_twice_records_it_once(nova: CreatorStudio) -> None:
    asset = photo(nova)
    say(nova, asset)
    before = values(nova, asset)
    ai_disclosure.apply_ai_disclosure(
        AiDisclosureDue(nova.tenant_id, asset, "member:x"), tenant=nova.services.tenant
    )
    assert values(nova, asset) == before
    with nova.scope() as scope:
        noted = (
            "SELECT count(*) FROM audit_entries WHERE tenant_id = :t AND act = 'picture.by_model'"
        )
        assert scope.run(noted, t=nova.tenant_id).scalar_one() == 1


def test_generated_picture_needs_no_declaration(nova: CreatorStudio) -> None:
    job = nova.start(variants=1)
    nova.work(job, Engine)
    (item,) = nova.library()
    before = told(nova, item.asset_id)
    with nova.scope(member(nova)) as scope, pytest.raises(Refused, match="no_photograph"):
        ai_disclosure.request_ai_disclosure(scope, item.asset_id)
    ai_disclosure.apply_ai_disclosure(
        AiDisclosureDue(nova.tenant_id, item.asset_id, "member:x"), tenant=nova.services.tenant
    )
    assert told(nova, item.asset_id) == before


def test_unauthorised_members_and_other_agencies_cannot_declare(
    nova: CreatorStudio, services: Services
) -> None:
    asset = photo(nova)
    for actor in (member(nova, Role.CHATTER), "system:test"):
        with nova.scope(actor) as scope, pytest.raises(Refused):
            ai_disclosure.request_ai_disclosure(scope, asset)
    other = create_studio(services)
    with other.scope(member(other)) as scope, pytest.raises(NotFound):
        ai_disclosure.request_ai_disclosure(scope, asset)
    ai_disclosure.apply_ai_disclosure(
        AiDisclosureDue(other.tenant_id, asset, "member:x"), tenant=services.tenant
    )
    assert told(nova, asset) == [PHOTO]


def test_same_file_uploaded_as_generated_declares_the_existing_asset(
    nova: CreatorStudio,
) -> None:
    data = encoded(a_picture(seed=7), "JPEG")
    upload_id = hand_in(nova, data)
    asset = work(nova, upload_id).asset_id
    assert asset is not None
    assert (hand_in(nova, data), heard(nova)) == (upload_id, 0)
    assert (hand_in(nova, data, generated=True), heard(nova)) == (upload_id, 1)
    assert told(nova, asset) == [MODEL]
    assert (hand_in(nova, data, generated=True), heard(nova)) == (upload_id, 0)


def test_declaration_during_ingest_is_applied(nova: CreatorStudio) -> None:
    data = encoded(a_picture(seed=8), "JPEG")
    upload_id = hand_in(nova, data)
    uploads.ingest_upload(
        UploadDue(nova.tenant_id, upload_id),
        tenant=nova.services.tenant,
        store=nova.services.store,
        classifier=AwayClassifier(lambda: hand_in(nova, data, generated=True)),
    )
    assert heard(nova) == 1
    assert told(nova, nova.library()[0].asset_id) == [MODEL]


def upload_of_unknown_origin(nova: CreatorStudio) -> UUID:
    exif = Image.Exif()
    exif[ExifTags.Base.Software] = "Hyper Canvas Studio"
    return nova.upload(encoded(a_picture(seed=77), "JPEG", exif=exif.tobytes()))


@pytest.mark.parametrize(
    ("answer", "origin"),
    [
        (ai_disclosure.confirm_photograph, ("none", "camera", "camera")),
        (ai_disclosure.request_ai_disclosure, ("generated", "unnamed", "unnamed")),
    ],
)
def test_file_of_unknown_origin_counts_as_generated_until_a_member_answers(
    nova: CreatorStudio, answer: Callable[[Scope, UUID], None], origin: tuple[str, str, str]
) -> None:
    asset = upload_of_unknown_origin(nova)
    assert told(nova, asset) == [("generated", "unconfirmed", "unconfirmed")]
    before = values(nova, asset)
    with nova.scope(member(nova)) as scope:
        answer(scope, asset)
    assert heard(nova) == 1
    assert told(nova, asset) == [origin]
    assert values(nova, asset) == [before[0] + 1], "earlier decisions are void"


def test_first_answer_about_the_origin_counts(nova: CreatorStudio) -> None:
    asset = upload_of_unknown_origin(nova)
    with nova.scope(member(nova)) as scope:
        ai_disclosure.request_ai_disclosure(scope, asset)
        ai_disclosure.confirm_photograph(scope, asset)
    heard(nova)
    assert told(nova, asset)[0][0] == "generated"
    with nova.scope(member(nova)) as scope, pytest.raises(Refused, match=r"avow\.origin_known"):
        ai_disclosure.confirm_photograph(scope, asset)


@pytest.mark.parametrize("said", ["generated", "photo"])
def test_known_origin_is_never_answered_again(nova: CreatorStudio, said: str) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Software] = "Midjourney" if said == "generated" else "Ver.1.0"
    asset = nova.upload(encoded(a_picture(seed=78), "JPEG", exif=exif.tobytes()))
    with nova.scope(member(nova)) as scope, pytest.raises(Refused, match=r"avow\.origin_known"):
        ai_disclosure.confirm_photograph(scope, asset)


def test_only_members_who_may_upload_answer(nova: CreatorStudio) -> None:
    asset = upload_of_unknown_origin(nova)
    with nova.scope(member(nova, Role.ACCOUNTANT)) as scope, pytest.raises(Refused):
        ai_disclosure.confirm_photograph(scope, asset)

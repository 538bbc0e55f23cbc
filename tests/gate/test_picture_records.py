"""Stored pictures and copies: every field, query and refusal."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from foundation.db.database import OpenScope, Scope
from foundation.errors import BadInput, GreenroomError, NotFound, Refused
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from gate.assets import asset_records
from gate.assets.asset_records import StoredRendition
from gate.consent import expiry
from gate.consent.expiry import ExpiringPaper
from gate.contract.units import Rating, Reference
from gate.copies import live_copies, post_references
from gate.copies.live_copies import LiveCopy
from gate.journal import JournalDue
from gate.permits import issuance, watched_copies
from gate.ratings import ratings
from gate.removal import recall
from tests.gate.builders import World, asset_of, picture, publish_unit, real_person, unit, world
from tests.gate.side_effects import find_notice, list_stored_tasks

DAY = timedelta(days=1)


@pytest.fixture
def here(tenant: OpenScope, tenant_id: UUID) -> World:
    return world(tenant, tenant_id)


def test_derivative_inherits_fields_of_source(here: World) -> None:
    with here.scope() as scope:
        at, ida = scope.now - 9 * DAY, real_person(scope)
        whole: dict[str, Any] = {
            "creator_id": here.creator_id, "origin": "generated", "ai": "assisted", "engine": "diffusion",
            "made_at": at, "source": "generation", "people_seen": 2, "model": "atelier",
        }  # fmt: skip
        first = asset_records.record_asset(scope, **whole)
        ratings.record_depiction(scope, first, ida, how="face", proposed_by="member:a")
        child = asset_records.record_asset(
            scope, creator_id=here.creator_id, origin="upload", ai="none", engine="", made_at=at + DAY, source="said",
            parent=first,
        )  # fmt: skip
        older = asset_records.record_asset(scope, **(whole | {"made_at": at - DAY, "ai": "generated", "model": "b"}),
                                       parent=first)  # fmt: skip
        undated = asset_records.record_asset(scope, **(whole | {"made_at": None}), parent=first)
        rows = {
            row["id"]: row
            for row in scope.run(
                "SELECT * FROM assets WHERE tenant_id = :t", t=here.tenant_id
            ).mappings()
        }
        assert (rows[first]["origin"], rows[first]["ai"], rows[first]["engine"], rows[first]["model"]) == (
            "generated", "assisted", "diffusion", "atelier",
        )  # fmt: skip
        assert (rows[first]["made_at"], rows[first]["source"], rows[first]["people_seen"]) == (
            at,
            "generation",
            2,
        )
        assert (rows[first]["parent_id"], rows[first]["creator_id"]) == (None, here.creator_id)
        assert (rows[child]["ai"], rows[child]["model"], rows[child]["made_at"], rows[child]["source"]) == (
            "assisted", "atelier", at, "generation",
        )  # fmt: skip
        assert (rows[child]["parent_id"], rows[child]["people_seen"], rows[child]["origin"]) == (
            first,
            None,
            "upload",
        )
        assert (rows[older]["ai"], rows[older]["model"], rows[older]["made_at"]) == (
            "generated",
            "b",
            at - DAY,
        )
        assert rows[undated]["made_at"] == at
        shown = scope.run("SELECT person_id, how, state, confirmed_by, proposed_by FROM "
                          "depictions WHERE asset_id = :a",
                          a=child).all()  # fmt: skip
        assert [tuple(row) for row in shown] == [(ida, "face", "proposed", "", "member:a")]
        with pytest.raises(BadInput) as refused:
            asset_records.record_asset(scope, **(whole | {"ai": "some"}))
        assert (refused.value.message.code, refused.value.message.params) == (
            "asset.bad_mark",
            {"mark": "some"},
        )
        with pytest.raises(NotFound, match=r"asset\.unknown"):
            asset_records.record_asset(scope, **whole, parent=uuid7())


def test_bytes_are_recorded_once_and_found_by_profile(here: World) -> None:
    with here.scope() as scope:
        medium = picture(scope, here)
        first = asset_of(scope, medium)
        whole: dict[str, Any] = {
            "mime": "image/png",
            "size": 7,
            "width": 3,
            "height": 2,
            "profile": "story",
        }
        one = asset_records.record_rendition(
            scope, first, sha256="a" * 64, **whole, parent=medium.sha256, phash="0f" * 8
        )
        row = scope.run("SELECT * FROM renditions WHERE id = :i", i=one).mappings().one()
        assert (row["asset_id"], row["mime"], row["size"], row["width"], row["height"], row["profile"]) == (
            first, "image/png", 7, 3, 2, "story",
        )  # fmt: skip
        assert (row["parent_sha256"], row["phash"], row["state"]) == (
            medium.sha256,
            "0f" * 8,
            "made",
        )
        assert asset_records.newest_rendition(scope, first, "story") == StoredRendition(
            "a" * 64, "image/png", 7, 3, 2, "none"
        )
        newer = asset_records.record_rendition(scope, first, sha256="b" * 64, **whole)
        assert newer != one
        # recorded above
        assert asset_records.newest_rendition(scope, first, "story").sha256 == "b" * 64  # type: ignore[union-attr]  # see above
        child = asset_records.record_asset(
            scope, creator_id=here.creator_id, origin="generated", ai="generated", engine="e", made_at=scope.now,
            source="generation", parent=first,
        )  # fmt: skip
        found = asset_records.newest_rendition(scope, child, "story")
        assert found is not None
        assert (found.sha256, found.ai) == ("b" * 64, "none")
        assert asset_records.newest_rendition(scope, child, "sheet") is None
        assert asset_records.newest_rendition(scope, uuid7(), "story") is None
        again = asset_of(scope, picture(scope, here))
        assert asset_records.record_rendition(scope, again, sha256="a" * 64, **whole) == one
        scope.session.expire_all()
        assert (
            scope.run("SELECT parent_id FROM assets WHERE id = :a", a=again).scalar_one() == first
        )
        for wrong in (
            lambda: asset_records.find_rendition_by_digest(scope, "0" * 64),
            lambda: asset_records.record_rendition(scope, uuid7(), sha256="c" * 64, **whole),
        ):
            with pytest.raises(NotFound, match=r"asset\.unknown"):
                wrong()


def test_rating_is_read_from_whole_family(here: World) -> None:
    with here.scope() as scope:
        nude = picture(scope, here, Rating.N)
        blurred = picture(scope, here, Rating.G, parent=asset_of(scope, nude))
        bare = picture(scope, here, None)
        assert ratings.effective_rating(scope, blurred.sha256) is Rating.S
        assert (
            ratings.inherited_rank(scope, blurred.sha256),
            ratings.inherited_rank(scope, nude.sha256),
        ) == (
            Rating.S.rank,
            -1,
        )
        assert ratings.directly_rated(scope, [nude.sha256, bare.sha256]) == {nude.sha256}
        assert ratings.highest_rank_by_source(scope, nude.sha256, "classifier@1") == Rating.N.rank
        assert ratings.highest_rank_by_source(scope, nude.sha256, "classifier@2") == -1
        assert ratings.showable_ratings(scope, [nude.sha256, bare.sha256, "0" * 64]) == {
            nude.sha256: Rating.N
        }
        found = ratings.display_ratings(scope, [nude.sha256, bare.sha256, "0" * 64])
        assert found == {
            nude.sha256: ratings.DisplayRating(Rating.N, False), bare.sha256: ratings.DisplayRating(None, False),
        }  # fmt: skip
        assert ratings.display_ratings(scope, []) == ratings.showable_ratings(scope, []) == {}
        ratings.record_rating(
            scope, bare.sha256, Rating.X, source="member:a", reason=Message("prohibited.category")
        )
        ratings.freeze_bytes(scope, nude.sha256)
        found = ratings.display_ratings(scope, [nude.sha256, bare.sha256])
        assert [one.is_withheld for one in found.values()] == [True, True]
        assert ratings.showable_ratings(scope, [nude.sha256]) == {}
        with pytest.raises(Refused, match="RATING_LOWERING_INVALID"):
            ratings.record_rating(scope, nude.sha256, Rating.S, source="member:a")
        ratings.record_rating(scope, nude.sha256, Rating.N, source="member:a")
        ratings.record_rating(scope, nude.sha256, Rating.G, source="rule:x")
        assert ratings.effective_rating(scope, nude.sha256) is Rating.N
        ratings.unfreeze_bytes(scope, nude.sha256)
        assert asset_records.find_rendition_by_digest(scope, nude.sha256).state in (
            "made",
            "frozen",
        )
        acts = [one.args["act"] for one in list_stored_tasks(scope, JournalDue.kind)]
        assert acts == ["freeze", "thaw"]


def check_refused_records(scope: Scope, jti: UUID) -> None:
    """Check that a removal needs a proof, and that a copy and its removal need a known permit."""
    for wrong, code in (
        (lambda: live_copies.record_removed(scope, jti, ""), "copy.no_proof"),
        (lambda: live_copies.record_removed(scope, uuid7(), "404"), "copy.unknown"),
        (lambda: live_copies.record_copy(scope, uuid7(), "n", scope.now), "copy.unknown"),
    ):
        with pytest.raises(GreenroomError) as refused:
            wrong()
        assert refused.value.message.code == code


def test_copy_is_read_completely_and_found_by_content(here: World) -> None:
    with here.scope() as scope:
        ida = real_person(scope)
        medium, other = picture(scope, here, person=ida), picture(scope, here)
    whole, apart = unit(here, media=(medium,)), unit(here, media=(other,))
    jti = publish_unit(here, whole)
    upload = publish_unit(here, whole, "upload", "")
    gone = publish_unit(here, apart, native="n2")
    with here.scope() as scope:
        found = live_copies.find_copy(scope, jti)
        assert found == LiveCopy(
            jti=jti, creator_id=here.creator_id, subject=whole.subject, channel_id=here.channel_id,
            account="mia-sandbox", platform="sandbox", surface="sandbox.post", viewer="", step="create",
            unit_digest=whole.digest(), flags=(), media=(medium.sha256,), native_ids=("n1",),
            minted_at=found.minted_at, visible_at=found.visible_at, removed_at=None, recalled_at=None,
            is_read_back=False,
        )  # fmt: skip
        assert [one.jti for one in live_copies.list_copies(scope, whole.subject)] == [jti]
        assert [one.jti for one in live_copies.list_consumed_permits(scope, whole.subject)] == [
            jti,
            upload,
        ]
        assert live_copies.find_copy_by_native_id(scope, here.channel_id, "n1") == found
        assert live_copies.find_copy_by_native_id(scope, uuid7(), "n1") is None
        assert live_copies.find_copy_by_native_id(scope, here.channel_id, "n9") is None
        assert [one.jti for one in live_copies.live_copies_of_person(scope, ida)] == [jti, upload]
        assert [one.jti for one in live_copies.live_copies_of_bytes(scope, medium.sha256)] == [
            jti,
            upload,
        ]
        assert live_copies.find_copy(scope, uuid7()) is None
        live_copies.record_removed(scope, jti, "404")
        live_copies.record_removed(scope, jti, "another")
        assert (
            scope.run("SELECT gone_proof FROM permits WHERE id = :j", j=jti).scalar_one() == "404"
        )
        assert [one.jti for one in live_copies.live_copies_of_person(scope, ida)] == [upload]
        assert [one.jti for one in live_copies.all_copies_of_person(scope, ida)] == [upload]
        assert [one.jti for one in live_copies.all_copies_of_bytes(scope, medium.sha256)] == [
            jti,
            upload,
        ]
        assert live_copies.mark_for_recall(scope, jti, Message("recall.blocked"))
        assert not live_copies.mark_for_recall(scope, jti, Message("recall.raised"))
        assert [one.jti for one in live_copies.all_copies_of_person(scope, ida)] == [jti, upload]
        live_copies.void_permit(scope, upload, "not_sent")
        live_copies.void_permit(scope, gone, "not_sent")
        assert live_copies.find_copy(scope, upload) is None
        assert live_copies.find_copy(scope, gone) is not None, (
            "a permit with a native id was published"
        )
        row = scope.run(
            "SELECT state, gone_proof, gone_at FROM permits WHERE id = :j", j=upload
        ).one()
        assert (row.state, row.gone_proof, row.gone_at is not None) == ("void", "not_sent", True)
        live_copies.record_file_ids(scope, gone, ["b", "a", "b"])
        assert scope.run("SELECT file_ids FROM permits WHERE id = :j", j=gone).scalar_one() == [
            "a",
            "b",
        ]
        check_refused_records(scope, jti)


def test_bytes_are_blocked_and_unblocked_by_request(here: World) -> None:
    with here.scope() as scope:
        medium = picture(scope, here, phash="0f" * 8)
        minor = picture(scope, here).sha256
    jti = publish_unit(here, unit(here, media=(medium,)))
    with here.scope() as scope:
        assert recall.block_bytes(scope, medium.sha256, category="shown", phash="0f" * 8) == [jti]
        assert recall.block_bytes(scope, medium.sha256, category="other") == []
        row = scope.run(
            "SELECT category, phash, complaint_id FROM blocklist WHERE sha256 = :s", s=medium.sha256
        ).one()
        assert tuple(row) == ("shown", "0f" * 8, None)
        kept = list_stored_tasks(scope, JournalDue.kind)[0].args
        assert (kept["act"], kept["about"], kept["more"], kept["look"]) == (
            "block", medium.sha256, "shown", "0f" * 8,
        )  # fmt: skip
        why = scope.run("SELECT recall_reason FROM permits WHERE id = :j", j=jti).scalar_one()
        assert Message.from_json(why) == Message("recall.blocked")
        recall.block_bytes(scope, minor, category=recall.MINOR_CATEGORY)
        assert not recall.unblock_bytes(scope, minor)
        assert not recall.unblock_bytes(scope, "0" * 64)
        assert asset_records.find_rendition_by_digest(scope, medium.sha256).state == "removed"


def test_referenced_post_is_resolved_with_its_text(here: World) -> None:
    with here.scope() as scope:
        medium = picture(scope, here)
        whole = issuance.with_required_marks(
            scope,
            unit(here, media=(medium,), text="Hello there", text_ai="generated"),
            line=lambda: "Made by AI",
        )
    publish_unit(here, whole)
    pointing = unit(here, references=(Reference("quote", "n1"), Reference("quote", "n7")))
    with here.scope() as scope:
        (found,) = post_references.resolve_references(scope, pointing)
        assert (found.native_id, found.media, found.text_ai) == (
            "n1",
            (medium.sha256,),
            "generated",
        )
        assert "Hello there" in found.texts
        assert post_references.shown_digests(scope, pointing) == [medium.sha256]
        for changes in ({"account": "else"}, {"platform": "x"}, {"creator_id": uuid7()}):
            elsewhere = unit(here, references=(Reference("quote", "n1"),), **changes)
            assert post_references.resolve_references(scope, elsewhere) == ()


def test_expiring_documents_are_listed_by_urgency(here: World) -> None:
    with here.scope() as scope:
        for name, until in (("Late", 20), ("Soon", 3), ("Far", 32), ("Gone", -0.5)):
            real_person(
                scope, display_ref=name, until=until * DAY, checked=400 * DAY, scopes=("depict",)
            )
        found = expiry.list_expiring(scope)
        assert [(one.name, one.what) for one in found] == [
            ("Gone", "depict"),
            ("Soon", "depict"),
            ("Late", "depict"),
        ]
        assert isinstance(found[0], ExpiringPaper)
        expiry.put_expiry_notices(scope, found)
        soon = found[1]
        told_of = find_notice(scope, f"person-ends:{soon.person_id}:permission:{soon.at.date()}:7")
        assert told_of is not None
        assert (told_of.code, told_of.params) == (
            "person.permission_ends", {"name": "Soon", "day": soon.at.date().isoformat()},
        )  # fmt: skip
        gone = find_notice(
            scope, f"person-ends:{found[0].person_id}:permission:{found[0].at.date()}:-1"
        )
        assert gone is not None
        assert gone.code == "person.permission_ended"
        assert watched_copies.list_watched_channels(scope) == []

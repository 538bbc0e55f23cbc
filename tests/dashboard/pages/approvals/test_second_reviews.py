"""Second reviews: lowering a rating, spot checks, calibration, adult chats."""

from dataclasses import replace
from uuid import UUID

import pytest

from dashboard.media import library_files
from foundation.i18n.translation import LANGUAGES
from gate.contract.units import Rating, Subject, Text, Unit
from gate.copies import live_copies
from gate.permits import issuance
from gate.policy import review_settings
from gate.ratings import ratings
from gate.reviews import calibration, spot_checks
from gate.reviews.rating_reductions import LoweringVoted, handle_lowering_vote
from gate.reviews.spot_checks import SampleRead
from studio.library import assets as library
from studio.library import member_reviews
from tenants.agencies import agencies
from tenants.agencies import queries as tenant_reads
from tenants.agencies.rights import Role
from tests.dashboard.auth.test_guest_reviewers import comes, give
from tests.dashboard.builders import ZONE, Agency, create_agency
from tests.dashboard.conftest import Door
from tests.dashboard.media.test_library_files import fetch, picture
from tests.dashboard.pages.approvals.test_page import word
from tests.dashboard.streamlit_client import Stream, stream
from tests.gate.builders import KEY, Step

CAFE = "198.51.100.9"
HOSTILE = "Piscine <script>alert(1)</script> {word}"


def shown(door: Door, cookie: str, page: Stream, asset: UUID) -> None:
    """Fetch the revealed picture as the browser does."""
    drawn = b"".join(page.frames).decode("utf-8", "replace")
    clear = drawn.rpartition(f"/files/{asset}/preview?clear=")[2][:36]
    assert fetch(door, cookie, f"/files/{asset}/preview?clear={UUID(clear)}").status_code == 200


def wished(door: Door, who: Agency, asset: UUID) -> None:
    """View the picture as the manager and request a lower rating."""
    with who.scope(who.act_as(Role.MANAGER)) as scope:
        clear = library_files.reveal_picture(
            scope, tenant_reads.get_member(scope, who.members[Role.MANAGER]), asset
        )
    address = library_files.picture_url(asset, "preview", clear=clear)
    assert fetch(door, door.cookie(who, Role.MANAGER), address).status_code == 200
    with who.scope(who.act_as(Role.MANAGER)) as scope:
        member_reviews.request_lower_rating(scope, asset, Rating.S, why=HOSTILE)


@pytest.mark.parametrize("language", LANGUAGES)
def test_two_others_lower_a_rating(door: Door, language: str) -> None:
    who = create_agency(door.tenant, language=language)
    give(who)
    asset = picture(door, who, rating=Rating.N)
    with who.scope() as scope:
        scope.run("UPDATE creations SET alt = '', file_name = 'Île <3.jpg'")
    wished(door, who, asset)
    with stream(door.url, door.cookie(who, Role.MANAGER)) as page:
        page.open("/approvals")
        text = page.choose(word("approvals.what", language), second_label(language))
        assert "Île &lt;3.jpg" in text
        assert word("second.another", language) in text
        assert word("second.agree", language) not in page.labels()
        assert "<script>" not in text
    for role in (Role.OWNER, Role.GUEST):
        cookie = (
            comes(door, who, role, CAFE, language=language)
            if role is Role.GUEST
            else door.cookie(who, role)
        )
        with stream(door.url, cookie) as page:
            page.open("/approvals")
            if word("second.agree", language) not in page.labels():
                page.choose(word("approvals.what", language), second_label(language))
            assert page.find(word("second.agree", language)).drawn.disabled
            page.press(word("approvals.reveal_one", language))
            shown(door, cookie, page, asset)
            page.type(word("second.why", language), "Rien ne se voit.")
            assert word("second.agreed", language) in page.press(word("second.agree", language))
    with who.scope() as scope:
        (wish,) = scope.run("SELECT id FROM lowerings").scalars()
    handle_lowering_vote(LoweringVoted(who.tenant_id, wish), tenant=who.open)
    with who.scope() as scope:
        assert ratings.effective_rating(scope, library.get_asset(scope, asset).sha256) is Rating.S


def second_label(language: str) -> str:
    return word("approvals.counted", language, what=word("approvals.second", language), count=1)


def sent(who: Agency, asset: UUID | None, text: str = "Bonjour", kind: str = "delivery") -> None:
    """Publish an automatically passed post, with every post drawn for a spot check."""
    with who.scope(who.act_as(Role.OWNER)) as scope:
        review_settings.raise_sampling_shares(scope, suggestive_percent=100, words_percent=100)
    with who.scope() as scope:
        media = (library.get_rendition(scope, asset, "sandbox"),) if asset else ()
        whole = Unit(
            tenant_id=who.tenant_id,
            creator_id=who.creator_id,
            subject=Subject(kind, UUID(int=7)),
            platform="sandbox",
            surface="sandbox.post",
            channel_id=UUID(int=8),
            account="mia",
            audience="public",
            texts=(Text("body", text),),
            media=media,
        )
        whole = issuance.with_required_marks(scope, whole, line=str)
        permit = issuance.mint_permit(
            scope, whole, Step(), key=KEY, author=who.act_as(Role.MANAGER)
        )
    with who.scope() as scope:
        issuance.record_copy(scope, permit.jti, "1", scope.now)


@pytest.mark.parametrize("language", LANGUAGES)
def test_spot_check_is_raised_by_another_member(door: Door, language: str) -> None:
    who = create_agency(door.tenant, language=language)
    give(who)
    sent(who, None, "SUGGESTIVE-MARKER-A")
    with stream(door.url, door.cookie(who, Role.MANAGER)) as page:
        page.open("/approvals")
        assert word("review.own", language) in page.press(word("second.read_fine", language))
    with stream(door.url, door.cookie(who)) as page:
        text = page.open("/approvals")
        assert word("second.drawn.share", language) in text
        page.choose(word("second.which", language), word("second.words", language))
        page.choose(word("studio.rate_as", language), word("studio.level.E", language))
        assert word("second.read_raised", language) in page.press(
            word("second.read_raise", language)
        )
    with who.scope() as scope:
        row = scope.run("SELECT subject_id, args FROM outbox WHERE kind = 'sample.read'").one()
    spot_checks.handle_sample_read(
        SampleRead(who.tenant_id, row.subject_id, **row.args), tenant=who.open
    )
    with who.scope() as scope:
        assert not spot_checks.list_pending_samples(scope, {who.creator_id})
        (copy,) = live_copies.list_copies(scope, Subject("delivery", UUID(int=7)))
        assert copy.recalled_at is not None


def test_guest_does_not_see_chat_messages(door: Door, lumiere: Agency) -> None:
    give(lumiere)
    sent(lumiere, None, "SUGGESTIVE-MARKER-A", kind="draft")
    with stream(door.url, door.cookie(lumiere, Role.GUEST)) as page:
        assert "SUGGESTIVE-MARKER-A" not in page.open("/approvals")
    with stream(door.url, door.cookie(lumiere)) as page:
        assert "SUGGESTIVE-MARKER-A" in page.open("/approvals")


def test_calibration_shows_one_picture_without_its_rating(door: Door, lumiere: Agency) -> None:
    assets = [
        picture(door, lumiere, seed=seed, rating=Rating.N if seed % 2 else Rating.G)
        for seed in range(1, calibration.MIN_CALIBRATION_PICTURES + 1)
    ]
    cookie = door.cookie(lumiere)
    with stream(door.url, cookie) as page:
        page.open("/approvals")
        assert word("compare.begun") in page.press(word("compare.begin"))
        page.again()
        before = b"".join(page.frames).decode("utf-8", "replace")
        with lumiere.scope(lumiere.act_as(Role.OWNER)) as scope:
            found = calibration.open_calibration_of_actor(scope)
            assert found is not None
            digests = {library.get_asset(scope, asset).sha256: asset for asset in assets}
        first = digests[found.left[0]]
        page.press(
            word("approvals.reveal_one"), nth=page.labels().count(word("approvals.reveal_one")) - 1
        )
        shown(door, cookie, page, first)
        assert f"/files/{first}/" not in before.rpartition("compare")[2]
        for level in ("S", "N", "S"):
            page.choose(word("studio.rate_as"), word(f"studio.level.{level}"))
        page.press(word("studio.rate_now"))
    with lumiere.scope() as scope:
        said = scope.run("SELECT rating FROM calibration_words").scalars().all()
    assert said == ["N"], "after two changes the higher rating counts"


@pytest.mark.parametrize("given", [False, True])
def test_guest_calibrates_only_fully_assigned_pictures(
    door: Door, lumiere: Agency, *, given: bool
) -> None:
    """With a picture of an unassigned creator, this guest could never finish the calibration."""
    with lumiere.scope() as scope:
        other = agencies.add_creator(
            scope, slug="ada", name="Ada", kind="human", zone=ZONE, languages=["fr"]
        )
    if given:
        give(lumiere)
    for seed in range(1, calibration.MIN_CALIBRATION_PICTURES + 1):
        picture(
            door,
            lumiere if seed > 1 else replace(lumiere, creator_id=other),
            seed=seed,
            rating=Rating.G,
        )
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/approvals")
        page.press(word("compare.begin"))
    with stream(door.url, door.cookie(lumiere, Role.GUEST)) as page:
        text = page.open("/approvals")
        assert word("compare.waits") not in text
        assert word("compare.title") not in text
        assert word("approvals.reveal_one") not in page.labels()
    with lumiere.scope() as scope:
        scope.run(
            "UPDATE members SET creators = '[\"mia\"]' WHERE id = :m",
            m=lumiere.members[Role.MANAGER],
        )
    with stream(door.url, door.cookie(lumiere, Role.MANAGER)) as page:
        assert word("compare.others") in page.open("/approvals")


def test_owner_sets_who_may_send_adult_chats(door: Door, lumiere: Agency) -> None:
    with stream(door.url, door.cookie(lumiere)) as page:
        text = page.open("/team")
        assert "given" not in text
        said = page.press(word("team.adult_chat"))
        assert "messages adultes" in said
        assert word("team.adult_chat_end") in page.labels()
    with lumiere.scope() as scope:
        assert sum(one.adult_chat for one in tenant_reads.list_members(scope)) == 1


def test_owner_raises_spot_checks_and_names_the_safety_officer(door: Door, lumiere: Agency) -> None:
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/settings", section="safety")
        assert word("desk.kept", suggestive=5, words=2) in page.press(word("desk.keep"))
        page.choose(word("desk.officer"), "Manager")
        assert word("desk.named", officer="Manager") in page.press(word("desk.name"))
    with lumiere.scope() as scope:
        found = review_settings.safety_officer(scope)
        assert found is not None
        assert found.id == lumiere.members[Role.MANAGER]

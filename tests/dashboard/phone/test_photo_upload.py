"""Photos from a phone: uploaded, sorted by swiping, and covered by a shoot card that the person
signs with a code."""

import io
import re
from datetime import timedelta
from uuid import UUID

import httpx
import pytest
from PIL import Image

from foundation.i18n.translation import Message, render_message
from gate.consent import shoot_cards
from gate.decision.shoot_card_terms import CardStatus
from studio.ingest import uploads
from studio.ingest.states import UploadState
from studio.library import assets
from studio.library.states import ShelfState
from studio.packs import packs
from studio.packs.states import PackState
from tenants.agencies.rights import Role
from tests.dashboard.phone.conftest import add_member, paired
from tests.gate.builders import real_person
from tests.schedules.builders import SandboxAgency, jpeg


def taken(number: int, when: str) -> bytes:
    """Return a JPEG with a capture time."""
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = when
    exif.get_ifd(0x8769)[0x9011] = "+02:00"
    out = io.BytesIO()
    Image.open(io.BytesIO(jpeg(number))).save(out, "JPEG", exif=exif)
    return out.getvalue()


def hand_in(
    phone: httpx.Client, desk: SandboxAgency, data: bytes, name: str = "a.jpg", **asked: str
) -> httpx.Response:
    return phone.post(
        f"/phone/photos/{desk.creator_id}", params={"name": name, **asked}, content=data
    )


def shelf(desk: SandboxAgency, asset: UUID) -> ShelfState:
    with desk.scope() as scope:
        row = scope.run("SELECT shelf FROM creations WHERE asset_id = :asset", asset=asset).one()
        return ShelfState(row.shelf)


def handed(phone: httpx.Client, desk: SandboxAgency, count: int) -> list[UUID]:
    """Upload photos in reverse order and return them by capture time."""
    names = [f"{number}.jpg" for number in range(count)]
    for number in reversed(range(count)):
        answer = hand_in(phone, desk, taken(number, f"2026:06:01 10:{number:02}:00"), names[number])
        assert answer.status_code == 202, answer.text
    desk.run()
    with desk.scope() as scope:
        ready = uploads.list_recent_uploads(
            scope, desk.creator_id, since=scope.now - timedelta(hours=1)
        )
        assert {one.state for one in ready} == {UploadState.READY}
        found = {one.name: one.asset_id for one in ready}
    return [asset for name in names if (asset := found[name]) is not None]


def listed(page: str) -> list[UUID]:
    return [UUID(one) for one in re.findall(r'data-to="/phone/sort/[^/]+/([^"]+)"', page)]


def test_photos_are_uploaded_once_with_their_capture_time(lea: SandboxAgency, address: str) -> None:
    with paired(lea, address) as phone:
        assert "/phone/photos" in phone.get("/phone").text
        assert phone.get("/phone/photos").headers["location"] == f"/phone/photos/{lea.creator_id}"
        first, second = handed(phone, lea, 2)
        again = hand_in(phone, lea, taken(0, "2026:06:01 10:00:00"), "again.jpg")
        assert again.status_code == 202
        lea.run()
        with lea.scope() as scope:
            when = [assets.get_asset(scope, one).taken_at for one in (first, second)]
        assert [f"{one:%Y-%m-%d %H:%M %z}" for one in when if one] == [
            "2026-06-01 08:00 +0000",
            "2026-06-01 08:01 +0000",
        ]
        page = phone.get(f"/phone/photos/{lea.creator_id}").text
        assert "2 à trier" in page
        assert listed(phone.get(f"/phone/sort/{lea.creator_id}").text) == [first, second]


def test_ai_photos_are_marked_at_upload(lea: SandboxAgency, address: str) -> None:
    with paired(lea, address) as phone:
        assert (
            render_message(Message("studio.by_model"), "fr")
            in phone.get(f"/phone/photos/{lea.creator_id}").text
        )
        assert (
            hand_in(
                phone, lea, taken(0, "2026:06:01 10:00:00"), "photo.jpg", generated="false"
            ).status_code
            == 202
        )
        assert (
            hand_in(
                phone, lea, taken(1, "2026:06:01 10:01:00"), "made.jpg", generated="true"
            ).status_code
            == 202
        )
        lea.run()
        asked = (
            "SELECT u.name, a.ai FROM uploads u JOIN assets a ON a.id = u.asset_id WHERE "
            "u.creator_id = :c"
        )
        with lea.scope() as scope:
            found = {row.name: row.ai for row in scope.run(asked, c=lea.creator_id)}
        assert found == {"photo.jpg": "none", "made.jpg": "generated"}
        assert (
            hand_in(
                phone, lea, taken(0, "2026:06:01 10:00:00"), "photo.jpg", generated="true"
            ).status_code
            == 202
        )
        lea.run()
        with lea.scope() as scope:
            assert {row.ai for row in scope.run(asked, c=lea.creator_id)} == {"generated"}


@pytest.mark.parametrize(
    ("data", "status", "said"),
    [
        (b"", 422, "JPEG"),
        (b"<svg onload=alert(1)>", 422, "JPEG"),
        (jpeg()[:-40], 422, "endommagé"),
    ],
)
def test_invalid_file_is_refused_with_a_reason(
    lea: SandboxAgency, address: str, data: bytes, status: int, said: str
) -> None:
    with paired(lea, address) as phone:
        answer = hand_in(phone, lea, data, "../../<b>.jpg")
        assert answer.status_code == status
        assert re.search(said, answer.json()["said"]), answer.text


def test_photos_are_selected_packed_archived_and_restored(lea: SandboxAgency, address: str) -> None:
    with paired(lea, address) as phone:
        post, pack, never = handed(phone, lea, 3)
        at = f"/phone/sort/{lea.creator_id}"
        blurred = phone.get(at).text
        assert "clear=" not in blurred
        clear = phone.post(at).text
        seen = re.findall(r'src="(/files/[^"]+clear=[^"]+)"', clear)
        assert len(seen) == 3
        assert phone.get(seen[0]).headers["cache-control"] == "private, no-store"

        for asset, choice in ((post, "feed"), (pack, "pack"), (pack, "pack"), (never, "never")):
            assert phone.post(f"{at}/{asset}", data={"choice": choice}).status_code == 303
        assert [shelf(lea, one) for one in (post, pack, never)] == [
            ShelfState.KEPT,
            ShelfState.KEPT,
            ShelfState.RETIRED,
        ]
        assert "Rien à trier" in phone.get(at).text
        with lea.scope() as scope:
            (ware,) = packs.list_packs(scope, [lea.creator_id])
            assert (ware.state, ware.pictures, ware.cover) == (PackState.DRAFT, 1, pack)
            assert ware.title.startswith("Téléphone, ")

        for asset in (pack, never):
            assert phone.post(f"{at}/{asset}", data={"choice": "back"}).status_code == 303
        assert listed(phone.get(at).text) == [pack, never]
        with lea.scope() as scope:
            assert packs.list_packs(scope, [lea.creator_id]) == []


def test_demo_pictures_are_marked_and_sorted_last(lea: SandboxAgency, address: str) -> None:
    with paired(lea, address) as phone:
        demo, own = handed(phone, lea, 2)
        at, marked = (
            f"/phone/sort/{lea.creator_id}",
            render_message(Message("studio.label.demo"), "fr"),
        )
        with lea.scope() as scope:
            scope.run("UPDATE creations SET label = 'demo' WHERE asset_id = :asset", asset=demo)
        page = phone.get(at).text
        assert (listed(page), marked in page) == ([demo, own], True)
        with lea.scope() as scope:  # an unlabeled picture of an own model
            scope.run("UPDATE creations SET seed = 1 WHERE asset_id = :asset", asset=own)
        page = phone.get(at).text
        assert (listed(page), marked in page, "1 à trier" in page) == ([own], False, True)
        phone.post(f"{at}/{own}", data={"choice": "feed"})
        assert listed(phone.get(at).text) == [demo]


@pytest.mark.parametrize("choice", ["", "sell", "FEED"])
def test_unknown_choice_moves_nothing(lea: SandboxAgency, address: str, choice: str) -> None:
    with paired(lea, address) as phone:
        (asset,) = handed(phone, lea, 1)
        answer = phone.post(f"/phone/sort/{lea.creator_id}/{asset}", data={"choice": choice})
        assert answer.status_code == 404
        assert shelf(lea, asset) is ShelfState.NEW


def test_shoot_card_is_created_and_photos_are_attached(lea: SandboxAgency, address: str) -> None:
    with lea.scope() as scope:
        partner = real_person(scope, display_ref="Noa <i>")
    with paired(lea, address) as phone:
        at = f"/phone/photos/{lea.creator_id}"
        page = phone.get(at).text
        assert "Noa &lt;i&gt;" in page
        nobody = phone.post(f"{at}/card", data={"rating": "G"})
        assert nobody.status_code == 409
        made = phone.post(f"{at}/card", data={"person": str(partner), "rating": "S"}).text
        assert "<svg" in made
        with lea.scope() as scope:
            (card,) = shoot_cards.list_cards(scope, [lea.creator_id])
        assert (card.standing, card.max_rating, [one.name for one in card.people]) == (
            CardStatus.OPEN,
            "S",
            ["Noa <i>"],
        )
        assert f'<option value="{card.id}" selected>' in made
        assert hand_in(phone, lea, jpeg(7), "with.jpg", card=str(card.id)).status_code == 202
        lea.run()
        with lea.scope() as scope:
            assert shoot_cards.list_cards(scope, [lea.creator_id])[0].used == 1


def test_photos_of_others_are_not_accessible(lea: SandboxAgency, address: str) -> None:
    with paired(lea, address) as phone:
        (asset,) = handed(phone, lea, 1)
    others = add_member(lea, Role.MANAGER, creators=("somebody-else",))
    reviewer = add_member(lea, Role.CHATTER)
    for whose in (others, reviewer):
        with paired(lea, address, whose) as phone:
            assert phone.get(f"/phone/photos/{lea.creator_id}").status_code == 404
            assert hand_in(phone, lea, jpeg(3)).status_code == 404
            answer = phone.post(f"/phone/sort/{lea.creator_id}/{asset}", data={"choice": "never"})
            assert answer.status_code == 404
    with httpx.Client(base_url=address) as stranger:
        assert hand_in(stranger, lea, jpeg(3)).status_code in {303, 401}
    with paired(lea, address) as phone:
        foreign = phone.post(
            f"/phone/photos/{lea.creator_id}",
            content=jpeg(3),
            headers={"sec-fetch-site": "cross-site"},
        )
        assert foreign.status_code == 403
    assert shelf(lea, asset) is ShelfState.NEW

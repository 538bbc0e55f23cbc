"""Phone pages: a manual task from the list to its confirmation, files checked at each download,
permissions."""

import hashlib
import io
import json
import threading
import zipfile
from datetime import timedelta
from uuid import UUID

import httpx
import pytest

from channels.manual_tasks import assignees, task_lifecycle
from foundation.ids import uuid7
from foundation.money import Money
from foundation.ops.wall_time import local_day
from gate.policy import emergency_stops
from gate.ratings import ratings
from insights.metrics import manual_entry
from insights.metrics.queries import latest_metrics, post_results
from insights.rollups import daily_rollups
from insights.rollups import queries as insights
from schedules.posts.channel_overrides import ChannelOverride
from schedules.posts.states import DeliveryState
from schedules.publishing import post_removal
from tenants.agencies import agencies
from tenants.agencies.rights import Role
from tenants.auth import sessions
from tests.channels import manual_task_builders
from tests.channels.manual_task_builders import LINK, NAME
from tests.dashboard.phone.conftest import add_member, at_work, create_due_task, paired
from tests.schedules.builders import ZONE, SandboxAgency

FRENCH = {"accept-language": "fr"}


@pytest.mark.heavy
def test_task_is_opened_downloaded_and_confirmed(lea: SandboxAgency, address: str) -> None:
    delivery, place = create_due_task(lea)
    with paired(lea, address) as phone:
        listed = phone.get("/phone")
        assert listed.status_code == 200
        assert place in listed.text
        assert "Instagram · mia.lumiere" in listed.text
        assert "Bonjour &lt;b&gt;toi&lt;/b&gt; &amp; moi" in phone.get(place).text
        assert "data-copy" not in phone.get(place).text  # viewing does not open the task

        assert phone.post(f"{place}/open").headers["location"] == place
        page = phone.get(place).text
        assert "Copier la légende" in page
        with at_work(lea):
            saved = phone.post(f"{place}/file/0")
            assert saved.headers["content-type"] == "image/jpeg"
            assert saved.headers["content-disposition"] == 'attachment; filename="1.jpg"'
            assert saved.headers["cache-control"] == "private, no-store"
            assert saved.content[:3] == b"\xff\xd8\xff"
            assert phone.post(f"{place}/done", data={"link": ""}).status_code == 422
            wrong = phone.post(f"{place}/done", data={"link": "https://evil.example/p/1"})
            assert "pas le lien d’une publication sur Instagram" in wrong.text
            assert phone.post(f"{place}/done", data={"link": LINK}).status_code == 303
        lea.run()
        assert lea.state(delivery) == DeliveryState.PUBLISHED
        assert "instagram.com/p/C9xYz12Abc" in phone.get(place).text
        assert "Publiée" in phone.get("/phone").text
        gone = phone.post(f"{place}/file/0")
        assert gone.status_code == 409
        assert gone.headers["content-type"].startswith("text/html")


def test_emergency_stop_prevents_downloads_of_an_open_task(
    lea: SandboxAgency, address: str
) -> None:
    _, place = create_due_task(lea)
    with paired(lea, address) as phone:
        phone.post(f"{place}/open")
        lea.act(
            emergency_stops.close_switch, "creator", str(lea.creator_id), "sending", reason="test"
        )
        with at_work(lea):
            refused = phone.post(f"{place}/file/0")
        assert refused.status_code == 409
        assert b"\xff\xd8\xff" not in refused.content
        assert "arrêt d’urgence" in refused.text.lower()


@pytest.mark.heavy
def test_download_is_refused_while_no_worker_responds(lea: SandboxAgency, address: str) -> None:
    _, place = create_due_task(lea)
    with paired(lea, address) as phone:
        phone.post(f"{place}/open")
        refused = phone.post(f"{place}/file/0")  # no workers are running
        assert refused.status_code == 409
        assert "plus long que d’habitude" in refused.text


def priced(lea: SandboxAgency, pictures: int = 2) -> tuple[UUID, str]:
    """Create a due manual task with a price, and return its delivery and path."""
    place = str(manual_task_builders.connect_manual_account(lea, "fanvue"))
    manual_task_builders.pair_phone(lea)
    media = tuple(lea.photo(number + 1) for number in range(pictures))
    asks = (ChannelOverride(place, price=Money(1250, "USD")),)
    delivery = lea.delivery("Le soir, <b>Mia</b>", channel=NAME, media=media, after=1, others=asks)
    lea.live(seconds=3)
    assert lea.state(delivery) == DeliveryState.PROCESSING, (lea.state(delivery), lea.why(delivery))
    (task,) = manual_task_builders.open_phone(lea).tasks()
    return delivery, f"/phone/task/{task.id}"


def test_priced_task_is_downloaded_as_one_file(lea: SandboxAgency, address: str) -> None:
    _, place = priced(lea)
    with paired(lea, address) as phone:
        assert "12,50" in phone.get(place).text
        phone.post(f"{place}/open")
        assert "Prix réglé comme indiqué" in phone.get(place).text
        with at_work(lea):
            packages = [phone.post(f"{place}/package") for _ in range(2)]
    one, again = packages
    assert (one.status_code, one.headers["content-type"]) == (200, "application/zip"), one.text[
        :2000
    ]
    assert one.headers["cache-control"] == "private, no-store"
    assert one.content == again.content
    with zipfile.ZipFile(io.BytesIO(one.content)) as archive:
        names = ["caption.txt", "checklist.html", "manifest.json", "media/01.jpg", "media/02.jpg"]
        assert archive.namelist() == names
        said = json.loads(archive.read("manifest.json"))
        media = [hashlib.sha256(archive.read(name)).hexdigest() for name in names[3:]]
        page = archive.read("checklist.html").decode()
        caption = archive.read("caption.txt").decode()
    assert [each["sha256"] for each in said["media"]] == media
    assert (said["price_minor"], said["currency"], said["checks"][0]) == (1250, "USD", "price")
    assert caption == said["caption"] == "Le soir, <b>Mia</b>"
    assert "&lt;b&gt;Mia&lt;/b&gt;" in page
    assert "12,50" in page
    assert [step for step, _ in manual_task_builders.list_permits(lea)].count(
        "save"
    ) == 4  # each file each time


def test_metrics_of_a_manual_post_are_entered(lea: SandboxAgency, address: str) -> None:
    delivery, place = create_due_task(lea, pictures=0)
    with paired(lea, address) as phone:
        assert phone.post(f"{place}/numbers", data={"likes": "3"}).status_code == 409, (
            "the post is not live yet"
        )
        phone.post(f"{place}/open")
        phone.post(f"{place}/done", data={"link": LINK})
        lea.run()
        assert "Statistiques de la publication" in phone.get(place).text
        assert phone.post(f"{place}/numbers", data={"likes": ""}).status_code == 422
        assert phone.post(f"{place}/numbers", data={"likes": "1,2k"}).status_code == 422
        lea.live(hours=25)
        assert (
            phone.post(
                f"{place}/numbers", data={"likes": "1 200", "saves": "0", "views": ""}
            ).status_code
            == 303
        )
        assert phone.post(f"{place}/numbers", data={"likes": "1201"}).status_code == 303
        shown = phone.get(place).text
    assert "201 « j’aime »" in shown
    assert "0 enregistrement" in shown
    lea.run()
    with lea.scope() as scope:
        assert latest_metrics(scope, [delivery]) == {delivery: {"likes": 1201, "saves": 0}}
        assert post_results(scope, lea.channels[NAME], age_hours=24, most=5) == {delivery: 1201}
        day = local_day(scope.now, ZONE)
        daily_rollups.rebuild_day(scope, lea.creator_id, day)
        assert insights.daily_work(scope, lea.creator_id, day, day)[day].interactions == 1201


@pytest.mark.parametrize(
    ("hours", "age"), [(0, 0), (1, 1), (2, 2), (23, 23), (24, 24), (30, 24), (31, 31), (200, 168)]
)
def test_entered_metrics_count_for_the_nearest_age(hours: int, age: int) -> None:
    assert manual_entry.nearest_reading_age(timedelta(hours=hours, minutes=10)) == age


def test_package_is_refused_if_one_file_is_refused(lea: SandboxAgency, address: str) -> None:
    _, place = create_due_task(lea, pictures=2)
    hand = manual_task_builders.open_phone(lea)
    task = hand.tasks()[0]
    with paired(lea, address) as phone:
        phone.post(f"{place}/open")
        with lea.scope() as scope:
            ratings.freeze_bytes(scope, task.files[1].sha256)
        with at_work(lea):
            refused = phone.post(f"{place}/package")
        assert refused.status_code == 409
        assert b"\xff\xd8\xff" not in refused.content
    with lea.scope() as scope:
        served = scope.run(
            "SELECT count(*) FROM handover_saves WHERE state = 'served'"
        ).scalar_one()
    assert served == 0


def test_two_phones_confirm_a_task_once(lea: SandboxAgency, address: str) -> None:
    delivery, place = create_due_task(lea, pictures=0)
    other = add_member(lea, Role.CREATOR)
    with paired(lea, address) as one, paired(lea, address, other) as two:
        one.post(f"{place}/open")
        second = "https://www.instagram.com/p/Other00000/"
        answers: list[int] = []

        def press(phone: httpx.Client, link: str) -> None:
            answers.append(phone.post(f"{place}/done", data={"link": link}).status_code)

        threads = [
            threading.Thread(target=press, args=pair) for pair in ((one, LINK), (two, second))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert set(answers) <= {303, 409}
        lea.run()
        url = lea.entry(delivery).url or "?"
        assert lea.state(delivery) == DeliveryState.PUBLISHED
        assert url in one.get(place).text
        assert url in two.get(place).text  # the second phone is shown the recorded URL
        assert [step for step, _ in manual_task_builders.list_permits(lea)].count("hand_over") == 1


def test_tasks_are_visible_only_to_permitted_members(lea: SandboxAgency, address: str) -> None:
    _, place = create_due_task(lea)
    with lea.scope() as scope:
        agencies.add_creator(
            scope, slug="zoe", name="Zoé", kind="virtual", zone=ZONE, languages=["fr"]
        )
    with httpx.Client(base_url=address, timeout=30) as stranger:
        assert stranger.get("/phone").status_code == 401
        assert stranger.get(place).status_code == 401
    for who in (
        add_member(lea, Role.MANAGER, creators=("zoe",)),
        add_member(lea, Role.CHATTER),
        add_member(lea, Role.ACCOUNTANT),
    ):
        with paired(lea, address, who) as phone:
            assert place not in phone.get("/phone").text
            wrong = phone.get(place)
            unknown = phone.get(f"/phone/task/{uuid7()}")
            assert (wrong.status_code, wrong.text) == (404, unknown.text)
            for act in (
                "open",
                "later",
                "cannot",
                "done",
                "link",
                "gone",
                "numbers",
                "file/0",
                "package",
            ):
                assert phone.post(f"{place}/{act}").status_code == 404, act


def test_forms_of_other_sites_are_refused(lea: SandboxAgency, address: str) -> None:
    _, place = create_due_task(lea)
    with paired(lea, address) as phone:
        for told in ({"sec-fetch-site": "cross-site"}, {"origin": "http://evil.example"}):
            for act in ("open", "done", "file/0", "package"):
                assert phone.post(f"{place}/{act}", headers=told).status_code == 403
            assert phone.post("/phone/pair", headers=told).status_code == 403
        assert manual_task_builders.open_phone(lea).tasks()[0].opened_at is None


def test_removal_task_shows_that_the_content_was_replaced(lea: SandboxAgency, address: str) -> None:
    delivery, place = create_due_task(lea)
    hand = manual_task_builders.open_phone(lea)
    hand.open(UUID(place.rpartition("/")[2]))
    hand.done(UUID(place.rpartition("/")[2]))
    lea.act(post_removal.request_post_removal, delivery)
    lea.run()
    (task,) = [one for one in hand.tasks() if one.is_removal and one.about == delivery]
    with paired(lea, address) as phone:
        assert "a déjà été remplacé" not in phone.get(f"/phone/task/{task.id}").text
        with lea.scope() as scope:
            jti = scope.run(
                "SELECT permit_jti FROM handovers WHERE id = :id", id=task.id
            ).scalar_one()
            task_lifecycle.mark_content_replaced(scope, jti)
        assert "a déjà été remplacé" in phone.get(f"/phone/task/{task.id}").text


@pytest.mark.heavy
@pytest.mark.parametrize(
    "body", [b"x" * 10_000, b"\xff\xfe", b"minutes=99999999999", b"minutes=-1", b"why=%00"]
)
@pytest.mark.parametrize("act", ["later", "cannot", "done", "link", "gone", "unknown"])
def test_invalid_forms_change_nothing(
    lea: SandboxAgency, address: str, act: str, body: bytes
) -> None:
    _, place = create_due_task(lea)
    with paired(lea, address) as phone:
        answer = phone.post(f"{place}/{act}", content=body)
        assert answer.status_code in {404, 409, 422}
        assert phone.post("/phone/task/nothing/open").status_code == 404
    assert manual_task_builders.open_phone(lea).tasks()[0].is_open


def test_code_pairs_a_phone_once(lea: SandboxAgency, address: str) -> None:
    with paired(lea, address) as screen:
        assert "<svg" not in screen.get("/phone/pair").text.split("<main>")[1]
        shown = screen.post("/phone/pair")
        assert 'class="segno"' in shown.text
        assert "joignable que depuis cet ordinateur" in shown.text
    with lea.scope() as scope:
        (found,) = assignees.list_phones(scope)
        assert (found.member_id, found.name, found.fresh) == (lea.manager, "iPhone", True)
        secret = sessions.create_sign_in_link(scope, lea.manager)
    with httpx.Client(base_url=address, headers=FRENCH) as visitor:
        assert "Associer ce téléphone" in visitor.get(f"/phone/in/{secret}").text
        assert visitor.post(f"/phone/in/{secret}").status_code == 303
        assert visitor.post(f"/phone/in/{secret}").status_code == 410


def test_phone_pages_install_as_an_app(address: str) -> None:
    with httpx.Client(base_url=address) as stranger:
        told = stranger.get("/phone/manifest.webmanifest").json()
        assert (told["start_url"], told["display"]) == ("/phone", "standalone")
        for each in told["icons"]:
            assert stranger.get(each["src"]).content.startswith(b"\x89PNG")
        assert stranger.get("/phone/icon-9999.png").status_code == 404
        assert "clipboard" in stranger.get("/phone/phone.js").text


def test_pages_use_the_members_language(lea: SandboxAgency, address: str) -> None:
    _, place = create_due_task(lea)
    with paired(lea, address, add_member(lea, Role.CREATOR, language="en")) as phone:
        assert "Manual tasks" in phone.get("/phone").text
        phone.post(f"{place}/open")
        page = phone.get(place).text
        assert '<html lang="en">' in page
        assert "Copy the caption" in page
        assert "publi" not in page.lower()

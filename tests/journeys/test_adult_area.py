"""The adult area of a page, end to end: only visitors with a proven age see its posts."""

from collections.abc import Iterator

import httpx
import pytest

from channels.age_verification import age_checks
from channels.connections.events import AdultAreaRequested
from foundation.outbox import outbox
from foundation.storage.object_store import FileStore
from gate.consent import subject_portal
from gate.contract.units import Rating
from gate.policy import emergency_stops
from gate.ratings import ratings
from gate.removal import removal_requests
from gate.viewers import age_assurance
from tests.conftest import Cluster
from tests.fakes import yoti
from tests.fakes.sandbox import network
from tests.gate.answers import rate_and_answer
from tests.journeys.adult_area import AdultArea, AdultAreaServices, place
from tests.schedules.builders import wired

TEXT = "Une photo pour vous"


@pytest.fixture(scope="module")
def around(
    cluster: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[AdultAreaServices]:
    sandbox = tmp_path_factory.mktemp("sandbox") / "sandbox.sqlite"
    with (
        wired(cluster, tmp_path_factory.mktemp("home")) as services,
        network(sandbox) as running,
        yoti.provider() as provider,
    ):
        yield AdultAreaServices(
            services, running, provider, FileStore(tmp_path_factory.mktemp("pages"))
        )


@pytest.fixture(scope="module")
def lea(around: AdultAreaServices) -> Iterator[AdultArea]:
    with place(around) as found:
        yield found


@pytest.fixture(scope="module")
def ready(lea: AdultArea) -> httpx.Client:
    """Return a visitor with a proven age."""
    return lea.proven()


@pytest.fixture(scope="module")
def other(lea: AdultArea) -> str:
    """Publish an item without any restriction."""
    return lea.post(text="Une autre")


def seen(visitor: httpx.Client, lea: AdultArea, item: str) -> bool:
    """Return True if the visitor gets the item in the list, at its address and as a file. The three
    must agree."""
    listed = f"/p/{item}" in visitor.get(lea.door).text
    alone = visitor.get(f"{lea.door}p/{item}").status_code == 200
    data = visitor.get(f"{lea.door}files/{lea.digest(item)}.jpg").status_code == 200
    assert listed == alone == data, (listed, alone, data)
    return data


def test_adult_area_opens_only_with_a_proof_of_age(lea: AdultArea) -> None:
    item = lea.post(text=TEXT)
    digest = lea.digest(item)
    stranger = lea.visitor()
    assert not seen(stranger, lea, item)
    shut = stranger.get(lea.door)
    assert (shut.status_code, shut.headers["cache-control"]) == (200, "private, no-store")
    assert digest not in shut.text
    assert TEXT not in shut.text
    ready = lea.proven()
    assert seen(ready, lea, item)
    inside, file = ready.get(lea.door), ready.get(f"{lea.door}files/{digest}.jpg")
    assert TEXT in inside.text
    for answer in (inside, file, ready.get(f"{lea.door}p/{item}")):
        assert answer.headers["cache-control"] == "private, no-store"
        assert answer.headers["x-robots-tag"] == "noindex"
        assert answer.headers["rating"] == "adult"
    assert not seen(stranger, lea, item)
    copied = stranger.get(f"{lea.door}files/{digest}.jpg")
    assert (copied.status_code, copied.content) == (404, b"")
    ready.post(f"{lea.door}leave", headers={"sec-fetch-site": "same-origin"})
    assert not seen(ready, lea, item)


def test_public_page_and_feeds_show_no_adult_posts(lea: AdultArea, ready: httpx.Client) -> None:
    item, teaser = lea.post(text=TEXT), lea.post(Rating.S, channel="page", text="En public")
    suggestive = lea.post(Rating.S, text="Suggestif, pour adultes")
    public = lea.visitor()
    for path in ("", "feed.xml", "feed.json", f"p/{teaser}"):
        shown = public.get(f"/{lea.slug}/{path}").text
        assert "En public" in shown
        for hidden in (item, lea.digest(item), TEXT, suggestive, lea.digest(suggestive)):
            assert hidden not in shown
    assert f'href="{lea.door}"' in public.get(f"/{lea.slug}/").text
    for one in (item, suggestive):
        assert public.get(f"/{lea.slug}/p/{one}").status_code == 404
        for visitor in (public, ready):  # its only address is inside the adult area
            assert visitor.get(f"/files/{lea.digest(one)}.jpg").status_code == 404


def test_proof_is_valid_for_one_tenant_and_platform(
    lea: AdultArea, other: str, around: AdultAreaServices
) -> None:
    with place(around) as neighbour:
        elsewhere = neighbour.proven()
        assert "Aucune publication pour le moment" in elsewhere.get(neighbour.door).text
        moved = lea.visitor()
        moved.cookies.update(dict(elsewhere.cookies))
        assert not seen(moved, lea, other)
    known = lea.visitor()
    with lea.desk.scope() as scope:  # the same user id, assured in a chat
        for platform in ("telegram", "discord"):
            age_assurance.record_assurance(
                scope, platform=platform, user_id="f" * 64, method="yoti.doc_scan", assured_level="L4", over_18=True,
                environment="",
            )  # fmt: skip
    known.cookies.set("reader", "f" * 43)
    assert not seen(known, lea, other)


@pytest.mark.parametrize("ends", ["expired", "reset", "blocked"])
def test_ended_proof_closes_the_area_at_once(lea: AdultArea, other: str, ends: str) -> None:
    visitor = lea.proven()
    assert seen(visitor, lea, other)
    with lea.desk.scope() as scope:
        reader = scope.run(
            "SELECT user_id FROM age_assurances WHERE tenant_id = :t AND state = 'assured' ORDER "
            "BY assured_at DESC",
            t=lea.desk.tenant_id,
        ).scalar()
        if ends == "reset":
            age_assurance.reset_assurance(scope, "own_page", reader)
        elif ends == "blocked":
            age_assurance.block_viewer(scope, "own_page", reader)
        else:
            with scope.acting_as("gate"):
                scope.run(
                    "UPDATE age_assurances SET expires_at = house_now() WHERE user_id = :id",
                    id=reader,
                )
    assert not seen(visitor, lea, other)
    assert ("/prove" in visitor.get(lea.door).text) == (ends != "blocked")


@pytest.mark.parametrize("stops", ["revoked", "frozen", "raised", "recalled", "switch"])
def test_blocked_content_disappears_at_once(
    lea: AdultArea, ready: httpx.Client, other: str, stops: str
) -> None:
    with lea.desk.scope() as scope:
        person = lea.person(scope)
    item = lea.post(text=TEXT, person=person)
    assert seen(ready, lea, item)
    with lea.desk.scope(f"member:{lea.desk.manager}") as scope:
        match stops:
            case "revoked":
                lea.revoke(person)
            case "frozen":
                ratings.freeze_bytes(scope, lea.digest(item))
            case "switch":
                emergency_stops.close_switch(
                    scope, "creator", str(lea.desk.creator_id), "nudity", reason="test"
                )
            case "raised":
                rate_and_answer(scope, lea.digest(item), Rating.X, source="classifier@9")
            case "recalled":
                with scope.acting_as("gate"):
                    scope.run(
                        "UPDATE permits SET recalled_at = house_now() WHERE native_ids @> "
                        "to_jsonb(CAST(:id AS text))",
                        id=item,
                    )
    assert not seen(ready, lea, item)
    assert seen(ready, lea, other) == (stops != "switch")
    if stops == "switch":
        with lea.desk.scope() as scope, scope.acting_as("gate"):
            scope.run("UPDATE switches SET open = true WHERE tenant_id = :t", t=lea.desk.tenant_id)
        assert seen(ready, lea, item)


def test_failed_age_check_keeps_the_area_closed(lea: AdultArea, other: str) -> None:
    minor = lea.proven("FAIL")
    assert not seen(minor, lea, other)
    assert "<form" not in minor.get(lea.door).text


def test_age_estimation_is_no_proof(lea: AdultArea, other: str) -> None:
    visitor = lea.visitor()
    visitor.post(f"{lea.door}prove", headers={"sec-fetch-site": "same-origin"})
    lea.desk.run()
    session = next(reversed(lea.provider.world.sessions.values()))
    lea.provider.world.finish(session, "COMPLETE", "AGE_ESTIMATION")
    lea.desk.live(seconds=6)
    assert not seen(visitor, lea, other)


def test_repeated_or_cross_site_requests_start_one_check(lea: AdultArea) -> None:
    before, visitor = len(lea.provider.world.sessions), lea.visitor()
    visitor.get(lea.door)
    visitor.post(f"{lea.door}prove", headers={"sec-fetch-site": "cross-site"})
    lea.desk.run()
    assert len(lea.provider.world.sessions) == before
    assert not visitor.cookies
    for _ in range(2):
        answer = visitor.post(f"{lea.door}prove", headers={"sec-fetch-site": "same-origin"})
    set_cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in set_cookie
    assert "samesite=lax" in set_cookie
    lea.desk.run()
    assert len(lea.provider.world.sessions) == before + 1


def test_removal_request_needs_no_proof_of_age(lea: AdultArea, ready: httpx.Client) -> None:
    item = lea.post(text=TEXT)
    anybody = lea.visitor()
    form = anybody.get(f"/{lea.slug}/report?item={item}")
    assert lea.digest(item) not in form.text
    sent = anybody.post(
        f"/{lea.slug}/report",
        data={"item": item, "who": "shown"},
        headers={"sec-fetch-site": "same-origin"},
    )
    assert sent.status_code == 303
    with lea.desk.scope() as scope:
        found = removal_requests.latest_status(scope, lea.desk.creator_id)
    assert found is not None
    lea.desk.run()
    assert not seen(ready, lea, item)


def test_adult_area_is_opened_once_and_only_with_a_page(lea: AdultArea) -> None:
    with lea.desk.scope() as scope:
        outbox.put(scope, AdultAreaRequested(lea.desk.tenant_id, lea.desk.creator_id))
        outbox.put(scope, AdultAreaRequested(lea.desk.tenant_id, lea.desk.author))
    lea.desk.run()
    assert lea.post(text=TEXT)  # with the same credential


def test_revocation_in_the_subject_portal_removes_the_post(
    lea: AdultArea, ready: httpx.Client, other: str
) -> None:
    with lea.desk.scope() as scope:
        person = lea.person(scope)
        path = f"{subject_portal.PORTAL_PATH}{subject_portal.create_portal_link(scope, person)}"
    item, herself = lea.post(text=TEXT, person=person), lea.visitor()
    digest = lea.digest(item)
    page = herself.get(path, headers={"accept-language": "fr"}).text
    assert "1 publication" in page
    for hidden in (item, digest, TEXT, other):
        assert hidden not in page
    assert seen(ready, lea, item)
    sent = herself.post(path, data={"what": "publish"}, headers={"sec-fetch-site": "same-origin"})
    assert sent.status_code == 303
    lea.desk.run()
    gone = herself.get(path, headers={"accept-language": "fr"})
    assert "retiré le" in gone.text
    assert "refresh" not in gone.headers
    assert ready.get(f"{lea.door}p/{item}").status_code == 404
    assert ready.get(f"{lea.door}files/{digest}.jpg").status_code == 404
    assert seen(ready, lea, other)


def test_age_checks_are_rate_limited(lea: AdultArea) -> None:
    visitor = lea.visitor()
    for _ in range(25):
        visitor.cookies.clear()
        last = visitor.post(f"{lea.door}prove", headers={"sec-fetch-site": "same-origin"})
    assert "Réessayez dans une heure" in last.text
    with lea.desk.scope() as scope:
        asked = scope.run(
            "SELECT count(*) FROM age_checks WHERE tenant_id = :t", t=lea.desk.tenant_id
        ).scalar()
    assert asked == age_checks.MAX_CHECKS

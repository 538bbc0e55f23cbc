"""Removal requests: a public form, a receipt and a status page, protected from other sites."""

import re
from urllib.parse import urlencode

import httpx
import pytest

from gate.contract.states import RemovalRequestState
from gate.removal import removal_requests
from gate.removal.removal_requests import MAX_REMOVAL_REQUESTS
from tests.web.builders import CreatorPage, new_picture

ORIGIN = {"origin": "http://pages.example.test"}


def ask(page: CreatorPage, item: str, *, who: str = "shown", **headers: str) -> httpx.Response:
    """Submit the form as a browser does."""
    form = {"item": item, "who": who}
    return page.room.client.post(
        f"/{page.slug}/report",
        data=form,
        headers={"sec-fetch-site": "same-origin", **headers},
        follow_redirects=False,
    )


COOKIES: dict[str, str] = {}
"""Cookies of the requester's browser by receipt, sent by hand because the cookies are secure and
the tests use HTTP."""


def receipt_of(answer: httpx.Response) -> str:
    assert answer.status_code == 303, answer.text
    receipt = answer.headers["location"].rsplit("/", 1)[-1]
    COOKIES[receipt] = "; ".join(
        one.partition(";")[0] for one in answer.headers.get_list("set-cookie")
    )
    return receipt


def read(page: CreatorPage, receipt: str, typed: str = "") -> httpx.Response:
    """Open the receipt in the requester's browser."""
    return page.room.client.get(
        f"/{page.slug}/report/{typed or receipt}", headers={"cookie": COOKIES[receipt]}
    )


def test_every_page_links_to_the_removal_form(mia: CreatorPage) -> None:
    item = mia.post(media=[mia.stage(new_picture())], text="la mer")
    assert f'href="/{mia.slug}/report"' in mia.get().text
    assert f'href="/{mia.slug}/report?item={item}"' in mia.get(f"p/{item}").text
    form = mia.get("report").text
    assert "Demander le retrait d’une image" in form
    assert f'value="{item}"' in form
    assert "la mer" in form


def test_request_returns_a_receipt_with_its_status(mia: CreatorPage) -> None:
    item = mia.post(media=[mia.stage(new_picture())])
    receipt = receipt_of(ask(mia, item))
    assert re.fullmatch(r"[0-9A-Z]{4}(-[0-9A-Z]{4}){2}", receipt)
    page = read(mia, receipt, receipt.lower())
    assert receipt in page.text
    assert "Demande reçue" in page.text
    assert page.headers["cache-control"] == "no-store"
    with mia.scope() as scope:
        found = removal_requests.find_status_by_receipt(scope, receipt)
        kinds = (
            scope.run("SELECT kind FROM outbox WHERE subject_id = :id", id=found.id).scalars().all()
        )
    assert (found.named, found.category, found.state) == (
        item,
        "shown",
        RemovalRequestState.RECEIVED,
    )
    assert list(kinds) == ["complaint.due"]


def test_frozen_item_is_hidden_until_decided(mia: CreatorPage) -> None:
    item = mia.post(media=[mia.stage(new_picture())])
    receipt = receipt_of(ask(mia, item))
    with mia.scope() as scope:
        found = removal_requests.find_status_by_receipt(scope, receipt)
        removal_requests.freeze_named_bytes(scope, found.id)
    assert mia.get(f"p/{item}").status_code == 410
    with mia.scope("member:somebody") as scope:
        removal_requests.reject_removal_request(scope, found.id)
    assert mia.get(f"p/{item}").status_code == 200
    assert "Demande refusée" in read(mia, receipt).text


@pytest.mark.parametrize(
    "headers",
    [{"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}],
    ids=["cross", "neighbour"],
)
def test_request_from_another_site_is_refused(mia: CreatorPage, headers: dict[str, str]) -> None:
    item = mia.post(media=[mia.stage(new_picture())])
    answer = ask(mia, item, **headers)
    assert answer.status_code == 422
    assert "venait d’un autre site" in answer.text
    with mia.scope() as scope:
        assert removal_requests.latest_status(scope, mia.creator_id) is None


def test_origin_header_is_checked_for_old_browsers(mia: CreatorPage) -> None:
    item = mia.post(media=[mia.stage(new_picture())])
    form = {"item": item, "who": "shown"}
    client = mia.room.client
    foreign = client.post(
        f"/{mia.slug}/report", data=form, headers={"origin": "https://evil.example"}
    )
    assert "venait d’un autre site" in foreign.text
    own = client.post(
        f"/{mia.slug}/report",
        data=form,
        headers={"origin": str(client.base_url).rstrip("/")},
        follow_redirects=False,
    )
    assert own.status_code == 303


@pytest.mark.parametrize(
    ("item", "who"), [("unknown-item", "shown"), ("", "shown"), ("ITEM", "nobody")]
)
def test_incomplete_form_explains_what_is_missing(mia: CreatorPage, item: str, who: str) -> None:
    real = mia.post(media=[mia.stage(new_picture())])
    answer = ask(mia, real if item == "ITEM" else item, who=who)
    assert answer.status_code == 422
    assert "Indiquez qui vous êtes" in answer.text


def test_item_without_picture_cannot_be_reported(mia: CreatorPage) -> None:
    assert ask(mia, mia.post(text="rien à voir")).status_code == 422
    assert "Aucune image" in mia.get("report").text


def test_flood_of_requests_is_refused(mia: CreatorPage) -> None:
    item = mia.post(media=[mia.stage(new_picture())])
    receipt_of(ask(mia, item))
    with mia.room.tenant(mia.tenant_id, "system:test") as scope:
        scope.run(
            "INSERT INTO complaints (tenant_id, id, creator_id, receipt, category, named, source, "
            "state, digests)"
            " SELECT tenant_id, gen_random_uuid(), creator_id, 'R' || n, category, named, source, "
            "state, digests"
            " FROM complaints, generate_series(2, :most) n WHERE tenant_id = :tenant",
            most=MAX_REMOVAL_REQUESTS,
            tenant=mia.tenant_id,
        )
    answer = ask(mia, item)
    assert answer.status_code == 422
    assert f"envoyé {MAX_REMOVAL_REQUESTS} demandes" in answer.text


def test_receipt_cannot_be_guessed_or_used_on_another_page(mia: CreatorPage, room: object) -> None:
    from tests.web.builders import create_page

    item = mia.post(media=[mia.stage(new_picture())])
    receipt = receipt_of(ask(mia, item))
    other = create_page(mia.room)
    theirs = other.room.client.get(
        f"/{other.slug}/report/{receipt}", headers={"cookie": COOKIES[receipt]}
    )
    unknown, known = mia.get("report/2222-2222-2222"), mia.get(f"report/{receipt}")
    assert {one.status_code for one in (theirs, unknown, known)} == {200}
    assert unknown.text.replace("2222-2222-2222", receipt) == known.text
    assert "Demande reçue" not in theirs.text + known.text
    assert "Demande reçue" in read(mia, receipt).text
    assert mia.get("report/%00").status_code == 404
    assert mia.room.client.get("/nobody-here/report").status_code == 404


def refused(mia: CreatorPage) -> str:
    """Create a removal request, reject it, and return the receipt."""
    receipt = receipt_of(ask(mia, mia.post(media=[mia.stage(new_picture())])))
    with mia.scope("member:somebody") as scope:
        removal_requests.reject_removal_request(
            scope, removal_requests.find_status_by_receipt(scope, receipt).id, because="mistaken"
        )
    return receipt


def appeal(page: CreatorPage, receipt: str, content: bytes, **headers: str) -> httpx.Response:
    kind = {
        "content-type": "application/x-www-form-urlencoded",
        "sec-fetch-site": "same-origin",
        **headers,
    }
    kind["cookie"] = COOKIES.get(receipt.upper(), "")
    return page.room.client.post(f"/{page.slug}/report/{receipt}", content=content, headers=kind)


def appeals(page: CreatorPage) -> list[str]:
    with page.scope() as scope:
        found = scope.run("SELECT words FROM appeals WHERE tenant_id = :t", t=page.tenant_id)
        return list(found.scalars())


def test_refusal_gives_its_reason_and_can_be_appealed_once(mia: CreatorPage) -> None:
    receipt = refused(mia)
    shown = read(mia, receipt).text
    for said in (
        "Le contenu reste en ligne",
        "semble concerner une autre image",
        "Cette décision a été prise par une personne",
    ):
        assert said in shown
    assert "règlement extrajudiciaire" in shown
    assert "Contester la décision" in shown
    assert "somebody" not in shown
    answer = appeal(mia, receipt.lower(), urlencode({"words": "C’est <b>moi</b>"}).encode())
    assert (answer.status_code, answer.headers["location"]) == (
        303,
        f"/{mia.slug}/report/{receipt}",
    )
    assert appeals(mia) == ["C’est <b>moi</b>"]
    told = read(mia, receipt).text
    assert "Nous avons reçu votre recours" in told
    assert "Contester la décision" not in told
    assert "Vos possibilités" not in told, "the heading has no content"
    assert "<b>moi" not in told
    again = appeal(mia, receipt, b"words=")
    assert (again.status_code, len(appeals(mia))) == (422, 1)
    assert "Un seul recours est possible" in again.text


def test_hostile_appeals_create_nothing(mia: CreatorPage) -> None:
    from tests.web.builders import create_page

    receipt, neighbour, stranger = (
        refused(mia),
        create_page(mia.room, tenant_id=mia.tenant_id),
        create_page(mia.room),
    )
    undecided = receipt_of(ask(mia, mia.post(media=[mia.stage(new_picture())])))
    for where, number, content, status in (
        (mia, "2222-2222-2222", b"words=", 422),
        (mia, "%00", b"words=", 404),
        (mia, "x" * 3000, b"words=", 404),
        (stranger, receipt, b"words=", 422),
        (neighbour, receipt, b"words=", 422),
        (mia, undecided, b"words=", 422),
        (mia, receipt, b"", 422),
        (mia, receipt, b"words=" + b"x" * 601, 422),
        (mia, receipt, b"words=" + b"x" * 900_000, 422),
    ):
        assert appeal(where, number, content).status_code == status, (number[:20], content[:20])
    assert appeal(mia, receipt, b"words=", **{"sec-fetch-site": "cross-site"}).status_code == 422
    assert "Le contenu reste en ligne" not in read(neighbour, receipt).text
    assert appeals(mia) == []
    assert appeal(mia, receipt, b"words=a%00b%E2%80%AE").status_code == 303
    assert appeals(mia) == ["ab"]


def test_automatic_removal_is_labeled_as_automatic(mia: CreatorPage) -> None:
    receipt = receipt_of(ask(mia, mia.post(media=[mia.stage(new_picture())])))
    with mia.scope() as scope:
        removal_requests.recall_named_bytes(
            scope, removal_requests.find_status_by_receipt(scope, receipt).id
        )
    shown = read(mia, receipt).text
    assert "aucune décision n’a été prise dans les 24 heures" in shown
    with mia.scope() as scope:
        scope.run("UPDATE agencies SET demo = true WHERE tenant_id = :t", t=mia.tenant_id)
    demo = read(mia, receipt).text
    assert "Dans cette démo, le contenu a été retiré automatiquement" in demo
    assert "aucune décision n’a été prise" not in demo
    assert "L’éditeur peut contester cette décision" in shown
    assert "<textarea" not in shown


def test_oversized_form_is_refused(mia: CreatorPage) -> None:
    answer = mia.room.client.post(f"/{mia.slug}/report", content=b"item=" + b"x" * 9000)
    assert answer.status_code == 422


def test_form_and_receipt_use_the_language_of_the_page(room: object, mia: CreatorPage) -> None:
    from tests.web.builders import create_page

    english = create_page(mia.room, language="en", title="Mia")
    item = english.post(media=[english.stage(new_picture())])
    assert "Request removal of an image" in english.get("report").text
    assert "Request received" in read(english, receipt_of(ask(english, item))).text

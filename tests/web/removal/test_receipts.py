"""Receipts and access codes of removal requests: the URL alone shows nothing, attempts are limited,
and a repeated form counts once."""

import re
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

import httpx
import pytest

from foundation.ids import INSTALLATION_ID
from gate.removal import access_codes, receipts, removal_requests
from tests.web.builders import CreatorPage, create_page, new_picture
from tests.web.removal.test_removal_requests import COOKIES, ask, read, receipt_of

SAME = {"sec-fetch-site": "same-origin"}


def send(to: CreatorPage, **typed: str) -> httpx.Response:
    return to.room.client.post(
        f"/{to.slug}/report", data=typed, headers=SAME, follow_redirects=False
    )


def code_of(receipt: str) -> str:
    found = re.search(r"code=(\d{8})", COOKIES[receipt])
    assert found is not None
    return found[1]


def enter(to: CreatorPage, receipt: str, pin: str) -> httpx.Response:
    return to.room.client.post(
        f"/{to.slug}/report/{receipt}", data={"pin": pin}, headers=SAME, follow_redirects=False
    )


def forgotten(mia: CreatorPage) -> None:
    """Delete failed attempts of other tests from the same address."""
    with mia.room.tenant(INSTALLATION_ID, "system:test", role="door") as scope:
        scope.run("DELETE FROM login_failures")


@pytest.fixture
def receipt(mia: CreatorPage) -> str:
    forgotten(mia)
    return receipt_of(ask(mia, mia.post(media=[mia.stage(new_picture())])))


def test_code_is_shown_once_and_opens_the_receipt(mia: CreatorPage, receipt: str) -> None:
    pin = code_of(receipt)
    assert f"{pin[:4]} {pin[4:]}" in read(mia, receipt).text
    shut = mia.get(f"report/{receipt}")
    assert "Code à 8 chiffres" in shut.text
    assert "Demande reçue" not in shut.text
    opened = enter(mia, receipt, f" {pin[:4]} {pin[4:]} ")
    assert opened.status_code == 303
    cookie = opened.headers["set-cookie"]
    assert all(
        part in cookie
        for part in ("HttpOnly", "SameSite=strict", "Secure", f"Path=/{mia.slug}/report/{receipt}")
    )
    COOKIES[receipt] = cookie.partition(";")[0]
    assert "Demande reçue" in read(mia, receipt).text
    assert pin not in read(mia, receipt).text.replace(" ", "")
    assert read(mia, receipt).headers["cache-control"] == "no-store"


def test_stored_code_is_a_hash(mia: CreatorPage, receipt: str) -> None:
    with mia.scope() as scope:
        kept = receipts.access_code_hash(scope, receipt)
    assert kept is not None
    assert kept.startswith("$argon2id$")
    assert code_of(receipt) not in kept


def test_pass_opens_one_receipt_and_expires(mia: CreatorPage, receipt: str) -> None:
    other = receipt_of(ask(mia, mia.post(media=[mia.stage(new_picture())])))
    mine = COOKIES[receipt]
    for forged in (
        COOKIES[other],
        mine.replace("receipt=", "receipt=9"),
        "receipt=99999999999.00",
        "receipt=é.x",
        "receipt=",
    ):
        shown = mia.room.client.get(
            f"/{mia.slug}/report/{receipt}", headers={"cookie": forged.encode()}
        )
        assert "Demande reçue" not in shown.text, forged
    with mia.scope() as scope:
        hashed = receipts.access_code_hash(scope, receipt)
        assert hashed is not None
        late = access_codes.issue_pass(
            mia.tenant_id, receipt, hashed, scope.now - access_codes.PASS_LIFETIME
        )
        assert not access_codes.is_pass_valid(mia.tenant_id, receipt, hashed, late, scope.now)
        assert access_codes.is_pass_valid(
            mia.tenant_id,
            receipt,
            hashed,
            access_codes.issue_pass(mia.tenant_id, receipt, hashed, scope.now),
            scope.now,
        )


def test_guesses_are_limited_to_five(mia: CreatorPage, receipt: str) -> None:
    """Also when sent at once: the right code is refused once the attempts are used up."""
    with ThreadPoolExecutor(16) as several:
        answers = list(several.map(lambda n: enter(mia, receipt, f"{n:08}"), range(60)))
    assert {one.status_code for one in answers} == {422}
    assert sum("ne correspondent pas" in one.text for one in answers) == 5
    right = enter(mia, receipt, code_of(receipt))
    assert right.status_code == 422
    assert "Trop de tentatives" in right.text
    forgotten(mia)
    assert enter(mia, receipt, code_of(receipt)).status_code == 303


def test_unknown_receipt_looks_like_a_wrong_code(mia: CreatorPage, receipt: str) -> None:
    known, unknown = enter(mia, receipt, "00000000"), enter(mia, "2222-2222-2222", "00000000")
    assert known.text.replace(receipt, "2222-2222-2222") == unknown.text
    assert (known.status_code, unknown.status_code) == (422, 422)


def test_code_from_another_site_is_refused(mia: CreatorPage, receipt: str) -> None:
    foreign = mia.room.client.post(
        f"/{mia.slug}/report/{receipt}",
        data={"pin": code_of(receipt)},
        headers={"sec-fetch-site": "cross-site"},
    )
    assert foreign.status_code == 422
    assert "set-cookie" not in foreign.headers


def test_form_sent_twice_creates_one_request(mia: CreatorPage) -> None:
    item = mia.post(media=[mia.stage(new_picture())])
    form = re.search(
        r'name="form" value="([A-Za-z0-9_-]{22})"', mia.get(f"report?item={item}").text
    )
    assert form is not None
    assert mia.get("report").headers["cache-control"] == "no-store"
    with ThreadPoolExecutor(4) as several:
        answers = list(
            several.map(lambda _: send(mia, item=item, who="shown", form=form[1]), range(4))
        )
    assert {one.status_code for one in answers} == {303}
    assert len({one.headers["location"] for one in answers}) == 1
    assert sum("set-cookie" in one.headers for one in answers) == 1, (
        "a repeated form grants no access"
    )
    with mia.scope() as scope:
        assert (
            scope.run(
                "SELECT count(*) FROM complaints WHERE tenant_id = :t", t=mia.tenant_id
            ).scalar_one()
            == 1
        )


def digests(mine: CreatorPage, receipt: str) -> list[str]:
    with mine.scope() as scope:
        return list(
            removal_requests.get_removal_request(
                scope, removal_requests.find_status_by_receipt(scope, receipt).id
            ).digests
        )


def test_own_urls_are_matched(mia: CreatorPage) -> None:
    sha256 = mia.stage(new_picture())
    item = mia.post(media=[sha256])
    for address in (
        f"https://pages.example.test/{mia.slug}/p/{item}",
        f"pages.example.test/{mia.slug}/p/{item}?x=1#y",
        f"https://pages.example.test/files/{sha256}.png",
    ):
        assert digests(mia, receipt_of(send(mia, who="shown", address=address))) == [sha256], (
            address
        )


def test_urls_of_other_sites_freeze_nothing(mia: CreatorPage) -> None:
    other = create_page(mia.room)
    theirs = other.stage(new_picture())
    item = other.post(media=[theirs])
    for address in (
        f"https://pages.example.test/{other.slug}/p/{item}",
        f"https://pages.example.test/files/{theirs}.png",
        "https://elsewhere.example/p/1",
        f"https://evil.example/{mia.slug}/p/{item}",
    ):
        receipt = receipt_of(send(mia, who="shown", address=address))
        assert digests(mia, receipt) == [], address
        assert "Aucune correspondance" in read(mia, receipt).text
    with other.scope() as scope:
        assert removal_requests.latest_status(scope, other.creator_id) is None
        state = scope.run(
            "SELECT state FROM renditions WHERE sha256 = :s AND tenant_id = :t",
            s=theirs,
            t=other.tenant_id,
        )
        assert state.scalar_one() == "made"


LOOK = "a5a5a5a5f00f0ff0"


def seen(mine: CreatorPage, look: str) -> str:
    """Add a picture with this perceptual hash to the page, and return its digest."""
    sha256 = mine.stage(new_picture())
    with mine.scope() as scope, scope.acting_as("gate"):
        scope.run(
            "UPDATE renditions SET phash = :look WHERE sha256 = :s AND tenant_id = :t",
            look=look,
            s=sha256,
            t=mine.tenant_id,
        )
    return sha256


def test_only_similar_pictures_are_matched(mia: CreatorPage) -> None:
    near, far = seen(mia, "a5a5a5a5f00f0f0f"), seen(mia, "5a5a5a5a0ff0f00f")
    assert digests(mia, receipt_of(send(mia, who="shown", look=LOOK))) == [near]
    assert (
        digests(
            mia,
            receipt_of(
                send(mia, who="shown", look=f"{'0' * 16},{'f' * 16},x,{'9' * 900}", words="moi")
            ),
        )
        == []
    )
    assert far not in digests(mia, receipt_of(send(mia, who="shown", look=LOOK)))


@pytest.mark.parametrize(
    "typed",
    [
        {"address": "javascript:alert(1)"},
        {"address": "http://[::1"},
        {"address": "https://" + "x" * 2001},
        {"words": "x" * 601},
        {"contact": "x" * 201, "words": "moi"},
        {"look": "zz"},
        {},
    ],
    ids=["script", "brackets", "long", "words", "contact", "look", "nothing"],
)
def test_hostile_forms_create_no_request(mia: CreatorPage, typed: dict[str, str]) -> None:
    assert send(mia, who="shown", **typed).status_code == 422
    with mia.scope() as scope:
        assert removal_requests.latest_status(scope, mia.creator_id) is None


def test_markup_is_shown_as_text(mia: CreatorPage) -> None:
    words, address = "<script>hit()</script>", 'https://x.example/"><b>'
    again = send(mia, who="nobody", words=words, address=address)
    assert again.status_code == 422
    assert "<script>hit" not in again.text
    assert '"><b>' not in again.text
    receipt = receipt_of(send(mia, who="shown", words="a\x00b\u202e" + words, address=address))
    with mia.scope() as scope:
        kept = receipts.submissions_by_request(
            scope, [removal_requests.find_status_by_receipt(scope, receipt).id]
        )
    assert [one.words for one in kept.values()] == ["ab" + words]
    assert "<script>hit" not in read(mia, receipt).text


def test_only_the_form_page_allows_scripts(mia: CreatorPage, receipt: str) -> None:
    form = mia.get("report")
    assert "script-src 'self'" in form.headers["content-security-policy"]
    assert "connect-src" not in form.headers["content-security-policy"]
    for other in (mia.get(), read(mia, receipt), mia.get(f"report/{receipt}")):
        assert "script" not in other.headers["content-security-policy"]
        assert "<script" not in other.text


def test_oversized_form_is_refused(mia: CreatorPage) -> None:
    body = urlencode({"who": "shown", "words": "x" * 40_000}).encode()
    assert (
        mia.room.client.post(f"/{mia.slug}/report", content=body, headers=SAME).status_code == 422
    )


def test_request_without_match_does_not_claim_a_hold(mia: CreatorPage) -> None:
    forgotten(mia)
    receipt = receipt_of(send(mia, who="shown", words="me by the sea"))
    said = read(mia, receipt).text
    assert "Demande reçue, en attente d’examen" in said
    assert "Le contenu est en attente" not in said


def test_form_and_receipt_use_the_visitors_language(mia: CreatorPage) -> None:
    """The form and the receipt use the visitor's language if it is supported, not the creator's."""
    forgotten(mia)
    for language, said, told in (
        ("en-GB,en;q=0.9", "Request removal of an image", "Your request"),
        ("pl, fr;q=0.5", "Demander le retrait d’une image", "Votre demande"),
        ("pl", "Demander le retrait d’une image", "Votre demande"),
    ):
        headers = SAME | {"accept-language": language}
        assert said in mia.room.client.get(f"/{mia.slug}/report", headers=headers).text, language
        typed = {"who": "shown", "words": f"me, in {language}"}
        answer = mia.room.client.post(
            f"/{mia.slug}/report", data=typed, headers=headers, follow_redirects=False
        )
        assert answer.status_code in (200, 303), language
        receipt = receipt_of(answer)
        shown = mia.room.client.get(
            f"/{mia.slug}/report/{receipt}", headers=headers | {"cookie": COOKIES.get(receipt, "")}
        )
        assert told in shown.text, language

"""The publishing endpoint: credentials, files by digest, items by content ID, tombstones."""

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from foundation.errors import BadInput, Conflict, Refused
from foundation.ids import uuid7
from gate.contract.units import Rating
from gate.ratings import ratings
from tests.gate.answers import rate_and_answer
from tests.web.builders import (
    PUBLIC,
    CreatorPage,
    WebServer,
    create_page,
    new_content_id,
    new_picture,
)
from web.site import items, sites


def test_item_is_published_at_its_address(mia: CreatorPage) -> None:
    key = new_content_id()
    answer = mia.put(key, title="Matin", text="Bonjour")
    assert answer.status_code == 201
    assert answer.json() == {"id": key, "url": f"{PUBLIC}/{mia.slug}/p/{key}"}
    assert "Bonjour" in mia.get(f"p/{key}").text
    assert mia.call("GET", f"/items/{key}").json() == answer.json()


def test_repeated_item_changes_nothing(mia: CreatorPage) -> None:
    key, sha256 = new_content_id(), mia.stage(new_picture())
    mia.post(key, text="once", media=[sha256])
    before = mia.feed()["items"]
    assert mia.put(key, text="once", media=[sha256]).status_code == 200
    assert mia.feed()["items"] == before


def test_simultaneous_identical_items_become_one(mia: CreatorPage) -> None:
    key, sha256 = new_content_id(), mia.stage(new_picture())
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: mia.put(key, text="at once", media=[sha256]), range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]
    (item,) = mia.feed()["items"]
    assert item["_greenroom"]["version"] == 1


@pytest.mark.parametrize("path", ["/items/gr-some-item-id", "/items/gr-some-item-id/metrics"])
@pytest.mark.parametrize("token", ["-", "wrong", "x" * 5000])
def test_wrong_credentials_are_refused_alike(mia: CreatorPage, path: str, token: str) -> None:
    assert (
        mia.call("GET", path, token=token).status_code,
        mia.call("GET", path, token=token).json(),
    ) == (
        401,
        {"error": "token_refused"},
    )


def test_credential_is_valid_only_for_its_page(room: WebServer, mia: CreatorPage) -> None:
    neighbour, stranger = create_page(room, tenant_id=mia.tenant_id), create_page(room)
    for other in (neighbour, stranger):
        assert mia.put(token=other.token).status_code == 401
        assert (
            mia.call("DELETE", f"/items/{new_content_id()}", token=other.token).status_code == 401
        )
        data = new_picture()
        path = f"/files/{hashlib.sha256(data).hexdigest()}"
        assert mia.call("PUT", path, token=other.token, content=data).status_code == 401


def test_credential_needs_the_bearer_scheme(mia: CreatorPage) -> None:
    for header in (mia.token, f"Basic {mia.token}", f"Bearer  {mia.token}"):
        answer = mia.room.client.get(
            f"/house/{mia.slug}/items/abcdefgh", headers={"authorization": header}
        )
        assert answer.status_code == 401


def test_unknown_page_looks_like_a_wrong_credential(mia: CreatorPage) -> None:
    answer = mia.room.client.get(
        "/house/nobody-here/items/abcdefgh", headers={"authorization": f"Bearer {mia.token}"}
    )
    assert (answer.status_code, answer.json()) == (401, {"error": "token_refused"})


def test_file_with_wrong_digest_is_refused(mia: CreatorPage) -> None:
    answer = mia.call("PUT", f"/files/{'0' * 64}", content=b"other")
    assert (answer.status_code, answer.json()) == (422, {"error": "wrong_digest"})


def test_file_may_be_staged_again(mia: CreatorPage) -> None:
    data = new_picture()
    assert mia.stage(data) == mia.stage(data)


def test_oversized_body_is_refused_before_reading(mia: CreatorPage) -> None:
    def endless() -> object:
        for _ in range(40):
            yield b"x" * 1024 * 1024

    sha256 = "0" * 64
    declared = mia.call("PUT", f"/files/{sha256}", content=b"x", token=mia.token)
    assert declared.status_code == 422
    drip = mia.call("PUT", f"/files/{sha256}", content=endless())
    assert (drip.status_code, drip.json()) == (413, {"error": "too_large"})
    item = mia.call("PUT", f"/items/{new_content_id()}", content=b" " * (items_most() + 1))
    assert item.status_code == 413


def items_most() -> int:
    from web.site.publishing_endpoint import MAX_ITEM_BYTES

    return MAX_ITEM_BYTES


def test_body_without_valid_credential_is_not_read(mia: CreatorPage) -> None:
    """The credential is checked first, so that strangers cannot fill the memory of the server."""
    read = threading.Event()

    def body() -> object:
        yield b"x" * 1024
        for _ in range(40):
            if read.wait(0.02):
                return
            yield b"x" * 1024

    try:
        answer = mia.call("PUT", f"/files/{'0' * 64}", token="wrong", content=body())
        read.set()
        assert answer.status_code == 401
    except httpx.WriteError:  # the server closed the connection while the body was sent
        pass


def test_item_without_staged_files_is_refused(mia: CreatorPage) -> None:
    answer = mia.put(media=["0" * 64])
    assert (answer.status_code, answer.json()) == (422, {"error": "file_not_staged"})


@pytest.mark.parametrize("rating", [Rating.N, Rating.E, Rating.X, None])
def test_content_above_suggestive_is_refused(mia: CreatorPage, rating: Rating | None) -> None:
    sha256, key = mia.stage(new_picture(), rating), new_content_id()
    answer = mia.put(key, media=[sha256])
    assert (answer.status_code, answer.json()) == (403, {"error": "rating"})
    assert mia.get(f"p/{key}").status_code == 404
    assert mia.file(sha256).status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b'{"text": 3}',
        b'{"text": "a\\u0000b"}',
        b'{"title": "\\u0000"}',
        b'{"media": [{"sha256": "../../etc/passwd", "mime": "image/png"}]}',
        b'{"media": [{"sha256": "' + b"0" * 64 + b'", "mime": "text/html"}]}',
        b'{"text": "\\ud800"}',
        b'{"text": "' + b"x" * 20_001 + b'"}',
        b"\xff\xfe",
    ],
    ids=range(11),
)
def test_invalid_item_is_refused(mia: CreatorPage, body: bytes) -> None:
    assert mia.call("PUT", f"/items/{new_content_id()}", content=body).status_code == 422


@pytest.mark.parametrize(
    "key", ["short", "a" * 65, "with space", "é" * 10, "a.b.c.d.e.f", "%00%00%00%00%00%00%00%00"]
)
def test_invalid_ids_are_refused(mia: CreatorPage, key: str) -> None:
    assert mia.put(key).status_code == 422
    assert mia.call("GET", f"/items/{key}").status_code == 404
    assert mia.delete(key).status_code == 404
    assert mia.call("GET", f"/items/{key}/metrics").status_code == 404


def test_edit_keeps_the_id_and_shows_its_date(mia: CreatorPage) -> None:
    key = mia.post(text="first")
    before = mia.feed()["items"][0]
    mia.post(key, text="second")
    after = mia.feed()["items"][0]
    assert (after["id"], after["date_published"]) == (before["id"], before["date_published"])
    assert after["content_text"] == "second"
    assert after["_greenroom"]["version"] == 2
    assert "modifiée le" in mia.get(f"p/{key}").text


def test_removed_item_is_a_tombstone_without_files(mia: CreatorPage) -> None:
    sha256 = mia.stage(new_picture())
    key = mia.post(media=[sha256])
    assert mia.file(sha256).status_code == 200
    for _ in range(2):
        answer = mia.delete(key)
        assert (answer.status_code, answer.json()) == (200, {"deleted": key})
    assert mia.get(f"p/{key}").status_code == 410
    assert mia.call("GET", f"/items/{key}").status_code == 410
    assert mia.file(sha256).status_code == 404
    assert not mia.room.store.exists(mia.tenant_id, sha256)
    assert mia.feed()["items"] == []
    for place in ("", "feed.xml", "feed.json"):
        assert sha256 not in mia.get(place).text
        assert key not in mia.get(place).text


def test_removed_id_is_never_reused(mia: CreatorPage) -> None:
    key = mia.post()
    mia.delete(key)
    answer = mia.put(key, text="back")
    assert (answer.status_code, answer.json()) == (410, {"error": "gone"})


def test_removal_wins_over_a_late_publication(mia: CreatorPage) -> None:
    """A delayed publication that arrives after its removal must not appear."""
    key = new_content_id()
    assert mia.delete(key).status_code == 200
    assert mia.put(key).status_code == 410
    assert mia.get(f"p/{key}").status_code == 410


def test_file_of_another_item_is_not_deleted(mia: CreatorPage) -> None:
    sha256 = mia.stage(new_picture())
    first, second = mia.post(media=[sha256]), mia.post(media=[sha256])
    mia.delete(first)
    assert mia.file(sha256).status_code == 200
    mia.delete(second)
    assert mia.file(sha256).status_code == 404
    assert not mia.room.store.exists(mia.tenant_id, sha256)


def test_file_dropped_by_an_edit_is_deleted(mia: CreatorPage) -> None:
    first, second = mia.stage(new_picture()), mia.stage(new_picture())
    key = mia.post(media=[first, second])
    mia.post(key, media=[second])
    assert mia.file(first).status_code == 404
    assert not mia.room.store.exists(mia.tenant_id, first)
    assert mia.file(second).status_code == 200


def test_repeated_removal_deletes_bytes_left_by_a_crash(mia: CreatorPage) -> None:
    """The process stopped after the tombstone and before the bytes were deleted; the removal is
    requested again."""
    sha256 = mia.stage(new_picture())
    key = mia.post(media=[sha256])
    with mia.scope() as scope:
        items.remove_item(scope, mia.found, key)
    assert mia.room.store.exists(mia.tenant_id, sha256)
    assert mia.file(sha256).status_code == 404
    mia.delete(key)
    assert not mia.room.store.exists(mia.tenant_id, sha256)


def test_file_reused_during_removal_is_not_deleted(mia: CreatorPage) -> None:
    """A file is never deleted while a new item starts to use it."""
    for _ in range(5):
        data = new_picture()
        sha256 = mia.stage(data)
        old = mia.post(media=[sha256])
        with ThreadPoolExecutor(2) as pool:
            removed = pool.submit(mia.delete, old)
            taken = pool.submit(mia.put, media=[sha256])
        assert removed.result().status_code == 200
        shown = mia.file(sha256).status_code == 200
        assert shown == (taken.result().status_code == 201), taken.result().text


def test_raised_rating_hides_the_item(mia: CreatorPage) -> None:
    sha256 = mia.stage(new_picture(), Rating.S)
    key, other = mia.post(media=[sha256], text="raised"), mia.post(text="stays")
    assert mia.file(sha256).status_code == 200
    with mia.scope() as scope:
        rate_and_answer(scope, sha256, Rating.N, source="member:x")
    assert mia.file(sha256).status_code == 404
    assert mia.get(f"p/{key}").status_code == 410
    for place in ("", "feed.xml", "feed.json"):
        text = mia.get(place).text
        assert sha256 not in text
        assert "raised" not in text
        assert other in text


def test_frozen_file_is_hidden(mia: CreatorPage) -> None:
    sha256 = mia.stage(new_picture())
    key = mia.post(media=[sha256])
    with mia.scope() as scope:
        ratings.freeze_bytes(scope, sha256)
    assert (mia.file(sha256).status_code, mia.get(f"p/{key}").status_code) == (404, 410)


def test_views_are_counted_without_head_requests(mia: CreatorPage) -> None:
    key = mia.post()
    for _ in range(3):
        mia.get(f"p/{key}")
    mia.room.client.head(f"/{mia.slug}/p/{key}")
    assert mia.call("GET", f"/items/{key}/metrics").json() == {"views": 3}
    assert mia.call("GET", f"/items/{new_content_id()}/metrics").status_code == 404


@pytest.mark.parametrize("slug", ["ab", "Mia", "a b", "files", "é" * 5, "x" * 41, "../etc"])
def test_invalid_slugs_are_refused(mia: CreatorPage, slug: str) -> None:
    with pytest.raises(BadInput), mia.scope() as scope:
        sites.open_site(
            scope, creator_id=mia.creator_id, slug=slug, title="M", about="", language="fr"
        )


@pytest.mark.parametrize(
    "words",
    [
        {"title": "EXPLICIT-MARKER-A"},
        {"title": "Mia S-U-G-G-E-S-T-I-V-E-M-A-R-K-E-R-A"},
        {"title": "MINOR-C-A"},
        {"title": "Mia, I'm 16"},
        {"title": "M\u202eai\u202c"},
        {"about": "Every day: nudity-marker-a"},
        {"slug": "explicit-marker-a"},
        {"title": "PROHIBITED-", "about": "MARKER-A"},
    ],
    ids=lambda words: " ".join(words.values()).encode("ascii", "ignore").decode(),
)
def test_profile_texts_must_pass_the_gate(mia: CreatorPage, words: dict[str, str]) -> None:
    said = {"slug": "page-" + uuid7().hex[-10:], "title": "M", "about": ""} | words
    with pytest.raises(Refused, match=r"^gate\.[A-Z_]+$"), mia.scope() as scope:
        sites.open_site(scope, creator_id=mia.creator_id, language="fr", **said)


def test_slug_belongs_to_one_page(room: WebServer, mia: CreatorPage) -> None:
    other = create_page(room)
    with pytest.raises(Conflict), other.scope() as scope:
        sites.open_site(
            scope, creator_id=other.creator_id, slug=mia.slug, title="M", about="", language="fr"
        )
    with mia.scope() as scope:  # opening it again has no effect
        assert (
            sites.open_site(
                scope, creator_id=mia.creator_id, slug=mia.slug, title="M", about="", language="fr"
            )
            is None
        )


def test_slug_requested_twice_at_once_has_one_owner(room: WebServer) -> None:
    slug = "race-" + uuid7().hex[-10:]
    owners = [create_page(room), create_page(room)]

    def take(owner: CreatorPage) -> bool:
        try:
            with owner.scope() as scope:
                sites.open_site(
                    scope,
                    creator_id=owner.creator_id,
                    slug=slug,
                    title="M",
                    about="",
                    language="fr",
                )
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(take, owners)) == [False, True]


def test_chat_url_must_be_http(mia: CreatorPage) -> None:
    with pytest.raises(BadInput), mia.scope() as scope:
        sites.set_chat_url(scope, mia.creator_id, "javascript:alert(1)")
    with mia.scope() as scope:
        sites.set_chat_url(scope, mia.creator_id, "https://chat.example.test/mia")
    assert 'href="https://chat.example.test/mia"' in mia.get().text


def test_credential_is_stored_as_a_digest(mia: CreatorPage) -> None:
    with mia.scope() as scope:
        kept = scope.run(
            "SELECT token_digest FROM sites WHERE slug = :slug", slug=mia.slug
        ).scalar_one()
    assert kept == hashlib.sha256(mia.token.encode()).hexdigest()

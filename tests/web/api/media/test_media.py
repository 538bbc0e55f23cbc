"""Media over the API: upload, rating, listing, scheduling, and refusal of everything else."""

import asyncio
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import repeat
from typing import Any
from uuid import UUID

import pytest
from starlette.responses import JSONResponse

from foundation.db.database import Database, OpenScope
from foundation.ids import uuid7
from foundation.storage.object_store import bytes_digest
from gate.contract.states import DepictionAnswer
from gate.contract.units import Rating
from gate.ratings.ratings import freeze_bytes
from gate.reviews.events import RatingRequested
from gate.reviews.handlers import handle_rating_request
from studio.ingest import uploads
from studio.ingest.events import UploadDue
from studio.library import assets, member_reviews, queries
from studio.library.states import ShelfState
from tenants.agencies.rights import Role
from tenants.api_keys.keys import ApiKeyScope
from tenants.auth import members
from tests.gate import answers
from tests.studio.ingest.test_uploads import broken
from tests.web.api_client import ApiClient, create_api_client, error_code
from tests.web.builders import WebServer
from tests.web.example_agency import add_library_picture, expect_success, new_photo, upload_picture
from web.api.common.authentication import MEDIA_TYPES, AdmissionMiddleware, BodyRule
from web.api.common.rate_limits import ApiRateLimits

TYPE = "application/octet-stream"


def brought_in(api: ApiClient, room: WebServer, upload_id: str) -> dict[str, Any]:
    """Ingest an upload as a worker does and return its new status."""
    uploads.ingest_upload(
        UploadDue(api.tenant_id, UUID(upload_id)), tenant=api.tenant, store=room.library
    )
    found: dict[str, Any] = api.get(f"/uploads/{upload_id}")
    return found


def rated(api: ApiClient, media_id: str, rating: Rating) -> None:
    """Request a rating as the owner and process the request as a worker does."""
    who = f"member:{api.members[Role.OWNER]}"
    with api.scope(who) as scope:
        shown = DepictionAnswer.NO_PEOPLE
        member_reviews.rate_picture(scope, UUID(media_id), rating, shown=shown)
        sha256 = assets.get_asset(scope, UUID(media_id)).sha256
        answers.record_quiet_models(scope, sha256)
    handle_rating_request(
        RatingRequested(api.tenant_id, UUID(media_id), sha256, str(rating), False, who, str(shown)),
        tenant=api.tenant,
    )


def kept(api: ApiClient) -> int:
    """Return the number of stored uploads of the agency."""
    with api.scope() as scope:
        return int(
            scope.run(
                "SELECT count(*) FROM uploads WHERE tenant_id = :t", t=api.tenant_id
            ).scalar_one()
        )


def test_picture_is_uploaded_rated_listed_and_scheduled(api: ApiClient, room: WebServer) -> None:
    data = new_photo()
    answer = upload_picture(api, data, name="../été à la plage.png")
    waiting = expect_success(answer)
    assert answer.status_code == 202
    assert answer.headers["location"] == f"/v1/uploads/{waiting['id']}"
    assert (waiting["state"], waiting["name"], waiting["size"]) == (
        "waiting",
        "été à la plage.png",
        len(data),
    )
    assert (waiting["media_id"], waiting["reason"]) == (None, None)
    assert api.get(f"/uploads/{waiting['id']}") == waiting
    assert api.get("/media") == {"items": [], "next": None}

    ready = brought_in(api, room, waiting["id"])
    media_id = ready["media_id"]
    assert (ready["state"], ready["reason"]) == ("ready", None)
    assert not room.library.exists(api.tenant_id, bytes_digest(data)), (
        "the original file is deleted"
    )
    (one,) = api.get("/media")["items"]
    assert (one["id"], one["creator_id"], one["kind"], one["seconds"]) == (
        media_id,
        ready["creator_id"],
        "picture",
        0,
    )
    assert (one["rating"], one["waits"]) == (None, True), "not rated yet"
    assert api.get(f"/media/{media_id}") == one

    with api.scope() as scope:
        assert member_reviews.makers_of(scope, [UUID(media_id)]) == {
            UUID(media_id): f"member:{api.members[Role.MANAGER]}"
        }
    rated(api, media_id, Rating.S)
    judged = api.get(f"/media/{media_id}")
    assert (judged["rating"], judged["waits"]) == ("S", False)
    assert api.write(media=[media_id])["media"] == [media_id]


def test_nudity_waits_for_human_review(api: ApiClient) -> None:
    media_id = str(add_library_picture(api))
    rated(api, media_id, Rating.N)
    one = api.get(f"/media/{media_id}")
    assert (one["rating"], one["waits"]) == ("N", True)


@pytest.mark.parametrize(("frames", "kind"), [(24, "film"), (0, "sound")])
def test_videos_and_audio_show_their_duration(api: ApiClient, frames: int, kind: str) -> None:
    media_id = add_library_picture(api)
    with api.scope() as scope:
        scope.run(
            "UPDATE creations SET parameters = jsonb_build_object('seconds', 7, 'frames', "
            "CAST(:frames AS int))"
            " WHERE tenant_id = :t AND asset_id = :id",
            frames=frames,
            t=api.tenant_id,
            id=media_id,
        )
    one = api.get(f"/media/{media_id}")
    assert (one["kind"], one["seconds"]) == (kind, 7)


def test_same_request_and_same_file_are_one_upload(api: ApiClient, room: WebServer) -> None:
    data = new_photo()
    first, again = (upload_picture(api, data, idempotency_key="a") for _ in range(2))
    assert (again.content, again.headers["idempotent-replayed"]) == (first.content, "true")
    other = upload_picture(api, new_photo(), idempotency_key="a")
    assert (other.status_code, error_code(other)) == (422, "api.name_taken")
    upload_id = expect_success(upload_picture(api, data, name="copy.png"))["id"]
    assert (upload_id, kept(api)) == (expect_success(first)["id"], 1)
    media_id = brought_in(api, room, upload_id)["media_id"]
    assert expect_success(upload_picture(api, data))["media_id"] == media_id
    assert len(api.get("/media")["items"]) == 1
    assert expect_success(upload_picture(api, data, "zoe"))["id"] != upload_id, (
        "each creator has separate uploads"
    )


def test_upload_may_declare_ai_generation(api: ApiClient, room: WebServer) -> None:
    found = brought_in(
        api, room, expect_success(upload_picture(api, new_photo(), generated=True))["id"]
    )
    with api.scope() as scope:
        assert (
            scope.run(
                "SELECT ai FROM assets WHERE id = :asset", asset=found["media_id"]
            ).scalar_one()
            == "generated"
        )


def test_refusal_reason_is_returned_and_file_may_be_sent_again(
    api: ApiClient, room: WebServer
) -> None:
    data = broken()
    upload_id = expect_success(upload_picture(api, data))["id"]
    refused = brought_in(api, room, upload_id)
    assert (refused["state"], refused["media_id"], refused["reason"]["code"]) == (
        "refused",
        None,
        "photo.corrupt",
    )
    assert "beach.png" in refused["reason"]["text"]
    again = expect_success(upload_picture(api, data))
    assert (again["id"], again["state"], again["reason"]) == (upload_id, "waiting", None)


def test_library_pages_omit_archived_and_withheld_pictures(api: ApiClient) -> None:
    ids = [str(add_library_picture(api)) for _ in range(5)]
    zoes = str(add_library_picture(api, "zoe"))
    with api.scope() as scope:
        assets.set_shelf_state(scope, UUID(ids[1]), ShelfState.RETIRED)
        freeze_bytes(scope, queries.get_asset_bytes(scope, UUID(ids[3])).sha256)
    mias = f"/media?creator={api.creators['mia']}&limit=2"
    first = api.get(mias)
    second = api.get(f"{mias}&cursor={first['next']}")
    assert [one["id"] for one in first["items"]] == [ids[4], ids[2]], (
        "excluded pictures do not shorten the page"
    )
    assert ([one["id"] for one in second["items"]], second["next"]) == ([ids[0]], None)
    assert [one["id"] for one in api.get("/media")["items"]] == [zoes, ids[4], ids[2], ids[0]]
    assert error_code(api.ask("GET", f"/media?limit=2&cursor={first['next']}")) == "api.no_cursor"
    assert api.get(f"/media/{ids[1]}")["id"] == ids[1], "a post may still use it"
    gone = api.ask("GET", f"/media/{ids[3]}")
    assert (gone.status_code, error_code(gone)) == (404, "library.asset_unknown")
    assert gone.json()["error"]["message"] == "This image is not in the library."


@pytest.mark.parametrize(
    "asked", ["?creator=x", "?limit=0", "?limit=201", "?cursor=x", "?unknown=1"]
)
def test_invalid_page_parameters_are_refused(api: ApiClient, asked: str) -> None:
    assert api.ask("GET", f"/media{asked}").status_code == 422


def test_media_needs_matching_scope_and_role(api: ApiClient) -> None:
    refused = upload_picture(
        api, new_photo(), key=api.key(scopes=[ApiKeyScope.POSTS_READ, ApiKeyScope.APPROVE])
    )
    assert (refused.status_code, error_code(refused)) == (403, "api.other_scope")
    for path in ("/media", f"/media/{uuid7()}", f"/uploads/{uuid7()}"):
        answer = api.ask("GET", path, key=api.key(scopes=[ApiKeyScope.POSTS_WRITE]))
        assert (answer.status_code, error_code(answer)) == (403, "api.other_scope")
    with api.scope() as scope:
        members.change_member(scope, api.members[Role.MANAGER], role=Role.ACCOUNTANT, creators=())
    left = upload_picture(api, new_photo())
    assert (left.status_code, error_code(left)) == (403, "role.forbidden.run")
    assert kept(api) == 0


def test_foreign_media_look_unknown(api: ApiClient, room: WebServer) -> None:
    upload_id, media_id = (
        expect_success(upload_picture(api, new_photo()))["id"],
        str(add_library_picture(api)),
    )
    other = create_api_client(room.client, api.tenant)
    for asker, key in ((api, api.key(creators=["zoe"])), (other, other.secrets["owner"])):
        assert asker.get("/media", key=key)["items"] == []
        assert asker.get(f"/media?creator={api.creators['mia']}", key=key)["items"] == []
        for path, unknown in (
            (f"/uploads/{upload_id}", "/uploads"),
            (f"/media/{media_id}", "/media"),
        ):
            answer, nobodys = (
                asker.ask("GET", path, key=key),
                asker.ask("GET", f"{unknown}/{uuid7()}", key=key),
            )
            assert (answer.status_code, answer.content) == (404, nobodys.content)
        foreign = asker.ask(
            "POST",
            f"/uploads?creator={api.creators['mia']}",
            new_photo(),
            key=key,
            content_type=TYPE,
        )
        assert (foreign.status_code, error_code(foreign)) == (404, "creator.unknown")
    assert (kept(api), kept(other)) == (1, 0)
    assert brought_in(api, room, upload_id)["state"] == "ready"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "api.unfit"),
        (b"GIF89a" + b"\0" * 50, "photo.corrupt"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "photo.unsupported"),
        (new_photo()[:-20], "photo.corrupt"),
        (new_photo() + b"PK\x03\x04", "photo.trailing"),
        (b"\0\0\0\x18ftypmp42" + b"\xff" * 60, "film."),
    ],
    ids=["empty", "another format", "text", "cut", "trailing data", "no film"],
)
def test_unreadable_file_is_refused_and_not_stored(
    api: ApiClient, room: WebServer, data: bytes, said: str
) -> None:
    answer = upload_picture(api, data)
    assert answer.status_code == 422, answer.text
    assert error_code(answer).startswith(said)
    assert kept(api) == 0
    assert not room.library.exists(api.tenant_id, bytes_digest(data))


@pytest.mark.parametrize(
    "kind", ["text/csv", "application/json", "multipart/form-data; boundary=x", ""]
)
def test_another_media_type_is_refused(api: ApiClient, kind: str) -> None:
    answer = upload_picture(api, new_photo(), content_type=kind)
    assert (answer.status_code, error_code(answer)) == (415, "api.not_media")
    assert upload_picture(api, new_photo(), content_type="image/png").status_code == 202


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\Léa\\IMG.jpg", "IMG.jpg"),
        ("a\r\nSet-Cookie: x=1.png", "aSet-Cookie: x=1.png"),
        ("photo\u202egnp.exe", "photognp.exe"),
        ("..", ".."),
        ("", "photo"),
        ("'; DROP TABLE uploads; --", "'; DROP TABLE uploads; --"),
        ("a\0b", None),
        ("x" * 121, None),
    ],
)
def test_hostile_file_name_is_cleaned_or_refused(
    api: ApiClient, name: str, shown: str | None
) -> None:
    answer = upload_picture(api, new_photo(), name=name)
    if shown is None:
        assert (answer.status_code, error_code(answer)) == (422, "api.unfit")
    else:
        assert expect_success(answer)["name"] == shown


SMALL = 100_000
CHUNK = b"x" * 1000


@dataclass
class Door:
    """The admission middleware in front of an app that records admitted sizes, with files of at
    most `SMALL` bytes."""

    api: ApiClient
    pages: OpenScope
    let_in: list[int] = field(default_factory=list)
    read: int = 0
    meanwhile: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        files = {("POST", "/uploads"): BodyRule(MEDIA_TYPES, SMALL, "api.not_media")}
        self.door = AdmissionMiddleware(
            self._app, self.pages, limits=ApiRateLimits(), files=files, most=SMALL
        )

    async def _app(self, scope: Any, receive: Any, send: Any) -> None:
        self.let_in.append(len((await receive())["body"]))
        if self.meanwhile:
            self.second = await self.ask([self.meanwhile.pop()])
        await JSONResponse({})(scope, receive, send)

    async def ask(
        self, chunks: Iterable[bytes], *, key: str = "", **headers: str
    ) -> tuple[int, str]:
        """Upload these chunks and return the status and the error code. `read` counts the consumed
        bytes."""
        coming, sent = iter(chunks), list[Any]()
        said = {
            "authorization": f"Bearer {key or self.api.secrets['manager']}",
            "content-type": TYPE,
        } | headers
        raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in said.items()]

        async def receive() -> Any:
            piece = next(coming, None)
            self.read += len(piece or b"")
            return {"type": "http.request", "body": piece or b"", "more_body": piece is not None}

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "method": "POST",
            "path": "/uploads",
            "query_string": b"",
            "headers": raw,
        }
        await self.door(
            scope | {"scheme": "http", "server": ("test", 80), "client": ("192.0.2.7", 1)},
            receive,
            send,
        )
        return sent[0]["status"], json.loads(sent[1]["body"]).get("error", {}).get("code", "")


@pytest.fixture
def door(api: ApiClient, pages: Database) -> Door:
    return Door(api, pages.scope)


def test_endless_file_is_read_only_to_its_limit(door: Door) -> None:
    for headers in ({}, {"content_length": "10"}, {"transfer_encoding": "chunked"}):
        door.read = 0
        assert asyncio.run(door.ask(repeat(CHUNK), **headers)) == (413, "api.too_large")
        assert door.read == SMALL + len(CHUNK)
    assert door.let_in == []
    assert asyncio.run(door.ask(repeat(CHUNK, 100))) == (200, ""), (
        "a file of the maximum size is accepted, and no buffer is leaked"
    )
    assert door.let_in == [SMALL]


@pytest.mark.parametrize("length", [str(SMALL + 1), "9" * 30, "-1", "x", ""])
def test_file_with_too_large_content_length_is_not_read(door: Door, length: str) -> None:
    assert asyncio.run(door.ask(repeat(CHUNK), content_length=length)) == (413, "api.too_large")
    assert door.read == 0


def test_body_without_valid_key_is_not_read(door: Door) -> None:
    assert asyncio.run(door.ask(repeat(CHUNK), key="grk_" + "x" * 43)) == (401, "api.no_key")
    assert door.read == 0


def test_concurrent_uploads_are_limited(door: Door) -> None:
    door.meanwhile.append(CHUNK)
    assert asyncio.run(door.ask(repeat(CHUNK, 100))) == (200, "")
    assert door.second == (503, "api.full")
    assert asyncio.run(door.ask([CHUNK])) == (200, ""), (
        "the first upload is finished and its slot is free"
    )


def test_upload_limit_is_that_of_pictures(api: ApiClient) -> None:
    answer = upload_picture(api, b"x" * (64 * 2**20 + 1))
    assert (answer.status_code, error_code(answer)) == (413, "api.too_large")

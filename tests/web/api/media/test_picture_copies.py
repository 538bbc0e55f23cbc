"""Edited copies over the API and MCP: requested once, followed, stopped; own pictures only."""

from pathlib import Path
from typing import Any
from uuid import UUID

from foundation.ids import uuid7
from foundation.ops.settings import GeneratorsSettings
from gate.ratings import ratings
from generators.engines.vision import upscalers
from generators.retouch.watermarks import Watermark
from studio.ingest import picture_copies as finishing
from studio.ingest.events import PictureCopyDue
from studio.library import creator_watermarks
from studio.library.queries import get_asset_bytes
from tenants.agencies import queries as tenant_reads
from tenants.agencies.rights import Role
from tests.generators import upscaler_models
from tests.studio.builders import CREDENTIAL
from tests.web.api_client import ApiClient, create_api_client, error_code
from tests.web.builders import WebServer
from tests.web.example_agency import add_library_picture
from tests.web.mcp.test_tools import call, refused
from web.api.common.calls import Caller
from web.api.media import picture_copies as api_copies
from web.api.media.picture_copy_schemas import CopyIn


def ask(api: ApiClient, media: object, **more: Any) -> Any:
    return api.ask("POST", "/copies", {"media_id": str(media), **more})


def work(api: ApiClient, room: WebServer, copy_id: str, **models: Any) -> None:
    """Make the copy as a worker does."""
    due = PictureCopyDue(api.tenant_id, UUID(copy_id))
    finishing.make_copy(
        due, tenant=api.tenant, store=room.library, credential=lambda: CREDENTIAL, **models
    )


def test_copy_is_requested_once_and_followed(api: ApiClient, room: WebServer) -> None:
    media = add_library_picture(api, store=room.library)
    with api.scope() as scope:
        creator_watermarks.set_watermark(
            scope, api.creators["mia"], Watermark("mia", "bottom_left", 4, 70)
        )
    first = ask(api, media, form="square", strength=20, larger="twice", signed=True)
    assert first.status_code == 202, first.text
    assert (
        ask(api, media, form="square", strength=20, larger="twice", signed=True).json()
        == first.json()
    )
    path = first.headers["location"].removeprefix("/v1")
    found = api.get(path)
    assert (
        found["state"],
        found["form"],
        found["strength"],
        found["larger"],
        found["signed"],
        found["media_id"],
    ) == (
        *("waiting", "square", 20, "twice", True),
        None,
    )
    work(api, room, found["id"])
    made = api.get(path)
    assert (made["state"], made["of_media_id"]) == ("ready", str(media))
    assert api.get(f"/media/{made['media_id']}")["kind"] == "picture"
    over = api.ask("POST", f"{path}/stop", if_match=api.ask("GET", path).headers["etag"])
    assert (over.status_code, error_code(over)) == (409, "copy.over")


def test_model_upscaling_needs_an_installed_model(
    api: ApiClient, room: WebServer, tmp_path: Path
) -> None:
    media = add_library_picture(api, store=room.library)
    for wrong, said in (
        ({"larger": "model"}, "upscale.no_model"),
        ({"background": "blurred"}, "cutout.no_model"),
        ({"signed": True}, "watermark.none"),
        ({"form": "round"}, "copy.unknown_form"),
        ({}, "copy.nothing"),
    ):
        answer = ask(api, media, **wrong)
        assert (answer.status_code, error_code(answer)) == (422, said)
    known = GeneratorsSettings(
        upscale_model=str(upscaler_models.write_onnx_model(tmp_path / "m.onnx"))
    )
    with api.scope() as scope:
        seen = {one.id: one for one in tenant_reads.list_creators(scope)}
        sight = Caller(tenant_reads.get_member(scope, api.members[Role.MANAGER]), seen)
        wanted = CopyIn(media_id=media, larger="model")
        done = api_copies.create_picture_copy(
            scope, sight, wanted, generators=known, store=room.library
        )
    copy_id = done.about.removeprefix("copy:")
    work(api, room, copy_id, upscaler=lambda: upscalers.load_engine(known))
    found = api.get(f"/copies/{copy_id}")
    assert (found["state"], found["larger"]) == ("ready", "model")


def test_unwanted_copy_is_stopped(api: ApiClient, room: WebServer) -> None:
    media = add_library_picture(api, store=room.library)
    asked = ask(api, media, strength=50).json()
    path = f"/copies/{asked['id']}"
    seen = api.ask("GET", path).headers["etag"]
    assert api.ask("POST", f"{path}/stop", if_match=seen).json()["state"] == "refused"
    assert api.get(path)["reason"]["code"] == "copy.stopped"
    assert api.ask("POST", f"{path}/stop", if_match=seen).status_code == 412
    assert ask(api, media, strength=50).json()["state"] == "waiting", (
        "a repeated request starts again"
    )


def test_foreign_and_withheld_pictures_are_not_copied(api: ApiClient, room: WebServer) -> None:
    hers, mine = add_library_picture(api, "zoe"), add_library_picture(api)
    asked = ask(api, hers, strength=50).json()["id"]
    for key in (
        api.key(creators=["mia"]),
        create_api_client(room.client, room.tenant).secrets["owner"],
    ):
        assert (
            api.ask("POST", "/copies", {"media_id": str(hers), "strength": 20}, key=key).status_code
            == 404
        )
        assert api.ask("GET", f"/copies/{asked}", key=key).status_code == 404
        assert api.ask("POST", f"/copies/{asked}/stop", key=key, if_match='"x"').status_code == 404
    with api.scope() as scope:
        ratings.freeze_bytes(scope, get_asset_bytes(scope, mine).sha256)
    assert ask(api, mine, strength=20).status_code == 404
    assert ask(api, uuid7(), strength=20).status_code == 404


def test_mcp_copy_is_requested_followed_and_stopped(api: ApiClient) -> None:
    media, larger = str(add_library_picture(api)), "twice"
    first = call(api, "copy_picture", media_id=media, larger=larger)
    assert call(api, "copy_picture", media_id=media, larger=larger)["id"] == first["id"]
    assert call(api, "read_copy", copy_id=first["id"])["larger"] == larger
    assert "model" in refused(api, "copy_picture", media_id=media, larger="model")
    assert call(api, "stop_copy", copy_id=first["id"])["state"] == "refused"
    refused(api, "stop_copy", copy_id=first["id"])
    refused(api, "copy_picture", media_id=str(uuid7()), larger=larger)

"""Picture generation over the API and MCP: preview, start once, follow, stop; unrated pictures are
never served."""

import base64
from contextlib import suppress
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from PIL import Image, ImageDraw

from channels.limits import request_costs
from foundation.ids import uuid7
from foundation.money import Price
from foundation.ops.clock import wall_now
from foundation.outbox import outbox
from foundation.storage.object_store import bytes_digest
from gate.contract.units import Rating
from gate.ratings import ratings
from generators.contract.engines import GeneratedPicture
from generators.engines.images.placeholder import PlaceholderEngine
from studio.costs import quotas, spending_caps
from studio.costs.spending_caps import PurchaseRequest
from studio.ingest import pipeline
from studio.library.queries import get_asset_bytes
from studio.recipes import run_inputs, specs, versions
from studio.recipes.run_inputs import PoseReference
from studio.runs import records, runner
from studio.runs.events import RunDue
from tenants.agencies.rights import Role
from tenants.api_keys.keys import ApiKeyScope
from tests.gate.answers import rate_and_answer
from tests.generators.builders import encoded
from tests.studio.builders import CREDENTIAL, Engine, build_spec
from tests.web.api.media.test_media import rated
from tests.web.api_client import ApiClient, create_api_client, error_code
from tests.web.builders import WebServer
from tests.web.mcp.test_tools import call, refused

ASKED = {
    "mood": {"kind": "choice", "options": ["calm", "lively"]},
    "people": {"kind": "number", "most": 4},
}


def recipe(api: ApiClient, creator: str = "mia", **changes: Any) -> str:
    with api.scope() as scope:
        return str(specs.save_recipe(scope, api.creators[creator], build_spec(**changes)))


def start(api: ApiClient, recipe_id: str, **more: Any) -> Any:
    return api.ask("POST", "/runs", {"recipe_id": recipe_id, **more})


def test_previewed_run_is_started_once_and_stopped(api: ApiClient) -> None:
    mine = recipe(api, prompt="{place} {mood} {people}", parameters=ASKED)
    (found,) = api.get("/recipes")["items"]
    assert (found["id"], found["pictures"], [one["name"] for one in found["questions"]]) == (
        mine,
        3,
        [*ASKED],
    )
    seen = api.get(f"/recipes/{mine}/preview?seed=7&answer=mood=lively&answer=people=3")
    assert len(seen["pictures"]) == 3
    assert all(one["prompt"].endswith("lively 3") for one in seen["pictures"])
    assert (seen["seed"], seen["cost"], seen["refusal"], seen["rating"]) == (7, None, None, "G")
    body = {"recipe_id": mine, "seed": 7, "answers": {"mood": "lively", "people": 3}}
    first = api.ask("POST", "/runs", body, idempotency_key="one")
    again = api.ask("POST", "/runs", body, idempotency_key="one")
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json()["id"] == again.json()["id"]
    run = first.headers["location"].removeprefix("/v1")
    assert (api.get(run)["state"], api.get(run)["total"]) == ("queued", 3)
    assert {one["state"] for one in api.get(f"{run}/pictures")["items"]} == {"missing"}
    seen = api.ask("GET", run).headers["etag"]
    assert api.ask("POST", f"{run}/stop", if_match=seen).json()["state"] == "stopped"
    assert api.ask("POST", f"{run}/stop", if_match=seen).status_code == 412
    over = api.ask("POST", f"{run}/stop", if_match=api.ask("GET", run).headers["etag"])
    assert (over.status_code, list(over.json()["error"]["states"].values())) == (409, ["stopped"])


def test_hostile_answers_and_numbers_start_no_run(api: ApiClient) -> None:
    mine = recipe(
        api, prompt="{place} {mood} {people} {what}", parameters={**ASKED, "what": {"kind": "text"}}
    )
    for answers in (
        {"mood": "x"},
        {"people": 99},
        {"people": True},
        {"other": "x"},
        {"what": "a\u202eb"},
        {"mood": 1},
    ):
        answer = start(api, mine, answers=answers)
        assert answer.status_code == 422, answers
    for wrong in (
        {"count": 0},
        {"count": 25},
        {"seed": -1},
        {"seed": 2**31},
        {"answers": {"what": "x" * 121}},
    ):
        assert start(api, mine, **wrong).status_code == 422
    assert error_code(start(api, mine, answers={"what": "MINOR-P-A"})) == "recipe.prohibited"
    for line in ("mood", "=calm", "people=9999999999", "what=%00"):
        assert api.ask("GET", f"/recipes/{mine}/preview?answer={line}").status_code == 422
    with api.scope() as scope:
        assert (
            scope.run(
                "SELECT count(*) FROM jobs WHERE tenant_id = :t", t=api.tenant_id
            ).scalar_one()
            == 0
        )


def test_runs_need_own_recipe_and_the_right_scope(api: ApiClient, room: WebServer) -> None:
    mine, hers = recipe(api), recipe(api, "zoe")
    run = start(api, hers).json()["id"]
    narrow, reads = api.key(creators=["mia"]), api.key(scopes=[ApiKeyScope.POSTS_READ])
    stranger = create_api_client(room.client, room.tenant).secrets["owner"]
    for key in (narrow, stranger):
        assert api.ask("POST", "/runs", {"recipe_id": hers}, key=key).status_code == 404
        for path in (
            f"/recipes/{hers}",
            f"/recipes/{hers}/preview",
            f"/runs/{run}",
            f"/runs/{run}/pictures",
        ):
            assert api.ask("GET", path, key=key).status_code == 404, path
        assert api.ask("POST", f"/runs/{run}/stop", key=key, if_match='"x"').status_code == 404
    assert [one["id"] for one in api.get("/recipes", key=narrow)["items"]] == [mine]
    assert error_code(api.ask("POST", "/runs", {"recipe_id": mine}, key=reads)) == "api.other_scope"
    assert api.get(f"/runs/{run}")["state"] == "queued"
    with api.scope() as scope:
        versions.archive_recipe(scope, api.creators["mia"], UUID(mine))
    assert start(api, mine).status_code == 404


def test_picture_is_listed_once_rated_and_never_while_withheld(
    api: ApiClient, room: WebServer
) -> None:
    run = start(api, recipe(api), seed=7).json()["id"]
    assets = [drawn(api, room, UUID(run), number) for number in (0, 1)]
    told = api.get(f"/runs/{run}/pictures")["items"]
    assert [one["state"] for one in told] == ["waiting", "waiting", "missing"]
    assert not any(one["media_id"] or one["alt"] for one in told)
    for asset, rating in zip(assets, (Rating.S, Rating.E), strict=True):
        with api.scope() as scope:
            rate_and_answer(scope, get_asset_bytes(scope, asset).sha256, rating, source="rule:test")
    told = api.get(f"/runs/{run}/pictures")["items"]
    assert (told[0]["state"], told[0]["media_id"], told[0]["rating"]) == (
        "ready",
        str(assets[0]),
        "S",
    )
    assert (told[1]["state"] == "ready", told[1]["media_id"]) == (False, None)


def drawn(api: ApiClient, room: WebServer, run: UUID, number: int) -> UUID:
    """Add an unrated picture of the run to the library."""
    with api.scope() as scope:
        job = records.get_run_row(scope, run)
        shot = specs.plan_pictures(
            specs.get_spec(scope, job.recipe_id), seed=job.seed, count=job.total
        )[number]
        key = records.picture_source_key(job, number)
    picture: GeneratedPicture = PlaceholderEngine().draw(shot.job)
    prepared = pipeline.prepare_generated_picture(
        picture, key=key, alt=shot.scene, credential=CREDENTIAL, job_id=run
    )
    return pipeline.ingest_asset(
        room.tenant,
        room.library,
        tenant_id=api.tenant_id,
        creator_id=api.creators["mia"],
        prepared=prepared,
    )


def test_mcp_run_is_previewed_started_once_and_stopped(api: ApiClient) -> None:
    mine = recipe(api)
    assert [one["id"] for one in call(api, "list_recipes")["items"]] == [mine]
    seed = call(api, "preview_run", recipe_id=mine)["seed"]
    first = call(api, "start_run", recipe_id=mine, seed=seed, key="a")
    assert call(api, "start_run", recipe_id=mine, seed=seed, key="a")["id"] == first["id"]
    assert call(api, "read_run", run_id=first["id"])["seed"] == seed
    assert call(api, "stop_run", run_id=first["id"])["state"] == "stopped"
    refused(api, "stop_run", run_id=first["id"])
    refused(api, "read_run", run_id=str(uuid7()))


def test_runs_are_listed_with_their_costs(api: ApiClient, room: WebServer) -> None:
    runs = [start(api, recipe(api, name=name)).json()["id"] for name in ("a", "b", "c")]
    start(api, recipe(api, "zoe"))
    with api.scope() as scope:
        price = Price(Decimal("0.35"), "USD")
        order = spending_caps.reserve_price(
            scope,
            PurchaseRequest(api.creators["mia"], UUID(runs[1]), 0, "replicate", "a/b", price),
            {},
        )
        spending_caps.mark_ordering(scope, order.id, wall_now())
        scope.run("UPDATE jobs SET state = 'failed' WHERE id = :id", id=UUID(runs[1]))
    mia = api.creators["mia"]
    first = api.get(f"/runs?creator={mia}&limit=2")
    rest = api.get(f"/runs?creator={mia}&limit=2&cursor={first['next']}")
    assert [one["id"] for one in first["items"] + rest["items"]] == runs[::-1]
    spent = first["items"][1]["spent"]
    assert (spent["cost"], spent["lost"]) == (["0.0035 USD"], ["0.0035 USD"]), (
        "billed without a result"
    )
    assert len(api.get("/runs")["items"]) == 4
    assert len(api.get("/runs", key=api.key(creators=["mia"]))["items"]) == 3
    found = api.get(f"/costs?creator={mia}")
    assert (found["total"]["cost"], found["unassigned"]) == (["0.0035 USD"], found["total"])
    stranger = create_api_client(room.client, room.tenant)
    assert stranger.get("/runs")["items"] == []
    assert stranger.ask("GET", f"/costs?creator={mia}").status_code == 404
    post = api.write()["id"]
    assert api.get(f"/posts/{post}/cost")["own"] == {
        "things": 0,
        "cost": [],
        "lost": [],
        "seconds": 0.0,
    }
    assert stranger.ask("GET", f"/posts/{post}/cost").status_code == 404


def test_platform_request_costs_are_listed_by_account(api: ApiClient, room: WebServer) -> None:
    channel = api.get("/channels")["items"][0]
    with api.scope() as scope:
        request_costs.record_poll_costs(
            scope, UUID(channel["id"]), "x", {"post": 2, "message_read": 3}
        )
        scope.run("UPDATE channels SET platform = 'x' WHERE id = :id", id=UUID(channel["id"]))
    asked = f"/costs?creator={channel['creator_id']}"
    (found,) = api.get(asked)["requests"]
    assert (found["channel_id"], found["platform"], found["cost"]) == (
        channel["id"],
        "x",
        "0.06 USD",
    )
    assert found["many"] == {"message_read": 3, "post": 2}
    assert api.get(f"{asked}&month=2025-01")["requests"] == []
    others = [one for one in api.get("/creators")["items"] if one["id"] != channel["creator_id"]]
    assert [api.get(f"/costs?creator={one['id']}")["requests"] for one in others] == [
        [] for _ in others
    ]


def test_file_is_served_once_rated_and_covered_file_only_on_request(
    api: ApiClient, room: WebServer
) -> None:
    run = start(api, recipe(api), seed=7).json()["id"]
    openly, adult, withheld = (drawn(api, room, UUID(run), number) for number in (0, 1, 2))
    assert error_code(api.ask("GET", f"/media/{openly}/file")) == "media.waits"
    with api.scope() as scope:
        digests = {one: get_asset_bytes(scope, one).sha256 for one in (openly, adult, withheld)}
    for asset, rating in ((openly, Rating.G), (adult, Rating.E), (withheld, Rating.G)):
        rated(api, str(asset), rating)
    with api.scope() as scope:
        ratings.freeze_bytes(scope, digests[withheld])
    assert error_code(api.ask("GET", f"/media/{adult}/file?uncovered=true")) == "media.waits", (
        "not reviewed yet"
    )
    with api.scope() as scope:
        scope.run(
            "INSERT INTO human_reviews (tenant_id, id, about, digest, principal_id, verdict, "
            "seen_percent)"
            " SELECT :t, :id, 'bytes', :digest, principal_id, 'approve', 100 FROM members WHERE "
            "id = :who",
            t=api.tenant_id,
            who=api.members[Role.OWNER],
            id=uuid7(),
            digest=digests[adult],
        )
    answer = api.ask("GET", f"/media/{openly}/file")
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert bytes_digest(answer.content) == digests[openly]
    assert error_code(api.ask("GET", f"/media/{adult}/file")) == "media.covered"
    assert api.ask("GET", f"/media/{adult}/file?uncovered=true").status_code == 200
    with api.scope(f"member:{api.members[Role.MANAGER]}") as scope:
        noted = scope.run("SELECT act, about FROM audit_entries WHERE act = 'asset.fetched'").all()
        assert [tuple(one) for one in noted] == [("asset.fetched", f"asset:{adult}")]
    for asset in (withheld, uuid7()):
        assert api.ask("GET", f"/media/{asset}/file?uncovered=true").status_code == 404
    for key in (
        api.key(creators=["zoe"]),
        create_api_client(room.client, room.tenant).secrets["owner"],
    ):
        assert api.ask("GET", f"/media/{openly}/file", key=key).status_code == 404
    assert (
        error_code(
            api.ask("GET", f"/media/{openly}/file", key=api.key(scopes=[ApiKeyScope.POSTS_READ]))
        )
        == "api.other_scope"
    )


def test_runs_started_over_the_api_respect_the_daily_quota(api: ApiClient, room: WebServer) -> None:
    with api.scope() as scope:
        quotas.set_daily_quota(scope, 1)
        today = scope.now
    run = start(api, recipe(api), seed=7).json()["id"]
    work(api, room, run)
    assert (api.get(f"/runs/{run}")["done"], api.get(f"/runs/{run}")["state"]) == (1, "running")
    waits = api.get(f"/runs/{run}")["waits_until"]
    assert datetime.fromisoformat(waits) > today
    other = start(api, recipe(api, "zoe")).json()["id"]
    work(api, room, other)
    assert (api.get(f"/runs/{other}")["done"], bool(api.get(f"/runs/{other}")["waits_until"])) == (
        0,
        True,
    )
    with api.scope() as scope:
        quotas.set_daily_quota(scope, None)
    work(api, room, run)
    assert api.get(f"/runs/{run}")["state"] == "done"


def work(api: ApiClient, room: WebServer, run: str) -> None:
    """Run the generation once, as a worker does."""
    given = {
        "tenant": api.tenant,
        "engine": Engine,
        "store": room.library,
        "credential": lambda: CREDENTIAL,
    }
    with suppress(outbox.RetryLater):
        runner.generate_pictures(RunDue(api.tenant_id, UUID(run), 0), **given)


def test_run_accepts_initial_picture_with_region_or_posture(
    api: ApiClient, room: WebServer
) -> None:
    mine = recipe(api)
    asset = str(drawn(api, room, UUID(start(api, mine).json()["id"]), 0))
    disc = Image.new("L", (200, 100))
    ImageDraw.Draw(disc).ellipse((50, 20, 150, 80), fill=255)
    mask = base64.b64encode(encoded(disc, "PNG")).decode()
    ellipse = {"kind": "ellipse", "left": 10, "top": 10, "right": 40, "bottom": 40}
    begun = start(api, mine, begin={"media_id": asset, "anew": 40, "part": [ellipse], "mask": mask})
    posed = start(api, mine, posture={"media_id": asset, "weight": 80})
    assert (begun.status_code, posed.status_code) == (202, 202), begun.text
    with api.scope() as scope:
        first, second = (
            records.get_run_row(scope, UUID(one.json()["id"])) for one in (begun, posed)
        )
        begins, pose = run_inputs.init_picture_of(first), run_inputs.pose_reference_of(second)
    assert begins is not None
    assert isinstance(begins.region, tuple)
    assert (str(begins.asset_id), begins.anew) == (asset, 40)
    assert [one.kind for one in begins.region] == ["ellipse", "drawn"]
    assert pose == PoseReference(UUID(asset), 80)
    whole = {"media_id": asset}
    for wrong, said in (
        ({"begin": whole, "posture": whole}, "job.posture_beside"),
        ({"begin": {**whole, "mask": base64.b64encode(b"<script>").decode()}}, "photo.unsupported"),
        ({"begin": {**whole, "part": [{**ellipse, "right": 10}]}}, "job.mask_small"),
    ):
        answer = start(api, mine, **wrong)
        assert (answer.status_code, error_code(answer)) == (422, said)
    for wrong in (
        {**whole, "anew": 96},
        {**whole, "mask": "%"},
        {**whole, "part": [{"kind": "circle"}]},
        {"anew": 50},
    ):
        assert start(api, mine, begin=wrong).status_code == 422
    assert start(api, mine, begin={"media_id": str(uuid7())}).status_code == 404
    assert start(api, recipe(api, "zoe"), begin=whole).status_code == 404, (
        "a picture of another creator is refused"
    )

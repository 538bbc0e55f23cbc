"""An agency with one resource of every kind, and the request bodies of the operations."""

import json
import re
import tempfile
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import httpx

from channels.accounts import lifecycle
from foundation.ids import uuid7
from foundation.storage.object_store import FileStore
from gate.contract.units import Rating
from gate.reviews import link_targets
from insights.alerts.models import AlertRow
from insights.reports import runs
from insights.reports.events import ReportDue
from schedules.downtime import missed_posts, queries
from schedules.imports import handlers as imports_handling
from schedules.imports.events import ImportCheck
from schedules.suggestions.captions.kind import CaptionKind
from schedules.suggestions.events import CaptionSetDue, IdeasDue
from schedules.suggestions.ideas.kind import IdeaKind
from schedules.suggestions.shared.engine import fail_suggestions
from studio.ingest import pipeline
from studio.library import assets
from studio.recipes import specs
from tenants.agencies.rights import Role
from tenants.webhooks.outgoing_calls import abandon_call, send_test_event
from tests.gate.answers import rate_and_answer
from tests.generators.builders import a_picture, encoded
from tests.studio.builders import build_spec
from tests.web.api_client import NEXT_YEAR, ZONE, ApiClient, module_start
from web.api.admin.webhook_schemas import EXAMPLE_CALL_ID
from web.api.common.schemas import (
    EXAMPLE_CHANNEL_ID,
    EXAMPLE_CREATOR_ID,
    EXAMPLE_DELIVERY_ID,
    EXAMPLE_POST_ID,
)
from web.api.generation.run_schemas import EXAMPLE_RECIPE_ID
from web.api.media.picture_copy_schemas import EXAMPLE_MEDIA_ID
from web.api.planning import imports
from web.api.planning.account_failover import EXAMPLE_SPARE_ID
from web.api.planning.evergreen_schemas import EXAMPLE_ENTRY_ID

FILE = imports.EXAMPLE_CSV.replace("Mia,Mia on Bluesky", "{creator},Sandbox {creator}")
ACTIONS = (
    "schedule|approve|cancel|move|now|again|link|remove|change|skip|detach|stop|fill|take-out|reorder|shuffle|forward|end"
    "|leave|once-more|undo|apply|pause|resume|importance|keep|hold|test|reword|add|wording|answer|resolve|reopen"
    "|accept|drop|try|rotate|send|ask-change|reject|withdraw|anyway|words-again|words-leave|words-say|dismiss|acknowledge|snooze|revoke"
)
_ACT = re.compile(rf"/({ACTIONS})$")


MEANT = {
    EXAMPLE_CREATOR_ID: "creator_id",
    EXAMPLE_CHANNEL_ID: "channel_id",
    EXAMPLE_POST_ID: "post_id",
    EXAMPLE_DELIVERY_ID: "delivery_id",
    EXAMPLE_RECIPE_ID: "recipe_id",
    EXAMPLE_ENTRY_ID: "entry_id",
    EXAMPLE_SPARE_ID: "other_id",
    EXAMPLE_CALL_ID: "call_id",
    EXAMPLE_MEDIA_ID: "media_id",
}
"""Field names of the IDs in the documented examples."""


@dataclass
class ExampleAgency:
    """An API client and the IDs of its resources, named as in the document."""

    api: ApiClient
    ids: dict[str, str]

    def path(self, path: str) -> str:
        return re.sub(r"\{(\w+)\}", lambda found: self.ids[found[1]], path)

    def said(self, example: Any) -> Any:
        """Return the example with real IDs."""
        if isinstance(example, dict):
            return {name: self.said(value) for name, value in example.items()}
        if isinstance(example, list):
            return [self.said(value) for value in example]
        return self.ids[MEANT[example]] if example in MEANT else example

    def etag(self, path: str, **more: Any) -> str:
        """Return the current ETag of the resource that an operation changes."""
        answer = self.api.ask("GET", _ACT.sub("", self.path(path)), **more)
        assert answer.status_code == 200, answer.text
        return answer.headers["etag"]


AT_ONCE = frozenset(
    {"key_id", "creator_id", "channel_id", "post_id", "delivery_id", "slot_id", "cost_id"}
)
TALKED = frozenset(
    {"entry_id", "other_id", "comment_id", "week_id", "line_id", "of_id", "hook_id", "call_id"}
)
"""Ids that `add_review_discussion` creates."""


def create_example_agency(
    api: ApiClient,
    creator: str = "mia",
    *,
    store: FileStore | None = None,
    ids_of: frozenset[str] | None = None,
) -> ExampleAgency:
    """Create one resource of every kind, or only those needed for `ids_of`, for one creator. The
    post is alone in the queue of her account. The picture is written to `store` if one is given."""
    account = str(api.channels[creator])
    ids = {"creator_id": str(api.creators[creator]), "channel_id": account, "month": "2031-03"}
    post = api.approved(creator=creator)
    ids |= {"post_id": post["id"], "delivery_id": post["deliveries"][0]["id"]}
    ids["key_id"] = api.get("/keys", key=api.secrets["owner"])["items"][0]["id"]
    slot = {"channel_id": account, "weekday": 2, "clock": "18:30"}
    ids["slot_id"] = expect_success(api.ask("POST", "/slots", slot))["id"]
    cost = {
        "creator_id": ids["creator_id"],
        "kind": "ads",
        "minor": 4990,
        "currency": "EUR",
        "spent_on": module_start().date().isoformat(),
    }
    ids["cost_id"] = expect_success(api.ask("POST", "/analytics/costs", cost))["id"]
    link = {"creator_id": ids["creator_id"], "name": "Bio", "source": "bio"}
    place = {"destination": "web", "url": "https://example.com/bio"}
    with api.scope() as scope:
        for url in (place["url"], "https://shop.example.com/"):  # that of the documented example
            link_targets.register_link_target(
                scope, api.creators[creator], url, rating=Rating.G, adult=False
            )
    ids["link_id"] = expect_success(api.ask("POST", "/acquisition-links", link | place))["id"]
    found = ExampleAgency(api, ids)
    day = {"slots": [{"at": "10:00", "channels": [account], "media": "library"}]}
    expect_success(api.ask("PUT", f"/creators/{ids['creator_id']}/routine", day, version=0))
    queue = api.ask("GET", f"/queues/{account}")
    filled = api.ask(
        "POST", f"/queues/{account}/fill", {"posts": [post["id"]]}, if_match=queue.headers["etag"]
    )
    assert [one["delivery_id"] for one in expect_success(filled)["items"]] == [ids["delivery_id"]]
    if ids_of is None or ids_of - AT_ONCE - TALKED:
        _planned(found, creator, store)
    if ids_of is None or ids_of & TALKED:
        ids |= add_review_discussion(found)
    return found


def _planned(found: ExampleAgency, creator: str, store: FileStore | None) -> None:
    """Add a series, test, list, downtime, quiet period, pause, move, import, upload, picture,
    recipe, copy, run, caption set, idea set, label and feed."""
    api, ids, owner = found.api, found.ids, found.api.secrets["owner"]
    account = ids["channel_id"]
    lasting = {"every": "weekly", "weekdays": [0, 3], "end": 200}
    ids["series_id"] = expect_success(
        api.ask("POST", "/series", create_series(found, repeat=lasting))
    )["id"]
    ids["test_id"] = expect_success(begin_ab_test_on_new_series(api, found))["id"]
    words = {"name": f"outfits-{creator}", "words": ["a coat"], "creator_id": ids["creator_id"]}
    ids["list_id"] = expect_success(api.ask("POST", "/word-lists", words))["id"]
    ids["downtime_id"] = create_missed_posts(api, creator)
    ids |= store_report(api, creator)
    night = {"creator_id": ids["creator_id"], "label": "Night", "start": "22:00", "end": "08:00"}
    limit = {"kind": "anomaly", "metric": "views", "creator_id": ids["creator_id"]}
    ids["rule_id"] = expect_success(api.ask("POST", "/alert-rules", limit))["id"]
    ids["alert_id"] = add_alert(api, creator, ids["rule_id"])
    ids |= add_workspace(found)
    ids["quiet_id"] = expect_success(api.ask("POST", "/quiet", night))["id"]
    ids["pause_id"] = expect_success(api.ask("POST", "/pauses", pause_request(found)))["pause"][
        "id"
    ]
    ids["shift_id"] = expect_success(api.ask("POST", "/shifts", move_request(found)))["shift_id"]
    ids["import_id"] = expect_success(upload_import(api, creator, key=owner))["id"]
    ids["upload_id"] = expect_success(upload_picture(api, new_photo(), creator))["id"]
    media = add_library_picture(api, creator, store=store)
    ids["media_id"] = str(media)
    with api.scope() as scope:
        rate_and_answer(scope, assets.get_asset(scope, media).sha256, Rating.G, source="rule:test")
        ids["recipe_id"] = str(specs.save_recipe(scope, api.creators[creator], build_spec()))
    ids["copy_id"] = expect_success(
        api.ask("POST", "/copies", {"media_id": ids["media_id"], "strength": 20})
    )["id"]
    ids["run_id"] = expect_success(
        api.ask("POST", "/runs", {"recipe_id": ids["recipe_id"], "seed": 7})
    )["id"]
    ids["kit_id"] = expect_success(api.ask("POST", "/kits", caption_request(found)))["id"]
    ids["ideas_id"] = expect_success(api.ask("POST", "/ideas", {"creator_id": ids["creator_id"]}))[
        "id"
    ]
    record_missing_model(api, ids["kit_id"], ids["ideas_id"])
    feed = {
        "creator_id": ids["creator_id"],
        "url": "https://example.com/own.xml",
        "channels": [account],
    }
    ids["label_id"] = expect_success(api.ask("POST", "/labels", {"name": f"Label of {creator}"}))[
        "id"
    ]
    ids["feed_id"] = expect_success(api.ask("POST", "/feeds", feed))["id"]


def add_workspace(found: ExampleAgency) -> dict[str, str]:
    """Set a goal, add an annotation, save a view, create a share link and return their IDs."""
    requests = {
        "goal_id": ("goals", {"metric": "orders", "target": 50}),
        "annotation_id": ("annotations", {"day": "2026-03-02", "text": "New price"}),
        "view_id": ("views", {"name": "Sales", "parameters": {}, "is_shared": True}),
        "share_link_id": (
            "share-links",
            {"name": "Mia", "views": ["sales"], "first": "2026-01-01", "last": "2026-01-28"},
        ),
    }
    creator = found.ids["creator_id"]
    owner = {"creator_id": creator}
    owners = {"goals": owner, "annotations": owner, "share-links": {"creators": [creator]}}
    made = {}
    for name, (path, said) in requests.items():
        answer = found.api.ask("POST", f"/analytics/{path}", {**said, **owners.get(path, {})})
        made[name] = expect_success(answer)["id"]
    return made


def add_alert(api: ApiClient, creator: str, rule_id: str) -> str:
    """Open an alert about views and return its ID."""
    with api.scope() as scope:
        row = AlertRow(
            tenant_id=scope.tenant_id,
            rule_id=UUID(rule_id),
            kind="anomaly",
            metric="views",
            creator_id=api.creators[creator],
            series=f"{api.creators[creator]}:",
            day=scope.now.date(),
            since=scope.now,
            expected=200,
            seen=100,
        )
        scope.add(row)
        return str(row.id)


def add_review_discussion(found: ExampleAgency) -> dict[str, str]:
    """Add an evergreen entry, spare account, comment, weekly plan, dry run and webhook, and return
    their IDs."""
    api, ids = found.api, found.ids
    creator, account = ids["creator_id"], ids["channel_id"]
    path, whole = f"/pools/{creator}", {"channels": [account], "min_age_days": 60, "every_days": 2}
    settled = api.ask("PATCH", path, whole, if_match=api.ask("GET", path).headers["etag"])
    inside = api.ask(
        "POST", f"{path}/add", {"post_id": ids["post_id"]}, if_match=settled.headers["etag"]
    )
    comment = api.ask(
        "POST", "/comments", {"post_id": ids["post_id"], "words": "Is the date right?"}
    )
    brief = {"creator_id": creator, "goal": "The harbour feast", "channels": [account], "count": 2}
    week = expect_success(api.ask("POST", "/weeks", brief))
    tried = expect_success(
        api.ask("POST", "/posts", {"creator_id": creator, "body": "only tried"})
    )["id"]
    expect_success(api.ask("POST", "/rehearsals", {"what": "post", "of_id": tried}))
    hook = expect_success(
        api.ask("POST", "/hooks", add_webhook(creators=[creator]), key=api.secrets["owner"])
    )
    return {
        "entry_id": expect_success(inside)["items"][0]["id"],
        "other_id": str(add_spare_account(api, creator)),
        "comment_id": expect_success(comment)["id"],
        "week_id": week["id"],
        "line_id": week["lines"][0]["id"],
        "of_id": tried,
        "hook_id": hook["id"],
        "call_id": add_failed_webhook_call(api, hook["id"]),
    }


def store_report(api: ApiClient, creator: str) -> dict[str, str]:
    """Schedule a report with a recipient, store one of a day, and return the IDs of both."""
    recipient = {"route": "email", "address": "client@example.com"}
    form = {"name": "Day", "kind": "daily", "zone": "Europe/Paris", "recipients": [recipient]}
    asked = {**form, "creators": [str(api.creators[creator])]}
    made = expect_success(api.ask("POST", "/report-schedules", asked))["id"]
    day = date(2026, 1, 5)
    runs.create_report(ReportDue(api.tenant_id, UUID(made), day, day), tenant=api.tenant)
    (stored,) = api.get(f"/report-schedules/{made}/reports")["items"]
    return {"schedule_id": made, "report_id": stored["id"]}


def add_webhook(**more: Any) -> dict[str, Any]:
    """Return the body of a webhook for published deliveries."""
    told = {
        "name": "Books",
        "url": "https://crm.example.com/hook",
        "events": ["delivery.published"],
    }
    return {**told, "secret": "s" * 40, **more}


def add_failed_webhook_call(api: ApiClient, hook_id: str) -> str:
    """Create a webhook call that failed for good, and return its ID."""
    with api.scope(f"member:{api.members[Role.OWNER]}") as scope:
        call_id = send_test_event(scope, UUID(hook_id))
    with api.scope() as scope:
        abandon_call(scope, call_id)
    return str(call_id)


def add_spare_account(api: ApiClient, creator_id: str) -> UUID:
    """Connect another account of a creator."""
    with api.scope() as scope:
        return lifecycle.connect_account(
            scope,
            creator_id=UUID(creator_id),
            platform="sandbox",
            surface="sandbox.post",
            account=f"spare-{creator_id[-8:]}",
            name="Spare",
            base_url="http://127.0.0.1:9",
            token=None,
            zone=ZONE,
            app_key=f"app-{api.tenant_id}",
        )


def required_ids(path: str, example: Any) -> frozenset[str]:
    """Return the IDs that an operation and its example need. A pool exists only once it has an
    entry."""
    said = json.dumps(example)
    named = {name for meant, name in MEANT.items() if meant in said}
    return (
        frozenset(re.findall(r"\{(\w+)\}", path))
        | named
        | ({"entry_id"} if path.startswith("/pools/") else set())
    )


def expect_success(answer: httpx.Response) -> dict[str, Any]:
    """Return the JSON of a response that must have succeeded."""
    assert answer.status_code in {200, 201, 202}, answer.text
    found: dict[str, Any] = answer.json()
    return found


def create_series(world: ExampleAgency, **more: Any) -> dict[str, Any]:
    """Return the body of a series on Mondays and Thursdays at 18:30, in the far future."""
    return {
        "creator_id": world.ids["creator_id"],
        "body": "again",
        "channels": [world.ids["channel_id"]],
        "at": {"wall_time": "2031-03-03T18:30", "zone": "Europe/Paris"},
        "repeat": {"every": "weekly", "weekdays": [0, 3], "end": 8},
        **more,
    }


def begin_ab_test_on_new_series(
    api: ApiClient, world: ExampleAgency, *, hour: str = "06:30", **more: Any
) -> httpx.Response:
    """Start a test on a new daily series."""
    at = {"wall_time": f"2031-03-03T{hour}", "zone": "Europe/Paris"}
    begun = api.ask(
        "POST", "/series", create_series(world, at=at, repeat={"every": "daily", "end": 200})
    )
    return begin_ab_test(api, expect_success(begun)["id"], **more)


def begin_ab_test(api: ApiClient, series_id: str, **more: Any) -> httpx.Response:
    """Start a test on the current version of a series."""
    said = {
        "day": "2031-03-06",
        "body": "again, otherwise",
        "metric": "views",
        "age_hours": 24,
        "planned": 60,
    }
    path = f"/series/{series_id}"
    tag = api.ask("GET", path).headers["etag"]
    return api.ask("POST", f"{path}/test", {**said, **more}, if_match=tag)


def create_missed_posts(api: ApiClient, creator: str = "mia", *, count: int = 2) -> str:
    """Create posts that a downtime of 50 minutes delayed, register them as missed, and return the
    ID of the downtime."""
    posts = [api.approved(f"missed {number}", creator=creator) for number in range(count)]
    with api.scope("system:publishing") as scope:
        for number, post in enumerate(posts):
            scope.run(
                "UPDATE deliveries SET due_at = :due, late_until = :late WHERE tenant_id = :t AND "
                "id = :id",
                due=scope.now - timedelta(minutes=50 - number),
                late=scope.now + timedelta(hours=4),
                t=api.tenant_id,
                id=UUID(post["deliveries"][0]["id"]),
            )
        missed_posts.register_missed_posts(scope, api.channels[creator])
        return str(queries.list_open_downtimes(scope, [api.creators[creator]])[0].id)


def pause_request(world: ExampleAgency, **more: Any) -> dict[str, Any]:
    """Return the body of a pause for a week without posts."""
    days = {
        "creator_id": world.ids["creator_id"],
        "first": f"{NEXT_YEAR}-08-01",
        "last": f"{NEXT_YEAR}-08-07",
    }
    return {**days, "words": "At the sea", "seen": {}, **more}


def move_request(world: ExampleAgency, **more: Any) -> dict[str, Any]:
    """Return the body of a move that affects no posts."""
    days = {"since": "2032-01-01T00:00:00Z", "before": "2032-01-02T00:00:00Z", "days": 1}
    return {"creator_id": world.ids["creator_id"], **days, "seen": {}, **more}


def upload_import(
    api: ApiClient, creator: str = "mia", *, text: str = FILE, **more: Any
) -> httpx.Response:
    """Upload a file with one post."""
    soon = f"{module_start() + timedelta(days=2):%Y-%m-%d}"
    said = text.format(creator=creator).replace("2031-03-02", soon)
    return api.ask("POST", "/imports", said, content_type="text/csv", **more)


def caption_request(world: ExampleAgency, **more: Any) -> dict[str, Any]:
    """Return the body of a caption request for one idea."""
    return {
        "creator_id": world.ids["creator_id"],
        "idea": "The harbour at dawn",
        "language": "en",
        **more,
    }


def record_missing_model(api: ApiClient, kit_id: str, ideas_id: str) -> None:
    """Fail both requests as a worker without a model does, which allows new requests."""
    fail_suggestions(
        CaptionSetDue(api.tenant_id, UUID(kit_id)), kind=CaptionKind({}), tenant=api.tenant
    )
    fail_suggestions(IdeasDue(api.tenant_id, UUID(ideas_id)), kind=IdeaKind(), tenant=api.tenant)


def new_photo() -> bytes:
    """Return a photo that no other test uses."""
    return encoded(a_picture(seed=uuid7().int % 2**32), "PNG")


def upload_picture(
    api: ApiClient,
    data: bytes,
    creator: str = "mia",
    *,
    name: str = "beach.png",
    generated: bool = False,
    **more: Any,
) -> httpx.Response:
    """Upload a picture."""
    asked = urlencode({"creator": str(api.creators[creator]), "name": name, "generated": generated})
    return api.ask(
        "POST", f"/uploads?{asked}", data, **{"content_type": "application/octet-stream", **more}
    )


def add_library_picture(
    api: ApiClient, creator: str = "mia", *, store: FileStore | None = None
) -> UUID:
    """Add a picture to the library. Its file is discarded unless a store is given."""
    prepared = pipeline.prepare_upload(new_photo(), name="beach.png")
    with tempfile.TemporaryDirectory() as folder:
        kept = store or FileStore(Path(folder))
        said = {
            "tenant_id": api.tenant_id,
            "creator_id": api.creators[creator],
            "prepared": prepared,
        }
        return pipeline.ingest_asset(api.tenant, kept, **said)


def review_picture(api: ApiClient, import_id: str) -> None:
    """Check an import as a worker does."""
    imports_handling.check_import(
        ImportCheck(api.tenant_id, UUID(import_id)), tenant=api.tenant, connectors={}
    )


def unknown_path(path: str) -> str:
    """Return the path with random IDs."""
    return re.sub(r"\{\w+\}", lambda _: str(uuid7()), path)

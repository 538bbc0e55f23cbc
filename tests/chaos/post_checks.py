"""Posts: the destinations' records compared with the intended posts and our records."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from foundation.db.database import Scope
from schedules.posts import queries
from schedules.posts.states import DeliveryState
from schedules.posts.transitions import TOLD_TOGETHER
from studio.library import assets
from studio.runs import runner
from studio.runs.states import JobState
from tests.chaos.installation import Installation
from tests.chaos.sales_checks import Finding, Truth, open_causes
from tests.chaos.world import RECIPE, Intent, Place, World

DAY = timedelta(days=1)
LATE = frozenset({"delivery.too_late", "downtime.too_late", "downtime.no_turn"})
Entries = dict[UUID, queries.DeliveryEntry]


def list_received(house: Installation, place: Place) -> list[dict[str, Any]]:
    """Return everything that a destination received, oldest first. `of` is `post` or `message`."""
    if place.kind == "page":
        return house.read(place.tenant_id, lambda scope: _items(scope, place.account))
    told = house.truth(place.account)
    posts = [{**one, "of": "post"} for one in told["posts"]]
    return posts + [
        {**one, "of": "message"} for one in told["messages"] if one["author"] == "creator"
    ]


def _items(scope: Scope, slug: str) -> list[dict[str, Any]]:
    rows = scope.run(
        "SELECT i.content_id, i.text, i.media FROM items i JOIN sites s ON s.tenant_id = "
        "i.tenant_id"
        " AND s.id = i.site_id WHERE i.tenant_id = :tenant AND s.slug = :slug AND i.removed_at IS "
        "NULL",
        tenant=scope.tenant_id,
        slug=slug,
    )
    return [
        {
            "id": row.content_id,
            "key": row.content_id,
            "text": row.text,
            "media": row.media,
            "of": "post",
        }
        for row in rows
    ]


def list_deliveries(world: World) -> Entries:
    """Return each delivery as the calendar shows it."""
    found: Entries = {}
    first, last = min(one.due for one in world.intents) - DAY, max(one.due for one in world.intents)
    for tenant_id, creator_id in {(place.tenant_id, place.creator_id) for place in world.places}:

        def of_creator(scope: Scope, creator_id: UUID = creator_id) -> list[queries.DeliveryEntry]:
            return queries.entries_between(
                scope, creator_id, first, last.replace(year=last.year + 1)
            )

        found |= {entry.delivery_id: entry for entry in world.house.read(tenant_id, of_creator)}
    return found


def check_posts(world: World, truth: Truth) -> list[Finding]:
    """Check that each post is live once on each destination, or that its state explains its absence
    and it is not live."""
    found: list[Finding] = []
    entries = list_deliveries(world)
    groups: dict[tuple[UUID, str], list[Intent]] = defaultdict(list)
    for intent in world.intents:
        groups[(intent.place.channel_id, intent.text)].append(intent)
    for (channel_id, text), intents in groups.items():
        standing = [one for one in truth[channel_id] if one["of"] == "post" and one["text"] == text]
        found += _same(
            intents, standing, entries, left_in_doubt=_doubts_left(world, intents, entries)
        )
    for place in world.places:
        ours = [intent for intent in world.intents if intent.place.channel_id == place.channel_id]
        known = {key for intent in ours for key in intent.keys}
        strangers = [
            one["id"]
            for one in truth[place.channel_id]
            if one["of"] == "post" and one["key"] not in known
        ]
        found += [f"{place.account}: nobody asked for {stranger}" for stranger in strangers]
    for tenant_id in world.tenants:
        causes = open_causes(world.house, tenant_id)
        ours = [intent for intent in world.intents if intent.place.tenant_id == tenant_id]
        found += [
            fault
            for each in ours
            if (
                fault := _fate(
                    each,
                    entries[each.delivery_id],
                    causes,
                    touched=each.delivery_id in world.touched,
                )
            )
        ]
    return found


def _same(
    intents: Sequence[Intent],
    standing: Sequence[Mapping[str, Any]],
    entries: Entries,
    *,
    left_in_doubt: int = 0,
) -> list[Finding]:
    """Compare the live posts of a text on one destination with our records.

    Posts with the same text are indistinguishable. `left_in_doubt` live posts may be unknown: a
    member closed their uncertain deliveries.
    """
    published = [
        each for each in intents if entries[each.delivery_id].state is DeliveryState.PUBLISHED
    ]
    natives = sorted(str(entries[each.delivery_id].native_id) for each in published)
    there = sorted(str(one["id"]) for one in standing if not one.get("deleted_at"))
    pictures = sorted(each.media for each in published) == sorted(
        len(one["media"]) for one in standing
    )
    known = _without(there, natives) <= left_in_doubt and len(standing) - len(there) <= _removed(
        intents, entries
    )
    if known and (pictures or len(published) < len(intents)):
        return []
    said = ", ".join(
        f"delivery {each.delivery_id} {entries[each.delivery_id].state}" for each in intents
    )
    return [
        f"{intents[0].place.account}: {intents[0].text!r} is {there}, and known as {natives}: "
        f"{said}"
    ]


def _without(there: Sequence[str], natives: Sequence[str]) -> float:
    """Return the number of live posts without a record, or infinity if a recorded post is not live."""
    return len(there) - len(natives) if not Counter(natives) - Counter(there) else float("inf")


def _removed(intents: Sequence[Intent], entries: Entries) -> int:
    return sum(entries[each.delivery_id].state is DeliveryState.REMOVED for each in intents)


def _doubts_left(world: World, intents: Sequence[Intent], entries: Entries) -> int:
    """Return the number of deliveries that a member cancelled while they were uncertain."""
    dropped = [
        each for each in intents if entries[each.delivery_id].state is DeliveryState.CANCELLED
    ]
    return sum(
        step.before is DeliveryState.UNCERTAIN and step.after is DeliveryState.CANCELLED
        for each in dropped
        for step in world.house.read(
            each.place.tenant_id, partial(queries.delivery_timeline, delivery_id=each.delivery_id)
        )
    )


def _fate(
    intent: Intent, entry: queries.DeliveryEntry, causes: set[str], touched: bool
) -> Finding | None:
    """Return the violation in the final state of a delivery, if any. `touched`: a member changed
    it."""
    if touched and entry.state in (DeliveryState.CANCELLED, DeliveryState.REMOVED):
        return None
    reason = entry.reason.code if entry.reason else "no reason"
    what = f"{intent.place.account}: delivery {intent.delivery_id} ends as {entry.state} ({reason})"
    if entry.state is DeliveryState.PUBLISHED:
        return None
    if entry.state is not DeliveryState.HELD or reason not in LATE:
        return what
    if intent.always:
        return f"{what}, and was never too late"
    together = reason in TOLD_TOGETHER and any(cause.startswith("downtime") for cause in causes)
    return (
        None
        if together or f"delivery:{intent.delivery_id}" in causes
        else f"{what}, and no notice was created"
    )


def check_pictures(world: World) -> list[Finding]:
    """Check that each run of a recipe is done, with each picture once and its file in the store."""
    found: list[Finding] = []
    for tenant_id, job_id in world.jobs.items():

        def made(scope: Scope, job_id: UUID = job_id) -> tuple[str, list[str]]:
            state, _, _ = runner.run_progress(scope, job_id)
            return str(state), [
                assets.get_asset(scope, asset).sha256 for asset in runner.run_assets(scope, job_id)
            ]

        state, digests = world.house.read(tenant_id, made)
        stored = [
            digest for digest in digests if world.house.services.store.exists(tenant_id, digest)
        ]
        if state != JobState.DONE or len(digests) != RECIPE.variants or stored != digests:
            found.append(
                f"job {job_id} ended as {state} with {len(digests)} pictures, {len(stored)} of "
                "them stored"
            )
    return found

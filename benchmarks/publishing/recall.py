"""Duration of a recall from five channels, and the overhead of reading evidence for a post.

Measured on a whole installation with every real process; the test network responds as in the
publishing benchmark.
"""

import io
import random
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote
from uuid import UUID

from PIL import Image

from benchmarks.measurement import BENCHMARK_SEED
from benchmarks.publishing.world import (
    LATENCY_MS,
    LEAD,
    PATIENCE_SECONDS,
    call_sandbox_control,
    open_sandbox_account,
    run_installation,
    sandbox_platform,
)
from channels.accounts import lifecycle
from foundation.db.database import Scope
from foundation.ids import uuid7
from foundation.ops.clock import monotonic, sleep, wall_now
from foundation.ops.wall_time import WallTime
from gate.contract.states import DepictionAnswer
from gate.contract.units import Rating, Subject, Text, Unit
from gate.evidence import snapshot
from gate.policy import active_policy
from gate.ratings import depiction_answers, ratings
from gate.ratings.depiction_answers import DRAWN_SOURCE
from gate.removal import removal_requests
from schedules.approvals import decisions
from schedules.posts import deliveries, queries
from schedules.posts.states import DeliveryState
from studio.ingest import pipeline
from studio.library import assets
from tenants.agencies import agencies
from tenants.agencies.rights import Role
from workers.wiring import Services

PLACES = ("post", "as_x", "as_instagram", "as_telegram", "as_fanvue")
RECALLS = 4
LIGHT = 12
EVERY = timedelta(seconds=1)
ASKED = 100
"""Number of times that the evidence of one post is read, for its median."""
ACTOR = "system:bench"


@dataclass(frozen=True)
class _Agency:
    services: Services
    tenant_id: UUID
    creator_id: UUID
    rob: str
    """The member who decides about requests."""
    channels: Mapping[str, UUID]
    """Channels by account, in the order of `PLACES`."""

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.services.settings.sandbox.port}"


def measure_recall(evidence_ms: float) -> dict[str, float]:
    """Start an installation, post, recall and stop it. Takes about a minute.

    recall_five_s: the slowest of several, from the commit of a member's decision on a removal
    request until the last of five accounts has deleted its post, on the test network's clock.
    overhead_ratio: the time of a post from its due time to its settlement with `evidence_ms` of
    queries, their duration in an agency with a long history, compared with the same post without
    them.
    """
    with (
        tempfile.TemporaryDirectory(prefix="greenroom-bench-") as folder,
        run_installation(Path(folder) / "home", latency_ms=LATENCY_MS) as services,
    ):
        agency = _create_agency(services)
        alone_ms = _post_ms(agency) - _looked_ms(agency)
        recalls = [_measure_recall(agency, number) for number in range(RECALLS)]
    return {"recall_five_s": max(recalls), "overhead_ratio": (alone_ms + evidence_ms) / alone_ms}


def _create_agency(services: Services) -> _Agency:
    tenant_id = uuid7()
    base = f"http://127.0.0.1:{services.settings.sandbox.port}"
    accounts = [f"recall-{place}+key" for place in PLACES]
    tokens = {
        account: services.seal(tenant_id, open_sandbox_account(base, account))
        for account in accounts
    }
    with services.tenant(tenant_id, ACTOR) as scope:
        agencies.create_agency(scope, name="Bench", language="en", zone="UTC")
        creator_id = agencies.add_creator(
            scope,
            slug="recall",
            name="Bench",
            kind="human",
            zone="UTC",
            languages=["en"],
            approval_tiers=0,
        )
        rob = agencies.add_member(
            scope, name="Rob", email="rob@example.test", role=Role.OWNER, language="en", zone="UTC"
        )
        channels = {
            account: lifecycle.connect_account(
                scope,
                creator_id=creator_id,
                platform=sandbox_platform(services),
                surface=place,
                account=account,
                name=account,
                base_url=base,
                token=token,
                zone="UTC",
            )
            for place, (account, token) in zip(PLACES, tokens.items(), strict=True)
        }
    return _Agency(services, tenant_id, creator_id, f"member:{rob}", channels)


def _schedule_post(
    agency: _Agency, key: str, channels: Sequence[UUID], at: datetime, *, media: Sequence[UUID] = ()
) -> UUID:
    with agency.services.tenant(agency.tenant_id, ACTOR) as scope:
        post_id = deliveries.create_post(
            scope,
            creator_id=agency.creator_id,
            title="",
            body=f"A quiet evening by the sea. {key}",
            media=list(media),
            origin="bench",
            origin_key=key,
            author=scope.actor,
        )
        wall = WallTime(at.date(), at.time().replace(tzinfo=None), "UTC")
        for channel_id in channels:
            deliveries.create_delivery(scope, post_id, channel_id, at=wall)
        decisions.release_without_approval(scope, post_id)
        deliveries.schedule_post(scope, post_id)
    return post_id


def _post_ms(agency: _Agency) -> float:
    """Return the median time from the due time of a post to its settlement, at a low load."""
    start = wall_now().replace(microsecond=0) + LEAD
    channel = next(iter(agency.channels.values()))
    for number in range(LIGHT):
        _schedule_post(agency, f"light {number}", [channel], start + EVERY * number)
    _wait_until(lambda: len(_measure_settling(agency, start)) == LIGHT, "posts did not leave")
    taken = sorted(_measure_settling(agency, start))
    return 1000 * taken[len(taken) // 2]


def _measure_settling(agency: _Agency, start: datetime) -> list[float]:
    """Return the seconds from the due time to the settlement of every published post
    since `start`."""
    with agency.services.tenant(agency.tenant_id, ACTOR) as scope:
        entries = queries.entries_between(
            scope, agency.creator_id, start, start + timedelta(hours=1)
        )
    stand = (
        one
        for one in entries
        if one.state is DeliveryState.PUBLISHED and one.settled_at is not None
    )
    return [
        (one.settled_at - one.due_at).total_seconds() for one in stand if one.settled_at is not None
    ]


def _looked_ms(agency: _Agency) -> float:
    """Return the median time of reading the evidence of a text post in this installation."""
    account, channel_id = next(iter(agency.channels.items()))
    unit = Unit(
        tenant_id=agency.tenant_id,
        creator_id=agency.creator_id,
        subject=Subject("delivery", uuid7()),
        platform=sandbox_platform(agency.services),
        surface=PLACES[0],
        channel_id=channel_id,
        account=account,
        audience="public",
        texts=(Text("body", "A quiet evening by the sea."),),
    )
    return measure_evidence_ms(
        lambda: agency.services.tenant(agency.tenant_id, ACTOR), [unit] * ASKED
    )


def measure_evidence_ms(
    scope_of: Callable[[], AbstractContextManager[Scope]],
    units: Sequence[Unit],
    *,
    author: str = "",
) -> float:
    """Return the median time of reading the evidence of several units, each in an open
    transaction."""
    taken = []
    for unit in units:
        with scope_of() as scope:
            started = monotonic()
            snapshot.gather_snapshot(
                scope, unit, author=author, by=active_policy.current_policy(scope)
            )
            taken.append(monotonic() - started)
    return 1000 * sorted(taken)[len(taken) // 2]


def _wait_until(done: Callable[[], bool], otherwise: str) -> None:
    """Wait until a condition is true; raises RuntimeError after a timeout."""
    until = monotonic() + PATIENCE_SECONDS
    while not done():
        if monotonic() > until:
            raise RuntimeError(otherwise)
        sleep(0.2)


def _measure_recall(agency: _Agency, number: int) -> float:
    """Publish a picture on five accounts and return the seconds from the decision until the last is
    deleted."""
    asset_id, sha256 = _create_picture(agency, number)
    key = f"recall {number}"
    _schedule_post(agency, key, list(agency.channels.values()), wall_now() + LEAD, media=[asset_id])
    _wait_until(
        lambda: len(_list_copies(agency, key)) == len(PLACES),
        "the picture did not arrive everywhere",
    )
    with agency.services.tenant(agency.tenant_id, ACTOR) as scope:
        receipt = removal_requests.receive_removal_request(
            scope,
            creator_id=agency.creator_id,
            category="shown",
            named=key,
            digests=[sha256],
            source=key,
        )
        asked = removal_requests.find_status_by_receipt(scope, receipt).id
    with agency.services.tenant(agency.tenant_id, agency.rob) as scope:
        removal_requests.request_decision(scope, asked)
    decided = wall_now()
    _wait_until(lambda: all(_list_copies(agency, key).values()), "a copy is left")
    return max(
        (gone - decided).total_seconds()
        for gone in _list_copies(agency, key).values()
        if gone is not None
    )


def _create_picture(agency: _Agency, number: int) -> tuple[UUID, str]:
    """Create a photograph without persons, rated as general; no two are similar."""
    drawn = random.Random(BENCHMARK_SEED + number)  # noqa: S311 - a picture, not a secret
    tiles = Image.frombytes("RGB", (8, 10), drawn.randbytes(240))
    data = io.BytesIO()
    tiles.resize((800, 1000)).save(data, "JPEG")
    services = agency.services
    prepared = pipeline.prepare_upload(data.getvalue(), name=f"{number}.jpg", alt="Coloured tiles")
    asset_id = pipeline.ingest_asset(
        services.tenant,
        services.store,
        tenant_id=agency.tenant_id,
        creator_id=agency.creator_id,
        prepared=prepared,
    )
    with services.tenant(agency.tenant_id, agency.rob) as scope:
        sha256 = assets.get_asset(scope, asset_id).sha256
        ratings.record_rating(scope, sha256, Rating.G, source=agency.rob)
        depiction_answers.record_answer(
            scope, asset_id, DepictionAnswer.NO_PEOPLE, source=DRAWN_SOURCE, principal=None
        )
    return asset_id, sha256


def _list_copies(agency: _Agency, key: str) -> dict[str, datetime | None]:
    """Return every post with this text, by account: the time of its deletion, or None while it is
    live."""
    found: dict[str, datetime | None] = {}
    for account in agency.channels:
        truth = call_sandbox_control(
            "GET", f"{agency.base}/control/truth/{quote(account, safe='')}"
        )
        for post in truth["posts"]:  # type: ignore[attr-defined]  # JSON of the test network
            if post["text"].endswith(key):
                gone = post["deleted_at"]
                found[account] = datetime.fromisoformat(gone).astimezone(UTC) if gone else None
    return found

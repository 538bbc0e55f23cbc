"""The same posts by ours and by a plain task queue, side by side: when they leave, and what faults make of them."""

import random
import tempfile
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from celery import Celery

from foundation.clock import monotonic, pause, wall_now
from workers import bench_plain, bench_publishing
from workers.bench import SEED
from workers.bench_publishing import LATENCY_MS, SCENARIOS, World

ACCOUNTS = 30
FAULTS: Mapping[str, str] = {
    "reset": "reset_after",
    "hang": "accept_then_hang",
    "error": "status:503_after",
    "refused": "reset_before",
}
"""What meets the first request of each post: taken in and the connection cut, no answer, an error told; cut before."""

HANG_SECONDS = 12
"""Longer than a plain task waits for an answer, shorter than ours do."""

EACH, ON = 20, 5
"""Posts of one fault and one side, and over how many accounts."""

SETTLED_SECONDS = 100.0
"""By then every look and every retry is over."""

LEAD = timedelta(seconds=8)


def figures() -> dict[str, float]:
    """Start the house, post in both ways, stop it: `plain_*` are those of the task queue. Takes about six minutes."""
    with tempfile.TemporaryDirectory(prefix="greenroom-bench-") as name:
        folder = Path(name)
        with bench_publishing.running(folder / "home", latency_ms=LATENCY_MS) as services:
            world = bench_publishing.world(services)
            return {**bench_publishing.figures(world), **_plain(world, folder)}


def _plain(world: World, folder: Path) -> dict[str, float]:
    """Lateness and rate of the plain task queue; `*_doubled` and `*_lost` of both under each fault."""
    redis_url = world.settings.redis.url.get_secret_value()
    app, tokens = bench_plain.app(redis_url), dict[str, str]()
    for number in range(ACCOUNTS):
        tokens[f"plain-{number}"] = bench_publishing.open_account(world.base, f"plain-{number}")
    with bench_plain.worker(redis_url, folder / "plain.log"):
        found: dict[str, float] = {}
        for name, (count, gap) in SCENARIOS.items():
            start = wall_now().replace(microsecond=0) + LEAD
            where = [(f"plain-{number % ACCOUNTS}", start + gap * number) for number in range(count)]
            posts = {f"plain {name} {number}": one for number, one in enumerate(where)}
            bench_plain.plan(app, world.base, tokens, posts)
            found |= _arrived(world, name, posts)
        return {**found, **_under_faults(world, app)}


def _arrived(world: World, name: str, posts: Mapping[str, tuple[str, datetime]]) -> dict[str, float]:
    accounts = sorted({account for account, _ in posts.values()})
    until = monotonic() + bench_publishing.PATIENCE_SECONDS
    seen: Mapping[str, Sequence[datetime]] = {}
    while len(seen) < len(posts) and monotonic() < until:
        pause(1)
        if wall_now() > max(at for _, at in posts.values()):
            seen = {text: at for text, at in bench_publishing.record(world.base, accounts).items() if text in posts}
    late = [(times[0] - posts[text][1]).total_seconds() for text, times in seen.items()]
    first = [times[0] for times in seen.values()]
    match name:
        case "light":
            return {"plain_light_p95_s": bench_publishing.p95(late)}
        case "burst":
            return {"plain_burst120_p95_s": bench_publishing.p95(late)}
        case _:
            return {"plain_posts_per_s": len(first) / max((max(first) - min(first)).total_seconds(), 0.001)}


def _under_faults(world: World, app: Celery) -> dict[str, float]:
    """Each post's first request meets its fault; what stands in the end is the test network's own account of it."""
    drawn, at = random.Random(SEED), wall_now() + timedelta(seconds=25)  # noqa: S311 - marks, no secrets
    tokens, posts, ours = {}, {}, {}
    for fault, mode in FAULTS.items():
        for number in range(EACH):
            for side in ("ours", "plain"):
                account, text = f"{side}-{fault}-{number % ON}", f"{side} {fault} {number} {drawn.randrange(10**6)}"
                wanted = {"mode": mode, "account": account, "on": "posts", "match": text, "seconds": HANG_SECONDS}
                if side == "plain":
                    if account not in tokens:
                        tokens[account] = bench_publishing.open_account(world.base, account)
                    posts[text] = (account, at)
                else:
                    ours[text] = account
                bench_publishing.call("POST", f"{world.base}/control/faults", wanted)
    _plan_ours(world, ours, at)
    bench_plain.plan(app, world.base, tokens, posts)
    pause((at - wall_now()).total_seconds() + SETTLED_SECONDS)
    stand = bench_publishing.record(world.base, sorted({*tokens, *ours.values()}))
    return _counted({text: len(stand.get(text, ())) for text in (*posts, *ours)})


def _plan_ours(world: World, ours: Mapping[str, str], at: datetime) -> None:
    tenant_id, creator_id, _ = world.channels[0]
    channels = {
        account: bench_publishing.connect(world.services, (tenant_id, creator_id), world.base, account)
        for account in sorted(set(ours.values()))
    }
    for text, account in ours.items():
        bench_publishing.plan(world.services.tenant, tenant_id, (creator_id, channels[account]), text, at)


def _counted(times: Mapping[str, int]) -> dict[str, float]:
    found: dict[str, float] = {}
    for side, name in (("ours", ""), ("plain", "plain_")):
        for fault in FAULTS:
            mine = [count for text, count in times.items() if text.startswith(f"{side} {fault} ")]
            found[f"{name}{fault}_doubled"] = float(sum(max(count - 1, 0) for count in mine))
            found[f"{name}{fault}_lost"] = float(sum(count == 0 for count in mine))
    return found

"""Faults of platforms at the worst moment: lagging lists, lost responses in a thread, and
single-use refresh tokens."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from itertools import cycle
from uuid import UUID

import httpx

from channels.accounts import lifecycle, oauth_clients
from channels.accounts import queries as channel_reads
from channels.accounts.states import ChannelState
from channels.connections.events import TokenRenewalDue
from connectors.contract.connector import OAuthClient
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from foundation.ops.clock import monotonic, sleep
from foundation.outbox import outbox
from tests.chaos import post_checks
from tests.chaos.adversary import ALL, HANG_SECONDS, kill
from tests.chaos.installation import SENDERS, InstallationBroken
from tests.chaos.scenes.scene import Scene
from tests.chaos.world import Place
from tests.fakes.x.server import FakeX, x

LOST = ("reset_after", "accept_then_hang", "status:502_after", "reset_before")
"""Faults that lose the response to part two; the last one prevents the post."""

LAG = 3600.0
"""Seconds: longer than the scene."""

FIRST_LOOK = timedelta(seconds=22)
"""Time by which the first lookup was made: 20 s after the post was sent."""

LONGEST_SECONDS = 120.0

RACES, HANDS = 3, 6
"""Number of token expiries, and of rows that request a renewal at once; each is sent three times.
"""


def wait_for_condition(true: Callable[[], bool]) -> bool:
    """Return True if the condition becomes true within `LONGEST_SECONDS`."""
    until = monotonic() + LONGEST_SECONDS
    while not (found := true()) and monotonic() < until:
        sleep(0.05)
    return found


def list_lags(scene: Scene) -> None:
    """Lose the response to a post on every account, with a list that does not show it at the first
    lookup."""
    places = [place for place in scene.world.of_kind(scene.drawn.choice(("plain", "nolook")))]
    scene.house.ask("POST", "/control/faults", {"lookup_lag": LAG})
    for place in places:
        mode = scene.drawn.choice(("reset_after", "accept_then_hang"))
        lost = {"account": place.account, "mode": mode, "on": "posts", "seconds": HANG_SECONDS}
        scene.house.ask("POST", "/control/faults", lost)
    scene.steadily(places, every=0.25, seconds=4)
    scene.wait_until(scene.world.intents[-1].due)
    if not wait_for_condition(lambda: _counted(scene, "send") >= len(places)):
        scene.wrong.append("no response was lost")
    scene.house.jump(FIRST_LOOK)
    if not wait_for_condition(lambda: _counted(scene, "look") >= len(places)):
        scene.wrong.append("no lookup was made while the list lagged")
    scene.house.ask("DELETE", "/control/faults")


def _counted(scene: Scene, kind: str) -> int:
    """Return the number of uncertain sends, or of lookups without a result, in all agencies."""
    outcome = {"send": "uncertain", "look": "absent"}[kind]

    def count(scope: Scope) -> int:
        return int(
            scope.run(
                "SELECT count(*) FROM attempts WHERE tenant_id = :tenant AND kind = :kind AND "
                "outcome = :outcome",
                tenant=scope.tenant_id,
                kind=kind,
                outcome=outcome,
            ).scalar_one()
        )

    return sum(scene.house.read(tenant_id, count) for tenant_id in scene.world.tenants)


def part_two(scene: Scene) -> None:
    """Publish threads of three parts on every account, lose the response to each second part and
    kill senders."""
    start = scene.house.now() + timedelta(seconds=4)
    for number, (place, mode) in enumerate(
        zip([*scene.places(), *scene.places()], cycle(LOST), strict=False)
    ):
        parts = tuple(f"Part {part} of {scene.world.seed}.{number}" for part in (2, 3))
        lost = {
            "account": place.account,
            "mode": mode,
            "on": "posts",
            "match": parts[0],
            "seconds": HANG_SECONDS,
        }
        scene.house.ask("POST", "/control/faults", lost)
        scene.post(place, number, start + timedelta(seconds=number * 0.3), parts=parts)
    for _ in range(2):
        scene.wait_until(scene.house.now() + timedelta(seconds=scene.drawn.uniform(1.5, 3)))
        kill(scene.house, ALL)
    sleep(HANG_SECONDS)


def in_one_piece(scene: Scene) -> Iterator[str]:
    """Check that each part of a thread is live once, replies to the part before it, and is
    recorded."""
    entries = post_checks.list_deliveries(scene.world)
    for one in scene.world.intents:
        mine = [
            each
            for each in post_checks.list_received(scene.house, one.place)
            if each["key"] in one.keys
        ]
        ids = ["", *(each["id"] for each in mine)]
        entry = entries[one.delivery_id]
        told = (entry.done, [each["text"] for each in mine], [each["reply_to"] for each in mine])
        if told != (1 + len(one.parts), [one.text, *one.parts], ids[:-1]):
            yield f"{one.place.account}: delivery {one.delivery_id} is live as {told}"


def token_race(scene: Scene) -> None:
    """Let three senders renew a refresh token at once. A second use of a refresh token revokes the
    account."""
    place = scene.places()[0]
    scene.steadily(scene.places(), every=0.5, seconds=4)
    with x() as server:
        server.oauth.reuse_ends_all = True
        channel_id = _signed_in(scene, place, server)
        for number in range(RACES):
            server.book.schedule_fault("drip", on="tokens", seconds=0.5)
            scene.house.read(place.tenant_id, partial(_all_want_it, channel_id))
            _done(scene, place, channel_id)
            if len(_shown(server)) <= number:
                scene.wrong.append("the token was not renewed")
            scene.house.jump(
                timedelta(seconds=60)
            )  # the second row runs again and finds the renewal done
            _done(scene, place, channel_id)
        shown, pairs = _shown(server), server.oauth.refreshes.values()
        state = scene.house.read(
            place.tenant_id, lambda scope: channel_reads.get_channel(scope, channel_id).state
        )
        ended = (
            len(shown),
            all(status < 300 for status in shown),
            sum(one.used for one in pairs),
            any(one.revoked for one in pairs),
            state,
        )
        if ended != (RACES, True, RACES, False, ChannelState.ACTIVE):
            scene.wrong.append(f"requests, all successful, used, revoked, account: {ended}")
        if (hands := _hands(scene)) < 2:
            scene.wrong.append(f"{hands} of three senders ran a renewal")
        scene.house.read(place.tenant_id, partial(_leave, channel_id))


def _signed_in(scene: Scene, place: Place, server: FakeX) -> UUID:
    """Connect an account through an application of the agency."""
    app, seal = server.application("http://127.0.0.1/"), scene.house.services.seal
    given = server.oauth.granted(app, server.account("lea"))
    with scene.house.scope(place.tenant_id) as scope:
        oauth_clients.store_oauth_client(
            scope, "x", OAuthClient(app.client_id, seal(place.tenant_id, str(app.secret)))
        )
        return lifecycle.connect_account(
            scope,
            creator_id=place.creator_id,
            platform="x",
            surface="x.post",
            account="lea",
            name="lea",
            base_url=server.url,
            token=seal(place.tenant_id, str(given["access_token"])),
            refresh=seal(place.tenant_id, str(given["refresh_token"])),
            expires_at=scope.now + timedelta(hours=2),
            zone="UTC",
            app_key=app.client_id,
        )


def _all_want_it(channel_id: UUID, scope: Scope) -> None:
    scope.run(
        "UPDATE tokens SET expires_at = house_now() WHERE tenant_id = :tenant AND channel_id = "
        ":channel",
        tenant=scope.tenant_id,
        channel=channel_id,
    )
    for _ in range(HANDS):
        outbox.put(scope, TokenRenewalDue(scope.tenant_id, channel_id), priority=1)


def _done(scene: Scene, place: Place, channel_id: UUID) -> None:
    """Wait until no renewal is in progress. A jump of the clock would expire its lease. Raises
    InstallationBroken."""
    if not wait_for_condition(
        lambda: scene.house.read(place.tenant_id, partial(_in_hand, channel_id)) == 0
    ):
        raise InstallationBroken("a renewal does not end")


def _in_hand(channel_id: UUID, scope: Scope) -> int:
    return int(
        scope.run(
            "SELECT count(*) FROM outbox WHERE tenant_id = :tenant AND subject_id = :channel"
            " AND kind = 'token.refresh' AND (state = 'leased' OR available_at <= house_now())",
            tenant=scope.tenant_id,
            channel=channel_id,
        ).scalar_one()
    )


def _shown(server: FakeX) -> list[int]:
    """Return the status of each token request."""
    return [one["status"] for one in server.book.list_requests() if one["kind"] == "tokens"]


def _hands(scene: Scene) -> int:
    """Return the number of senders whose metrics show a renewal."""
    ports = {one.name: one.metrics for one in scene.house.report().processes}
    told = [
        httpx.get(f"http://127.0.0.1:{ports[name]}/metrics", timeout=10).text for name in SENDERS
    ]
    return sum('greenroom_events_total{kind="token.refresh"' in text for text in told)


def _leave(channel_id: UUID, scope: Scope) -> None:
    """Disconnect the account quietly before its platform stops."""
    lifecycle.mark_gone(scope, channel_id, Message("channel.token_refused"))
    scope.run(
        "DELETE FROM outbox WHERE tenant_id = :tenant AND subject_id = :channel",
        tenant=scope.tenant_id,
        channel=channel_id,
    )


SCENES: dict[str, Callable[[Scene], None]] = {
    "a list that lags": list_lags,
    "part two is lost": part_two,
    "one token, three senders": token_race,
}
AFTERWARDS: dict[str, Callable[[Scene], Iterator[str]]] = {"part two is lost": in_one_piece}

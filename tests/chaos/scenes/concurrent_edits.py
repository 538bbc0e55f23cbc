"""Actions of members while processes die: an account is lost and reconnected, texts are edited,
posts dragged and approved at their due time, and a file is imported twice."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from urllib.parse import quote
from uuid import UUID

from channels.accounts import lifecycle
from channels.accounts import queries as channel_reads
from channels.accounts.states import ChannelState
from foundation.db.database import Scope
from foundation.errors import Conflict, GreenroomError
from foundation.ids import uuid7
from foundation.ops.clock import monotonic, sleep
from schedules.approvals import decisions
from schedules.approvals.release import release_post
from schedules.drafts import drafts
from schedules.drafts.drafts import Draft
from schedules.imports import import_files
from schedules.imports.states import ImportState
from schedules.posts import deliveries
from schedules.rescheduling import drag_and_drop
from schedules.rescheduling.drag_and_drop import DropTarget
from tenants.agencies import agencies, rights
from tests.chaos.adversary import ALL, kill
from tests.chaos.installation import ACTOR, SENDERS
from tests.chaos.scenes.scene import Scene
from tests.chaos.world import Intent, Place
from tests.schedules.csv_files import format_csv

NOTICED_SECONDS = 90.0
"""Limit within which a revoked token is used, refused and reported."""

ROWS = 20
FILE_SECONDS = 180.0


def token_ends(scene: Scene) -> None:
    """Revoke the token of one account. Members are notified, other accounts continue, and after
    reconnection the held posts are published."""
    places = scene.places()
    scene.steadily(places, every=0.4, seconds=8)
    lost = places[scene.drawn.randrange(len(places))]
    scene.wait_until(scene.world.intents[0].due + timedelta(seconds=scene.drawn.uniform(0.5, 3)))
    path = f"/control/token/{quote(lost.account, safe='')}"
    scene.house.ask("POST", path, {"revoke": True})
    scene.wait_until(scene.world.intents[-1].due)
    until = monotonic() + NOTICED_SECONDS
    while (
        not (_is_lost(scene, lost) and scene.house.read(lost.tenant_id, _told))
        and monotonic() < until
    ):
        sleep(0.1)
    if not _is_lost(scene, lost):
        scene.wrong.append(
            f"the token of {lost.account} is revoked, and the account is still active"
        )
    fresh = replace(lost, token=str(scene.house.ask("POST", path, {})["token"]))
    scene.world.places[scene.world.places.index(lost)] = fresh  # later checks use the new token
    token = scene.house.services.seal(lost.tenant_id, fresh.token)
    with scene.house.scope(lost.tenant_id) as scope:
        if not _told(scope):
            scene.wrong.append(f"no notice reports that {lost.account} was lost")
        found = channel_reads.get_channel(scope, lost.channel_id)
        lifecycle.connect_account(
            scope,
            creator_id=lost.creator_id,
            platform=found.platform,
            surface=found.surface,
            chat_surface=found.chat_surface,
            account=found.account,
            name=found.name,
            base_url=found.base_url,
            token=token,
            zone="UTC",
        )


def _is_lost(scene: Scene, place: Place) -> bool:
    found = scene.house.read(
        place.tenant_id, lambda scope: channel_reads.get_channel(scope, place.channel_id)
    )
    return found.state is ChannelState.REAUTHORIZE


def _told(scope: Scope) -> int:
    told = (
        "SELECT count(*) FROM notices WHERE tenant_id = :tenant AND message ->> 'code' LIKE "
        "'channel.notice%'"
    )
    return int(scope.run(told, tenant=scope.tenant_id).scalar_one())


def changed(scene: Scene) -> None:
    """Edit, drag or approve each post around its due time while senders die one by one: it is
    published once, with the recorded text."""
    places = scene.places()
    approvers = {place.creator_id: _asks(scene, place) for place in places[::2]}
    scene.steadily(places, every=0.25, seconds=6)
    scene.world.touched |= {one.delivery_id for one in scene.world.intents}
    start = scene.world.intents[0].due
    acts = sorted(
        (one.due + timedelta(seconds=scene.drawn.uniform(-1.2, 0.8)), one)
        for one in scene.world.intents
    )
    deaths = [
        (start + timedelta(seconds=1.0 + 1.2 * nth), name)
        for nth, name in enumerate((*SENDERS, ALL))
    ]
    said = Counter[str]()
    for at, one in acts:
        scene.wait_until(at)
        if deaths and scene.house.now() > deaths[0][0]:
            kill(scene.house, deaths.pop(0)[1])
        for act in scene.drawn.sample(sorted(CHANGES), 2):
            said[
                f"{act}: {_tried(scene, one, CHANGES[act], approvers.get(one.place.creator_id))}"
            ] += 1
    for one in scene.world.intents:
        if one.place.creator_id in approvers:
            _tried(scene, one, _approve, approvers[one.place.creator_id])
    if not {f"{act}: done" for act in CHANGES} <= said.keys():
        scene.wrong.append(f"not every change succeeded: {said}")
    scene.world.intents = [replace(one, text=_words(scene, one)) for one in scene.world.intents]


def _asks(scene: Scene, place: Place) -> UUID:
    """Require approval for this creator's posts and return the approving member."""
    with scene.house.scope(place.tenant_id) as scope:
        agencies.set_approval_policy(scope, place.creator_id, tiers=1, times=False)
        email = f"{uuid7()}@example.test"
        return agencies.add_member(
            scope, name="Anne", email=email, role=rights.Role.MANAGER, language="fr", zone="UTC"
        )


def _reword(scope: Scope, one: Intent, _approver: UUID | None) -> None:
    post_id = deliveries.get_delivery(scope, one.delivery_id).post_id
    fresh = Draft(one.place.creator_id, "", f"{one.text}, autrement", (), (one.place.channel_id,))
    drafts.rewrite_post(scope, post_id, fresh, author=ACTOR)


def _drag(scope: Scope, one: Intent, _approver: UUID | None) -> None:
    seen, later = (
        deliveries.get_delivery(scope, one.delivery_id).version,
        scope.now + timedelta(hours=1),
    )
    drag_and_drop.drop_deliveries(
        scope, {one.delivery_id: seen}, DropTarget(later.date(), later.hour, "UTC")
    )


def _approve(scope: Scope, one: Intent, approver: UUID | None) -> None:
    post_id = deliveries.get_delivery(scope, one.delivery_id).post_id
    if approver is None:
        raise Conflict("approval.nobody_asked")
    decisions.approve_post(scope, post_id, member_id=approver)
    release_post(scope, post_id)


Change = Callable[[Scope, Intent, UUID | None], None]
CHANGES: dict[str, Change] = {"reworded": _reword, "dragged": _drag, "approved": _approve}


def _tried(scene: Scene, one: Intent, change: Change, approver: UUID | None) -> str:
    """Try a change and return "done", or the code of its refusal."""
    try:
        with scene.house.scope(one.place.tenant_id) as scope:
            change(scope, one, approver)
            return "done"
    except GreenroomError as refused:
        return refused.message.code


def _words(scene: Scene, one: Intent) -> str:
    def read(scope: Scope) -> str:
        return deliveries.get_post(
            scope, deliveries.get_delivery(scope, one.delivery_id).post_id
        ).body

    return scene.house.read(one.place.tenant_id, read)


def file_twice(scene: Scene) -> None:
    """Import a file of posts and confirm it, each twice, while the process that writes it dies
    repeatedly."""
    place = scene.places()[0]
    creators = {place.creator_id}
    data = _file(scene, place)
    for _ in range(2):
        with scene.house.scope(place.tenant_id) as scope:
            found = import_files.create_import(scope, data, name="posts.csv", creators=creators)
    _until(scene, place, found, ImportState.READY, deaths=1)
    for _ in range(2):
        with scene.house.scope(place.tenant_id) as scope:
            import_files.confirm_import(scope, found, plan=True, creators=creators)
    _until(scene, place, found, ImportState.WRITTEN, deaths=3)
    scene.world.intents += scene.house.read(place.tenant_id, lambda scope: _brought(scope, place))
    many = Counter(one.text for one in scene.world.intents)
    if len(many) != ROWS or set(many.values()) != {1}:
        scene.wrong.append(
            f"{len(many)} of {ROWS} lines were imported, at most {max(many.values(), default=0)} times"
        )


def _file(scene: Scene, place: Place) -> bytes:
    with scene.house.scope(place.tenant_id) as scope:
        slug = scope.run(
            "SELECT slug FROM creators WHERE id = :id", id=place.creator_id
        ).scalar_one()
        name = channel_reads.get_channel(scope, place.channel_id).name
    start = scene.house.now() + timedelta(minutes=20)
    lines = [(number, start + timedelta(minutes=number)) for number in range(ROWS)]
    return format_csv(
        [
            {
                "key": number,
                "creator": slug,
                "channels": name,
                "date": f"{at:%Y-%m-%d}",
                "time": f"{at:%H:%M}",
                "zone": "UTC",
                "body": f"Ligne {scene.world.seed}.{number}",
            }
            for number, at in lines
        ]
    )


def _until(
    scene: Scene, place: Place, import_id: UUID, wanted: ImportState, *, deaths: int
) -> None:
    """Wait until an import reaches a state, and kill its process `deaths` times before."""

    def state(scope: Scope) -> ImportState:
        return import_files.get_import(scope, import_id, creators={place.creator_id}).state

    until = monotonic() + FILE_SECONDS
    while (stands := scene.house.read(place.tenant_id, state)) is not wanted:
        if monotonic() > until or stands is ImportState.REFUSED:
            found = scene.house.read(
                place.tenant_id,
                lambda scope: import_files.get_import(
                    scope, import_id, creators={place.creator_id}
                ),
            )
            scene.wrong.append(f"the import is {stands}: {found}")
            return
        sleep(scene.drawn.uniform(0.05, 0.4))
        if deaths:
            deaths -= 1
            kill(scene.house, "make")


def _brought(scope: Scope, place: Place) -> list[Intent]:
    rows = scope.run(
        "SELECT d.id, p.body, d.due_at FROM deliveries d JOIN posts p ON p.tenant_id = "
        "d.tenant_id AND p.id = d.post_id"
        " WHERE d.tenant_id = :tenant AND d.channel_id = :channel AND d.state <> 'cancelled'",
        tenant=scope.tenant_id,
        channel=place.channel_id,
    )
    return [Intent(place, row.id, row.body, row.due_at, True, 0) for row in rows]


SCENES: dict[str, Callable[[Scene], None]] = {
    "a token ends": token_ends,
    "changed when due": changed,
    "a file imported twice": file_twice,
}

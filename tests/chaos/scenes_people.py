"""What people do while the house lives and its processes die: an account is lost and comes back, words are changed as
they leave, a file is brought in twice.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from urllib.parse import quote
from uuid import UUID

from channels import connecting
from channels import reads as channel_reads
from channels.states import ChannelState
from foundation.clock import monotonic, pause
from foundation.database import Scope
from foundation.errors import GreenroomError
from schedules import drafting, imports, planning
from schedules.drafting import Draft
from schedules.states import ImportState
from tests.chaos.adversary import kill
from tests.chaos.scenes import Scene
from tests.chaos.world import Intent, Place
from tests.schedules.files import table

NOTICED_SECONDS = 20.0
"""By then a token that ended has been shown, refused and told of."""

ROWS = 20
FILE_SECONDS = 60.0


def token_ends(scene: Scene) -> None:
    """The network lets one account in no more. It is told, the others go on; connected again, what waited leaves."""
    places = scene.places()
    scene.steadily(places, every=0.4, seconds=8)
    lost = places[scene.drawn.randrange(len(places))]
    scene.wait_until(scene.world.intents[0].due + timedelta(seconds=scene.drawn.uniform(0.5, 3)))
    path = f"/control/token/{quote(lost.account, safe='')}"
    scene.house.ask("POST", path, {"revoke": True})
    scene.wait_until(scene.world.intents[-1].due)
    until = monotonic() + NOTICED_SECONDS
    while not (_is_lost(scene, lost) and scene.house.read(lost.tenant_id, _told)) and monotonic() < until:
        pause(0.1)
    if not _is_lost(scene, lost):
        scene.wrong.append(f"the token of {lost.account} is none, and nobody here knows")
    fresh = replace(lost, token=str(scene.house.ask("POST", path, {})["token"]))
    scene.world.places[scene.world.places.index(lost)] = fresh  # the judge asks as the house does
    token = scene.house.services.seal(lost.tenant_id, fresh.token)
    with scene.house.scope(lost.tenant_id) as scope:
        if not _told(scope):
            scene.wrong.append(f"nobody was told that {lost.account} was lost")
        found = channel_reads.channel(scope, lost.channel_id)
        connecting.connect(
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
    found = scene.house.read(place.tenant_id, lambda scope: channel_reads.channel(scope, place.channel_id))
    return found.state is ChannelState.REAUTHORIZE


def _told(scope: Scope) -> int:
    told = "SELECT count(*) FROM notices WHERE tenant_id = :tenant AND message ->> 'code' LIKE 'channel.notice%'"
    return int(scope.run(told, tenant=scope.tenant_id).scalar_one())


def reworded(scene: Scene) -> None:
    """Each post is given other words around its time, while senders die: it stands with the words the house says."""
    scene.steadily(scene.places(), every=0.25, seconds=6)
    start = scene.world.intents[0].due
    acts = sorted((one.due + timedelta(seconds=scene.drawn.uniform(-1.2, 0.8)), one) for one in scene.world.intents)
    deaths = [start + timedelta(seconds=each) for each in (1.0, 3.5)]
    said = Counter[str]()
    for at, one in acts:
        scene.wait_until(at)
        if deaths and scene.house.now() > deaths[0]:
            deaths.pop(0)
            kill(scene.house, "send")
        said[_rewritten(scene, one)] += 1
    if len(said) < 2:
        scene.wrong.append(f"nothing was changed in time, or nothing too late: {said}")
    scene.world.intents = [replace(one, text=_words(scene, one)) for one in scene.world.intents]


def _rewritten(scene: Scene, one: Intent) -> str:
    """Somebody changes its words; "changed", or why they may not."""
    try:
        with scene.house.scope(one.place.tenant_id) as scope:
            post_id = planning.delivery(scope, one.delivery_id).post_id
            fresh = Draft(one.place.creator_id, "", f"{one.text}, autrement", (), (one.place.channel_id,))
            drafting.rewrite(scope, post_id, fresh, author="system:chaos")
            return "changed"
    except GreenroomError as refused:
        return refused.message.code


def _words(scene: Scene, one: Intent) -> str:
    def read(scope: Scope) -> str:
        return planning.post(scope, planning.delivery(scope, one.delivery_id).post_id).body

    return scene.house.read(one.place.tenant_id, read)


def file_twice(scene: Scene) -> None:
    """A file of posts is brought in and written, each twice, while whoever writes it dies again and again."""
    place = scene.places()[0]
    creators = {place.creator_id}
    data = _file(scene, place)
    for _ in range(2):
        with scene.house.scope(place.tenant_id) as scope:
            found = imports.receive(scope, data, name="posts.csv", creators=creators)
    _until(scene, place, found, ImportState.READY, deaths=1)
    for _ in range(2):
        with scene.house.scope(place.tenant_id) as scope:
            imports.ask(scope, found, plan=True, creators=creators)
    _until(scene, place, found, ImportState.WRITTEN, deaths=3)
    scene.world.intents += scene.house.read(place.tenant_id, lambda scope: _brought(scope, place))
    many = Counter(one.text for one in scene.world.intents)
    if len(many) != ROWS or set(many.values()) != {1}:
        scene.wrong.append(f"{len(many)} of {ROWS} lines stand, at most {max(many.values(), default=0)} times")


def _file(scene: Scene, place: Place) -> bytes:
    with scene.house.scope(place.tenant_id) as scope:
        slug = scope.run("SELECT slug FROM creators WHERE id = :id", id=place.creator_id).scalar_one()
        name = channel_reads.channel(scope, place.channel_id).name
    start = scene.house.now() + timedelta(minutes=20)
    lines = [(number, start + timedelta(minutes=number)) for number in range(ROWS)]
    return table(
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


def _until(scene: Scene, place: Place, import_id: UUID, wanted: ImportState, *, deaths: int) -> None:
    """Wait until a file has come so far; meanwhile the process that works on it is killed so many times."""

    def state(scope: Scope) -> ImportState:
        return imports.brought(scope, import_id, creators={place.creator_id}).state

    until = monotonic() + FILE_SECONDS
    while (stands := scene.house.read(place.tenant_id, state)) is not wanted:
        if monotonic() > until or stands is ImportState.REFUSED:
            found = scene.house.read(
                place.tenant_id, lambda scope: imports.brought(scope, import_id, creators={place.creator_id})
            )
            scene.wrong.append(f"the file is {stands}: {found}")
            return
        pause(scene.drawn.uniform(0.05, 0.4))
        if deaths:
            deaths -= 1
            kill(scene.house, "make")


def _brought(scope: Scope, place: Place) -> list[Intent]:
    rows = scope.run(
        "SELECT d.id, p.body, d.due_at FROM deliveries d JOIN posts p ON p.tenant_id = d.tenant_id AND p.id = d.post_id"
        " WHERE d.tenant_id = :tenant AND d.channel_id = :channel AND d.state <> 'cancelled'",
        tenant=scope.tenant_id,
        channel=place.channel_id,
    )
    return [Intent(place, row.id, row.body, row.due_at, True, 0) for row in rows]


SCENES: dict[str, Callable[[Scene], None]] = {
    "a token ends": token_ends,
    "reworded as they leave": reworded,
    "a file, twice": file_twice,
}

"""A picture of the library that a model makes move: asked for by a member, made by a worker, in the library once.

The film is a child of its picture, as any picture made from another is: who is shown in it, its label, its dates and
what is taken back come down the same line, and nobody has rated it before somebody, or something, has looked.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from foundation import outbox
from foundation.clock import monotonic
from foundation.database import OpenScope, Scope
from foundation.errors import BadInput, NotFound, Refused
from foundation.jobs import heartbeat
from foundation.storage import ObjectStore
from gate import ratings, recording
from gate.recording import Stored
from gate.units import Rating
from generators import films, provenance
from generators.animating import SIDE, Animated, FilmEngine, FilmJob
from generators.classifying import Classifier
from generators.contract import EngineBusy, EngineMissing, JobTooLarge
from generators.provenance import Credential
from studio import affinity, clipping, filming, ingesting, library, models, quotas, storing, wording
from studio.clipping import TOLD_EVERY, Kind, Over, Watch
from studio.events import FilmDue
from studio.library import FRAMES, SECONDS
from studio.looking import Compare
from studio.states import JobState

MOVING = "system:moving"
LONGEST_WORDS = 500
"""Characters of what happens in a film."""

LEAST_SIDE = 480
"""Pixels of the longer edge of a film of a small picture."""

Engine = Callable[[], FilmEngine]
"""Makes the engine at its first use: importing one may take seconds and memory."""


@dataclass(frozen=True)
class Wanted:
    """A film as a member asks for it, otherwise as `generators.animating.FilmJob`."""

    asset_id: UUID
    model: str
    seconds: float = 3.0
    words: str = ""
    motion: int | None = None
    seed: int = 0
    steps: int = 25


def ask(scope: Scope, *, creator_id: UUID, wanted: Wanted, key: str, by: str) -> UUID:
    """Have a picture made to move, once per `key`; returns the clip's id. `by` is the actor who asks.

    Outside the hours of generation, or beyond the agency's quota, of which a film takes one, it waits. Raises NotFound
    for what is not in this creator's library, Refused for a picture that is withheld and for words of which nothing is
    made, BadInput for what is no picture, JobTooLarge for a film that is too long or too narrow.
    """
    if (known := clipping.known(scope, key)) is not None:
        return known
    if len(wanted.words) > LONGEST_WORDS:
        raise BadInput("film.words_long", most=LONGEST_WORDS)
    _job(wanted, _picture(scope, creator_id, wanted), b"")
    wording.declared(scope, [wanted.words, wanted.model])
    held = quotas.wait(scope, creator_id)
    row = models.Clip(
        tenant_id=scope.tenant_id,
        creator_id=creator_id,
        key=key,
        kind=str(Kind.MODEL),
        spec={**asdict(wanted), "asset_id": str(wanted.asset_id)},
        by=by,
        total=wanted.steps,
    )
    clipping.hold(row, held)
    scope.add(row)
    outbox.put(
        scope, FilmDue(scope.tenant_id, row.id), at=held.until if held is not None else None, group=_group(wanted.model)
    )
    return row.id


def reconsider(scope: Scope) -> int:
    """Hours or quotas changed: films that wait for these look again now; how many."""
    rows = scope.session.exec(
        select(models.Clip).where(
            models.Clip.tenant_id == scope.tenant_id,
            col(models.Clip.waits_until).is_not(None),
            models.Clip.state == str(JobState.QUEUED),
        )
    ).all()
    waiting = [row for row in rows if outbox.cancel(scope, FilmDue.kind, row.id)]
    for row in waiting:
        outbox.put(scope, FilmDue(scope.tenant_id, row.id), group=_group(_read(row.spec).model))
    return len(waiting)


def run(
    event: FilmDue,
    *,
    tenant: OpenScope,
    engine: Engine,
    store: ObjectStore,
    credential: Callable[[], Credential],
    classifier: Classifier | None = None,
    compare: Compare | None = None,
    per_day: int = 0,
    told_every: float = TOLD_EVERY,
) -> None:
    """Make a film and bring it into the library, or say why it cannot be. A worker that died begins anew, and one that
    died after it stood finds it there. Others' faults are tried again.

    `per_day` is the house's quota of pictures, 0 for none. Raises `outbox.Later` for a film that must wait.
    """
    row = clipping.begin(tenant, event, actor=MOVING, per_day=per_day)
    if row is None:
        return
    try:
        with heartbeat() as pulse:
            watch = Watch(tenant, row, pulse, every=told_every, actor=MOVING)
            prepared = _made(row, engine, store, credential, watch)
            asset_id = ingesting.bring(
                tenant,
                store,
                tenant_id=row.tenant_id,
                creator_id=row.creator_id,
                prepared=prepared,
                classifier=classifier,
                compare=compare,
                still=lambda scope: _picture(scope, row.creator_id, _read(row.spec)),
            )
    except Over:
        return
    except EngineBusy as busy:  # others hold the card
        raise outbox.Later(timedelta(seconds=busy.after)) from busy
    except (BadInput, Refused, NotFound, EngineMissing, JobTooLarge) as refused:
        clipping.fail(tenant, event, refused.message, actor=MOVING)
        return
    clipping.end(tenant, row, asset_id, actor=MOVING)


def _made(
    row: models.Clip, engine: Engine, store: ObjectStore, credential: Callable[[], Credential], watch: Watch
) -> ingesting.Prepared:
    """The film, ready to be brought in. Its picture is asked for anew: what was taken back meanwhile is not used."""
    wanted = _read(row.spec)
    with watch.tenant(row.tenant_id, MOVING) as scope:
        picture = _picture(scope, row.creator_id, wanted)
        declared = wording.declared(scope, [wanted.words, wanted.model])
        storing.check(scope, store.allowed, 1)  # nothing is made that surely cannot be kept
    began = monotonic()
    made = engine().move(_job(wanted, picture, store.get(row.tenant_id, picture.sha256)), watch)
    seconds = monotonic() - began
    watch.pulse.check()
    with watch.tenant(row.tenant_id, MOVING) as scope:
        _picture(scope, row.creator_id, wanted)
        storing.check(scope, store.allowed, len(made.data))
    return _prepared(row, wanted, made, credential(), declared=declared, seconds=seconds)


def _prepared(
    row: models.Clip, wanted: Wanted, made: Animated, credential: Credential, *, declared: Rating, seconds: float
) -> ingesting.Prepared:
    """What a model made of a picture: looked at frame by frame like any film, and signed as its work last of all."""
    key = f"clip:{row.id}"
    film = films.reread(made.data, name=key)
    photo = filming.photo(film)
    origin = provenance.Origin(made.engine, made.model, "trainedAlgorithmicMedia", str(made.label))
    source = ingesting.Source(
        key=key,
        origin="generated",
        ai="generated",
        engine=made.engine,
        model=made.model,
        label=str(made.label),
        seed=made.seed,
        prompt=made.prompt,
        alt=wanted.words[:300],
        parent=wanted.asset_id,
        parameters={**made.parameters, SECONDS: round(film.seconds), FRAMES: len(film.looked.frames)},
        declared=declared,
        seconds=seconds,
    )
    data = provenance.sign(film.data, film.mime, credential, origin)
    return ingesting.Prepared(filming.rendered(film, photo), photo, data, source, film)


def _picture(scope: Scope, creator_id: UUID, wanted: Wanted) -> Stored:
    """The bytes of the picture. Raises NotFound for what is not, or no more, in this creator's library, Refused for
    what is withheld, BadInput for what is no picture."""
    library.check_owner(scope, creator_id, [wanted.asset_id])
    found = recording.rendition(scope, wanted.asset_id, library.PROFILE)
    if found is None:
        raise NotFound("library.asset_unknown", destination="-")
    if not found.mime.startswith("image/"):
        raise BadInput("film.of_none")
    if ratings.standing(scope, [found.sha256])[found.sha256].withheld:
        raise Refused("clip.withheld")
    return found


def _job(wanted: Wanted, picture: Stored, data: bytes) -> FilmJob:
    """What the engine is asked for, in the picture's own proportions. Raises JobTooLarge."""
    longer = max(picture.width, picture.height)
    share = min(max(longer, LEAST_SIDE), SIDE) / longer
    wide, high = (2 * round(edge * share / 2) for edge in (picture.width, picture.height))
    return FilmJob(
        picture=data,
        seed=wanted.seed,
        model=wanted.model,
        width=wide,
        height=high,
        seconds=wanted.seconds,
        prompt=wanted.words,
        motion=wanted.motion,
        steps=wanted.steps,
    )


def _group(model: str) -> str:
    return affinity.group(model, engine="films")


def _read(spec: dict[str, Any]) -> Wanted:
    return Wanted(**{**spec, "asset_id": UUID(spec["asset_id"])})

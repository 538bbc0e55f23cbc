"""Pictures that machines of an agency's own hand in: taken once each, then brought into the library as any other.

The door keeps the bytes and says so; our workers, who hold the key of the mark, do the rest.
"""

from collections.abc import Callable
from functools import partial
from uuid import UUID

from sqlmodel import select

from foundation import outbox
from foundation.database import OpenScope, Scope, stored
from foundation.errors import BadInput, Conflict, NotFound, Refused
from foundation.ids import derived
from foundation.jobs import heartbeat
from foundation.storage import ObjectStore, digest_of
from foundation.words import Message
from gate.units import Rating
from generators import containers
from generators.classifying import Classifier
from generators.contract import Label, Picture
from generators.provenance import Credential
from generators.wire import MOST_BYTES, Made
from studio import ingesting, lending, library, materials, models, recipes, runs, storing
from studio.events import HomePictureDue
from studio.looking import Compare
from studio.models_home import HomePicture, HomeRun
from studio.states import UPLOAD_STATES, UploadState
from tenants import machines

_MIMES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
"""What engines make, by what `containers.inspect` calls it."""

_OURS = frozenset({library.FRAMES, library.SECONDS, ingesting.SCORE})
"""Parameters that are measured here, and not for a machine to say."""


def take(scope: Scope, store: ObjectStore, machine_id: UUID, made: Made, data: bytes) -> BadInput | Refused | None:
    """Keep a picture that a machine made, to be brought into the library a moment later. The same again is taken again.

    Returns why it cannot be used, which ends its run: no whole JPEG, PNG or WebP of at most `MOST_BYTES`, not marked
    rightly, or no room. Raises BadInput for other bytes than it says, NotFound for a picture that was not lent,
    Conflict where other bytes came before, the run is over or the lease is somebody else's; Unavailable when the store
    is away; Refused for a machine that ended.
    """
    machines.seen(scope, machine_id)
    if digest_of(data) != made.sha256:
        raise BadInput("machine.digest")
    row = lending.held_by(scope, machine_id, made.lease)
    if _came(scope, machine_id, made):
        return None
    if row is None:
        raise Conflict("machine.lease_lost")
    if made.number not in row.numbers:
        raise NotFound("machine.not_lent")
    if runs.find(scope, row.job_id, lock=True).state in runs.OVER:
        raise Conflict("machine.run_over")
    try:
        _check(made, data)
        storing.check(scope, store.allowed, len(data))
    except (BadInput, storing.Full) as refused:
        runs.fail(scope, row.job_id, refused.message)
        return refused
    library.alone(scope, "object", made.sha256)  # nobody who erases these bytes comes in between
    store.put(scope.tenant_id, data)
    _keep(scope, row, machine_id, made, len(data))
    lending.came(scope, row, made.number)
    return None


def _keep(scope: Scope, row: HomeRun, machine_id: UUID, made: Made, size: int) -> None:
    picture = HomePicture(
        tenant_id=scope.tenant_id,
        id=derived(scope.tenant_id, row.job_id, "home", made.number),
        creator_id=row.creator_id,
        job_id=row.job_id,
        number=made.number,
        machine_id=machine_id,
        lease=made.lease,
        sha256=made.sha256,
        size=size,
        made=made.model_dump(mode="json"),
    )
    scope.add(picture)
    outbox.put(scope, HomePictureDue(scope.tenant_id, picture.id), dedupe=f"home:{picture.id}")


def _came(scope: Scope, machine_id: UUID, made: Made) -> bool:
    """Whether this very picture came under this lease before. Raises Conflict where another did."""
    known = scope.session.exec(
        select(HomePicture).where(
            HomePicture.tenant_id == scope.tenant_id,
            HomePicture.machine_id == machine_id,
            HomePicture.lease == made.lease,
            HomePicture.number == made.number,
        )
    ).first()
    if known is not None and known.sha256 != made.sha256:
        raise Conflict("machine.other_bytes")
    return known is not None


def _check(made: Made, data: bytes) -> None:
    """Read from the structure alone, before any decoder runs. Raises BadInput."""
    name = f"{made.number}"
    if len(data) > MOST_BYTES:
        raise BadInput("photo.too_heavy", file=name)
    if containers.inspect(data, name=name).kind not in _MIMES:
        raise BadInput("photo.unsupported", file=name)
    if (made.engine == "placeholder") != (made.label == Label.PLACEHOLDER):
        raise BadInput("machine.label")  # drawings of ours are marked as such, and nothing else is


def bring(
    event: HomePictureDue,
    *,
    tenant: OpenScope,
    store: ObjectStore,
    credential: Callable[[], Credential],
    classifier: Classifier | None = None,
    compare: Compare | None = None,
) -> None:
    """Bring a picture into the library as one of its run, and count it; what came is deleted then. What cannot be read
    ends the run, with words; others' faults are tried again."""
    with tenant(event.tenant_id, runs.RUNNING) as scope:
        row = _row(scope, event.subject_id)
        if row.state != UploadState.WAITING:
            return
        job = runs.find(scope, row.job_id)
        there = runs.source(job, row.number) in library.made(scope, job.creator_id, [runs.source(job, row.number)])
        asked = _asked(scope, job, row)
    reason = None
    try:
        if not there:
            with heartbeat() as pulse:
                prepared = asked(store.get(event.tenant_id, row.sha256), credential())
                pulse.check()
                materials.check(tenant, job, actor=runs.RUNNING)  # while it was drawn, one may have been taken back
                runs.room(tenant, event.tenant_id, store.allowed, len(prepared.data))
                ingesting.bring(
                    tenant,
                    store,
                    tenant_id=event.tenant_id,
                    creator_id=row.creator_id,
                    prepared=prepared,
                    classifier=classifier,
                    compare=compare,
                    still=partial(materials.checked, job=job),
                )
    except (BadInput, materials.Gone, storing.Full) as refused:
        reason = refused.message
    except NotFound:
        reason = Message("machine.picture_lost")
    _settle(tenant, store, event, reason)


def _asked(scope: Scope, job: models.Job, row: HomePicture) -> Callable[[bytes, Credential], ingesting.Prepared]:
    """What makes bytes the picture of a run: what was asked for is ours to say, not the machine's."""
    made = Made.model_validate(row.made)
    shots = recipes.resolve(recipes.of_run(scope, job), seed=job.seed, count=job.total, given=job.given)
    shot, name = shots[row.number], machines.name(scope, row.machine_id)

    def prepared(data: bytes, credential: Credential) -> ingesting.Prepared:
        found = containers.inspect(data, name=name)
        picture = Picture(
            data=data,
            mime=_MIMES[found.kind],
            width=found.width,
            height=found.height,
            engine=made.engine,
            model=made.model,
            label=Label(made.label),
            seed=shot.job.seed,
            prompt=shot.job.prompt,
            parameters={**{one: said for one, said in made.parameters.items() if one not in _OURS}, "machine": name},
        )
        return ingesting.from_engine(
            picture,
            key=runs.source(job, row.number),
            alt=shot.scene,
            credential=credential,
            job_id=job.id,
            declared=Rating(job.rating),
            seconds=made.seconds,
            parent=job.from_asset,
            after=materials.after(job),
        )

    return prepared


def _settle(tenant: OpenScope, store: ObjectStore, event: HomePictureDue, reason: Message | None) -> None:
    """What became of a picture, its run, and what came, in one transaction: who dies here finds nothing half done."""
    with tenant(event.tenant_id, runs.RUNNING) as scope:
        row = _row(scope, event.subject_id, lock=True)
        if row.state != UploadState.WAITING:
            return
        after = UploadState.READY if reason is None else UploadState.REFUSED
        UPLOAD_STATES.check(UploadState(row.state), after)
        row.state, row.reason = str(after), stored(reason)
        scope.add(row)
        if reason is not None:
            runs.fail(scope, row.job_id, reason)
        else:
            job = runs.find(scope, row.job_id, lock=True)
            runs.count(scope, job, runs.following(scope, job))
        library.alone(scope, "object", row.sha256)
        if not library.wants(scope, row.sha256):  # two runs that ask for the same are answered with the same bytes
            store.delete(event.tenant_id, row.sha256)


def gave_up(event: HomePictureDue, *, tenant: OpenScope, store: ObjectStore) -> None:
    """A picture that came could not be brought into the library, too often: its run fails, so that nobody waits."""
    _settle(tenant, store, event, Message("job.gave_up"))


def _row(scope: Scope, picture_id: UUID, *, lock: bool = False) -> HomePicture:
    row = scope.session.get(HomePicture, (scope.tenant_id, picture_id), with_for_update=lock or None)
    if row is None:
        raise NotFound("machine.picture_unknown")
    return row

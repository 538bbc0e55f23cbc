"""Clips of a creator's stills: asked for by a member, cut by a worker, in the library once.

What a clip is made of are pictures of one creator, and perhaps a sound: each is a parent of it, so that what is said of
any of them is said of the clip (`gate/recording.py`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlmodel import select

from foundation import outbox
from foundation.database import OpenScope, Scope
from foundation.errors import BadInput, NotFound, Refused
from foundation.jobs import heartbeat
from foundation.storage import ObjectStore
from gate import ratings, recording
from gate.recording import AI, Stored
from generators import clips, encoding, media
from generators.classifying import Classifier
from generators.clips import Cut, Form, Motion, Still
from generators.provenance import Credential
from studio import clipping, ingesting, library, models, storing, wording
from studio.clipping import TOLD_EVERY, Over, Watch
from studio.events import ClipDue
from studio.looking import Compare

CUTTING = "system:cutting"
_PAPER = (255, 255, 255)


@dataclass(frozen=True)
class Shot:
    """One still: the picture, the seconds it is shown, how it moves, and the words on it."""

    asset_id: UUID
    seconds: float = 3.0
    motion: Motion = Motion.AUTO
    caption: str = ""


@dataclass(frozen=True)
class Wanted:
    """A clip as a member asks for it, otherwise as `generators.clips.Cut`; `sound` is an asset of nothing but sound."""

    shots: tuple[Shot, ...]
    form: Form = Form.UPRIGHT
    seed: int = 0
    fades: bool = True
    whole: bool = False
    sound: UUID | None = None

    @property
    def parts(self) -> tuple[UUID, ...]:
        """Every asset it is made of, once, its stills first."""
        every = [*(one.asset_id for one in self.shots), *([self.sound] if self.sound is not None else [])]
        return tuple(dict.fromkeys(every))

    @property
    def captions(self) -> list[str]:
        """The words that are written on it."""
        return [one.caption for one in self.shots if one.caption.strip()]


def ask(scope: Scope, *, creator_id: UUID, wanted: Wanted, key: str, by: str) -> UUID:
    """Have a clip cut, once per `key`; returns its id. `by` is the actor who asks.

    Raises NotFound for what is not in this creator's library, Refused for a picture that is withheld and for words that
    are never written, BadInput `clip.…` for what no clip is made of, Unavailable without the font of its words.
    """
    if (known := clipping.known(scope, key)) is not None:
        return known
    clips.check([(one.seconds, one.caption) for one in wanted.shots], wanted.form)
    wording.declared(scope, wanted.captions)
    _parts(scope, creator_id, wanted)
    row = models.Clip(
        tenant_id=scope.tenant_id,
        creator_id=creator_id,
        key=key,
        spec=_written(wanted),
        by=by,
        total=round(clips.seconds_of([one.seconds for one in wanted.shots]) * encoding.RATE),
    )
    scope.add(row)
    outbox.put(scope, ClipDue(scope.tenant_id, row.id))
    return row.id


def _parts(scope: Scope, creator_id: UUID, wanted: Wanted) -> dict[UUID, Stored]:
    """The bytes of each part. Raises NotFound for what is not, or no more, in this creator's library, Refused for what
    is withheld, BadInput for what is no picture, or no sound."""
    library.check_owner(scope, creator_id, wanted.parts)
    found = recording.renditions(scope, wanted.parts, library.PROFILE)
    standing = ratings.standing(scope, [one.sha256 for one in found.values()])
    for asset_id in wanted.parts:
        if asset_id not in found:
            raise NotFound("library.asset_unknown", destination="-")
        one = found[asset_id]
        if standing[one.sha256].withheld:
            raise Refused("clip.withheld")
        if asset_id == wanted.sound and not one.mime.startswith("audio/"):
            raise BadInput("clip.no_sound")
        if asset_id != wanted.sound and not one.mime.startswith("image/"):
            raise BadInput("clip.no_picture")
    return found


def _spoken(scope: Scope, sound: UUID | None) -> bool:
    """Whether a sound was said here: it is heard once, and to its end. Any other may be music."""
    query = select(models.Speech.id).where(models.Speech.tenant_id == scope.tenant_id, models.Speech.asset_id == sound)
    return sound is not None and scope.session.exec(query).first() is not None


def cut(
    event: ClipDue,
    *,
    tenant: OpenScope,
    store: ObjectStore,
    credential: Callable[[], Credential],
    classifier: Classifier | None = None,
    compare: Compare | None = None,
    told_every: float = TOLD_EVERY,
) -> None:
    """Cut a clip and bring it into the library, or say why it cannot be. A worker that died begins anew, and one that
    died after it stood finds it there. Others' faults are tried again."""
    row = clipping.begin(tenant, event, actor=CUTTING)
    if row is None:
        return
    wanted = _read(row.spec)
    try:
        with heartbeat() as pulse:
            prepared = _cut(row, wanted, store, credential, Watch(tenant, row, pulse, every=told_every, actor=CUTTING))
            asset_id = ingesting.bring(
                tenant,
                store,
                tenant_id=row.tenant_id,
                creator_id=row.creator_id,
                prepared=prepared,
                classifier=classifier,
                compare=compare,
                still=lambda scope: _parts(scope, row.creator_id, wanted),
            )
    except Over:
        return
    except (BadInput, Refused, NotFound) as refused:
        clipping.fail(tenant, event, refused.message, actor=CUTTING)
        return
    clipping.end(tenant, row, asset_id, actor=CUTTING)


def _cut(
    row: models.Clip,
    wanted: Wanted,
    store: ObjectStore,
    credential: Callable[[], Credential],
    watch: Watch,
) -> ingesting.Prepared:
    """The clip, ready to be brought in. Its parts are asked for anew: what was taken back meanwhile is not used."""
    with watch.tenant(row.tenant_id, CUTTING) as scope:
        parts, spoken = _parts(scope, row.creator_id, wanted), _spoken(scope, wanted.sound)
        declared = wording.declared(scope, wanted.captions)
        storing.check(scope, store.allowed, 1)  # nothing is cut that surely cannot be kept
    stills = [_still(store, row.tenant_id, one, parts[one.asset_id].sha256) for one in wanted.shots]
    sound = store.get(row.tenant_id, parts[wanted.sound].sha256) if wanted.sound is not None else None
    form, seed, fades, whole = wanted.form, wanted.seed, wanted.fades, wanted.whole
    data = clips.make(Cut(stills, form, seed, fades, whole, sound, spoken), told=watch)
    watch.pulse.check()
    with watch.tenant(row.tenant_id, CUTTING) as scope:
        _parts(scope, row.creator_id, wanted)
        storing.check(scope, store.allowed, len(data))
    return ingesting.from_stills(
        data,
        key=f"clip:{row.id}",
        parts=wanted.parts,
        words=wanted.captions,
        alt=" ".join(wanted.captions)[:300],
        made=max((one.ai for one in parts.values()), key=AI.index),
        credential=credential,
        declared=declared,
    )


def _still(store: ObjectStore, tenant_id: UUID, shot: Shot, sha256: str) -> Still:
    photo = media.read(store.get(tenant_id, sha256), name=sha256)
    return Still(media.on(photo.pixels, _PAPER), shot.seconds, shot.motion, shot.caption)


def _written(wanted: Wanted) -> dict[str, Any]:
    shots = [[str(one.asset_id), one.seconds, str(one.motion), one.caption] for one in wanted.shots]
    sound = str(wanted.sound) if wanted.sound is not None else None
    rest = {"seed": wanted.seed, "fades": wanted.fades, "whole": wanted.whole, "sound": sound}
    return {"shots": shots, "form": str(wanted.form), **rest}


def _read(spec: dict[str, Any]) -> Wanted:
    return Wanted(
        shots=tuple(Shot(UUID(one), seconds, Motion(motion), said) for one, seconds, motion, said in spec["shots"]),
        form=Form(spec["form"]),
        seed=spec["seed"],
        fades=spec["fades"],
        whole=spec["whole"],
        sound=UUID(spec["sound"]) if spec["sound"] is not None else None,
    )

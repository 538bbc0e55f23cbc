"""The pictures of the demo: drawn by two child processes, brought in by the one path, looked at by the manager."""

import multiprocessing
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, time, timedelta
from uuid import UUID

from PIL import Image

from foundation.database import OpenScope, Scope
from foundation.storage import ObjectStore
from generators import media, provenance
from generators.contract import ImageEngine, ImageJob, Picture
from generators.engines.placeholder import Placeholder
from generators.engines.scenes import Scenes
from generators.engines.tiles import Tile
from generators.media import POST, Taken
from generators.provenance import Credential, Origin
from studio import ingesting, library
from studio.ingesting import Prepared, Source
from workers.demo_parts import Company, Part, Shot
from workers.demo_people import SEEDING, creator_id_of

HANDS = min(4, os.cpu_count() or 1)
"""Processes that draw: a large scene takes about half a second of one core."""

NOON = time(12, 0)
Drawn = Mapping[str, Sequence[Future[Prepared]]]
"""Pictures being drawn, by creator."""


@contextmanager
def drawing(wanted: Sequence[tuple[Part, Shot]], *, credential: Credential, today: date) -> Iterator[Drawn]:
    """Have pictures drawn and signed meanwhile, in this order; what is left undone at the end is dropped."""
    if not wanted:
        yield {}
        return
    pool = ProcessPoolExecutor(HANDS, mp_context=multiprocessing.get_context("spawn"))
    try:
        found: defaultdict[str, list[Future[Prepared]]] = defaultdict(list)
        for part, shot in wanted:
            found[part.slug].append(pool.submit(draw, shot, credential, today))
        yield found
    finally:
        pool.shutdown(cancel_futures=True)  # and wait: a process that ends over its pool writes a trace


def missing(tenant: OpenScope, company: Company) -> list[tuple[Part, Shot]]:
    """The pictures that are not in the library yet."""
    with tenant(company.tenant_id, SEEDING) as scope:
        known = {part.slug: _made(scope, part) for part in company.parts}
    return [(part, shot) for part in company.parts for shot in part.shots if shot.key not in known[part.slug]]


def _made(scope: Scope, part: Part) -> Mapping[str, UUID]:
    return library.made(scope, creator_id_of(scope, part), [shot.key for shot in part.shots])


def bring(tenant: OpenScope, store: ObjectStore, company: Company, part: Part, drawn: Drawn) -> None:
    """Record a creator's pictures as they are drawn. What stops in the middle goes on at the next start."""
    with tenant(company.tenant_id, SEEDING) as scope:
        owner = creator_id_of(scope, part)
    for done in drawn.get(part.slug, ()):
        ingesting.bring(tenant, store, tenant_id=company.tenant_id, creator_id=owner, prepared=done.result())


def draw(shot: Shot, credential: Credential, today: date) -> Prepared:
    """Draw and sign one picture, in a child process; the pixels stay there, only the bytes come back."""
    picture = _engine(shot).draw(ImageJob(shot.prompt, shot.seed, width=shot.width, height=shot.height))
    if not shot.upload:
        prepared = ingesting.from_engine(picture, key=shot.key, alt=shot.alt, credential=credential)
    else:
        prepared = _as_upload(picture, shot, credential, today)
    return replace(prepared, photo=replace(prepared.photo, pixels=Image.new("RGB", (1, 1))))


def _engine(shot: Shot) -> ImageEngine:
    if shot.how == "tile":
        return Tile("E" if shot.rating == "E" else "S")
    return Placeholder() if shot.how == "placeholder" else Scenes()


def _as_upload(picture: Picture, shot: Shot, credential: Credential, today: date) -> Prepared:
    """A file as somebody would have uploaded it, with or without a date; its lineage still says that it was drawn."""
    photo = media.read(picture.data, name=shot.key)
    taken = Taken(today - timedelta(days=shot.days_ago), NOON) if shot.days_ago is not None else None
    kind = provenance.source_of(picture.engine)
    rendered = media.render(photo, POST, xmp=provenance.xmp(kind))
    origin = Origin(picture.engine, picture.model, kind, str(picture.label))
    data = provenance.sign(rendered.data, rendered.mime, credential, origin)
    source = Source(
        key=shot.key,
        origin="upload",
        ai="none",
        engine=picture.engine,
        model=picture.model,
        label=str(picture.label),
        seed=picture.seed,
        prompt=picture.prompt,
        alt=shot.alt,
        parameters=picture.parameters,
    )
    return Prepared(rendered, replace(photo, taken=taken), data, source)

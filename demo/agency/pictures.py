"""Pictures of the demo: drawn in child processes, then ingested like any upload or generated
picture."""

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

from demo.agency.cast import AgencyProfile, CreatorProfile, PictureProfile
from demo.agency.people import DEMO_ACTOR, creator_id_of
from foundation.db.database import OpenScope, Scope
from foundation.storage.object_store import ObjectStore
from generators.contract.engines import GeneratedPicture, ImageEngine, ImageJob
from generators.engines.images.demo_scenes import DemoSceneEngine
from generators.engines.images.placeholder import PlaceholderEngine
from generators.engines.images.rating_tiles import RatingTileEngine
from generators.media import pictures
from generators.media.pictures import POST_PROFILE, CaptureTime
from generators.provenance import content_credentials
from generators.provenance.content_credentials import ProvenanceClaim, SigningCredential
from studio.ingest import pipeline
from studio.ingest.pipeline import AssetSource, PreparedAsset
from studio.library import assets

DRAWING_PROCESSES = min(4, os.cpu_count() or 1)
"""Number of processes that draw: a large scene takes about half a second of one core."""

NOON = time(12, 0)
DrawnPictures = Mapping[str, Sequence[Future[PreparedAsset]]]
"""Pictures being drawn, by creator."""


@contextmanager
def draw_in_background(
    wanted: Sequence[tuple[CreatorProfile, PictureProfile]],
    *,
    credential: SigningCredential,
    today: date,
) -> Iterator[DrawnPictures]:
    """Draw and sign pictures in the background, in this order; pictures not started at the end of
    the block are cancelled."""
    if not wanted:
        yield {}
        return
    pool = ProcessPoolExecutor(DRAWING_PROCESSES, mp_context=multiprocessing.get_context("spawn"))
    try:
        found: defaultdict[str, list[Future[PreparedAsset]]] = defaultdict(list)
        for part, shot in wanted:
            found[part.slug].append(pool.submit(draw_picture, shot, credential, today))
        yield found
    finally:
        # Waits for running jobs: a process that ends before its pool prints a traceback.
        pool.shutdown(cancel_futures=True)


def find_missing_pictures(
    tenant: OpenScope, company: AgencyProfile
) -> list[tuple[CreatorProfile, PictureProfile]]:
    """Return the pictures that are not in the library yet."""
    with tenant(company.tenant_id, DEMO_ACTOR) as scope:
        known = {part.slug: _get_assets_by_key(scope, part) for part in company.creators}
    return [
        (part, shot)
        for part in company.creators
        for shot in part.pictures
        if shot.key not in known[part.slug]
    ]


def _get_assets_by_key(scope: Scope, part: CreatorProfile) -> Mapping[str, UUID]:
    return assets.assets_by_source(
        scope, creator_id_of(scope, part), [shot.key for shot in part.pictures]
    )


def ingest_pictures(
    tenant: OpenScope,
    store: ObjectStore,
    company: AgencyProfile,
    part: CreatorProfile,
    drawn: DrawnPictures,
) -> None:
    """Ingest a creator's pictures as they are finished. An interrupted import continues at the next
    start."""
    with tenant(company.tenant_id, DEMO_ACTOR) as scope:
        owner = creator_id_of(scope, part)
    for done in drawn.get(part.slug, ()):
        pipeline.ingest_asset(
            tenant, store, tenant_id=company.tenant_id, creator_id=owner, prepared=done.result()
        )


def draw_picture(shot: PictureProfile, credential: SigningCredential, today: date) -> PreparedAsset:
    """Draw and sign one picture in a child process; only the encoded bytes are returned, not the
    pixels."""
    picture = _choose_engine(shot).draw(
        ImageJob(shot.prompt, shot.seed, width=shot.width, height=shot.height)
    )
    if not shot.upload:
        prepared = pipeline.prepare_generated_picture(
            picture, key=shot.key, alt=shot.alt, credential=credential
        )
    else:
        prepared = _as_upload(picture, shot, credential, today)
    return replace(prepared, photo=replace(prepared.photo, pixels=Image.new("RGB", (1, 1))))


def _choose_engine(shot: PictureProfile) -> ImageEngine:
    if shot.drawing_method == "tile":
        return RatingTileEngine("E" if shot.rating == "E" else "S")
    return PlaceholderEngine() if shot.drawing_method == "placeholder" else DemoSceneEngine()


def _as_upload(
    picture: GeneratedPicture, shot: PictureProfile, credential: SigningCredential, today: date
) -> PreparedAsset:
    """Return the picture as an uploaded file, with or without a date; its provenance still records
    that it was drawn."""
    photo = pictures.decode_photo(picture.data, name=shot.key)
    taken = (
        CaptureTime(today - timedelta(days=shot.days_ago), NOON)
        if shot.days_ago is not None
        else None
    )
    kind = content_credentials.source_type_of(picture.engine)
    rendered = pictures.render_photo(photo, POST_PROFILE, xmp=content_credentials.xmp_packet(kind))
    origin = ProvenanceClaim(picture.engine, picture.model, kind, str(picture.label))
    data = content_credentials.sign_media(rendered.data, rendered.mime, credential, origin)
    source = AssetSource(
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
    return PreparedAsset(rendered, replace(photo, taken=taken), data, source)

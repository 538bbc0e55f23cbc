"""The studio's event kinds, each with the one function that handles it."""

from datetime import timedelta
from functools import partial

from foundation.leases import Backoff
from foundation.money import amounts
from generators import sharing
from studio import (
    animating,
    avowing,
    buying,
    clipping,
    cutting,
    finishing,
    handed,
    jobs,
    looking,
    scoring,
    speaking,
    uploads,
    voice_lists,
)
from studio.events import (
    AnswerKept,
    BuyDue,
    ClipDue,
    CopyDue,
    FilmDue,
    HomePictureDue,
    JobDue,
    LookDue,
    LookScoreDue,
    ModelMade,
    SpeechDue,
    UploadDue,
    VoicesDue,
)
from tenants.scope import all_tenants
from workers.dispatch import ACT_SECONDS, Route
from workers.wiring import Services

LOOK_BACKOFF = Backoff(first=timedelta(minutes=1), dead_at=9)
"""A classifier that is down may be so for a day; meanwhile people decide."""

ENGINE_BACKOFF = Backoff(first=timedelta(seconds=20), factor=2, dead_at=12)
"""An engine that is down may be so for hours, and is back within minutes mostly: eleven hours at most, half of it
expected. A picture that was stored counts as a new beginning."""

JOB_SECONDS = 600
"""A run of a recipe, a clip or a film; a beating heart makes it longer."""


def routes(s: Services) -> tuple[Route, ...]:
    """What makes pictures, clips and sound, and brings files in."""
    cut = partial(
        cutting.cut,
        tenant=s.tenant,
        store=s.store,
        credential=s.credential,
        classifier=s.classifier,
        compare=s.comparing,
    )
    move = partial(
        animating.run,
        tenant=s.tenant,
        engine=s.film_engine,
        store=s.store,
        credential=s.credential,
        classifier=s.classifier,
        compare=s.comparing,
        per_day=s.settings.generators.pictures_per_day,
    )
    copy = partial(
        finishing.make,
        tenant=s.tenant,
        store=s.store,
        credential=s.credential,
        classifier=s.classifier,
        compare=s.comparing,
        cutter=s.cutter,
        upscaler=s.upscaler,
    )
    ingest = partial(uploads.ingest, tenant=s.tenant, store=s.store, classifier=s.classifier, compare=s.comparing)
    look = partial(looking.again, tenant=s.tenant, store=s.store, classifier=s.classifier, compare=s.comparing)
    measure = partial(scoring.score, tenant=s.tenant, store=s.store, classifier=s.classifier)
    unmeasured = partial(scoring.gave_up, tenant=s.tenant)
    return (
        *_runs(s),
        Route(ClipDue, cut, deadline_seconds=JOB_SECONDS, on_dead=partial(clipping.gave_up, tenant=s.tenant)),
        Route(FilmDue, move, JOB_SECONDS, ENGINE_BACKOFF, partial(clipping.gave_up, tenant=s.tenant)),
        Route(
            UploadDue,
            ingest,
            deadline_seconds=ACT_SECONDS,
            on_dead=partial(uploads.gave_up, tenant=s.tenant, store=s.store),
        ),
        Route(CopyDue, copy, deadline_seconds=ACT_SECONDS, on_dead=partial(finishing.gave_up, tenant=s.tenant)),
        _handed(s),
        Route(ModelMade, partial(avowing.run, tenant=s.tenant), deadline_seconds=ACT_SECONDS),
        Route(LookDue, look, deadline_seconds=ACT_SECONDS, backoff=LOOK_BACKOFF),
        Route(LookScoreDue, measure, deadline_seconds=ACT_SECONDS, backoff=LOOK_BACKOFF, on_dead=unmeasured),
        *_voices(s),
    )


def _runs(s: Services) -> tuple[Route, ...]:
    """What makes the pictures of recipes, drawn here or bought."""
    run = partial(
        jobs.run,
        tenant=s.tenant,
        engine=s.image_engine,
        named=s.image_engine_named,
        make_room=partial(sharing.make_room, s.settings.generators),
        store=s.store,
        credential=s.credential,
        classifier=s.classifier,
        compare=s.comparing,
        per_day=s.settings.generators.pictures_per_day,
        caps=amounts(s.settings.generators.spending_caps),
    )
    forget = partial(buying.forget, tenant=s.tenant, store=s.store)
    return (
        Route(JobDue, run, JOB_SECONDS, ENGINE_BACKOFF, partial(jobs.gave_up, tenant=s.tenant)),
        Route(BuyDue, run, JOB_SECONDS, ENGINE_BACKOFF, partial(jobs.gave_up, tenant=s.tenant)),
        Route(AnswerKept, forget, deadline_seconds=ACT_SECONDS),
    )


def _voices(s: Services) -> tuple[Route, ...]:
    """What says texts, and lists who could."""
    say = partial(speaking.run, tenant=s.tenant, engines=s.speech_engines, store=s.store, credential=s.credential)
    agencies = partial(all_tenants, s.tenant)
    voices = partial(voice_lists.run, tenant=s.tenant, engines=s.speech_engines, agencies=agencies)
    return (
        Route(SpeechDue, say, deadline_seconds=ACT_SECONDS, on_dead=partial(speaking.gave_up, tenant=s.tenant)),
        Route(VoicesDue, voices, deadline_seconds=ACT_SECONDS, on_dead=partial(voice_lists.gave_up, tenant=s.tenant)),
    )


def _handed(s: Services) -> Route:
    """What brings in the pictures that machines of an agency's own made."""
    bring = partial(
        handed.bring,
        tenant=s.tenant,
        store=s.store,
        credential=s.credential,
        classifier=s.classifier,
        compare=s.comparing,
    )
    lost = partial(handed.gave_up, tenant=s.tenant, store=s.store)
    return Route(HomePictureDue, bring, deadline_seconds=ACT_SECONDS, on_dead=lost)

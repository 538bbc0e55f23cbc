"""Routes of the events of `studio`: recipe runs, clips, ingest, voices and remote workers."""

from datetime import timedelta
from functools import partial

from foundation.money import parse_amounts
from foundation.outbox.row_leases import Backoff
from generators import registry
from generators.local_models import gpu_sharing
from studio.engine_checks import checks
from studio.engine_checks.events import EngineCheckDue
from studio.ingest import ai_disclosure, classification, picture_copies, uploads
from studio.ingest.events import AiDisclosureDue, ClassificationDue, PictureCopyDue, UploadDue
from studio.remote_workers import results
from studio.remote_workers.events import RemotePictureDue
from studio.runs import purchases, runner, style_similarity
from studio.runs.events import HostedRunDue, RunDue, SellerAnswerStored, StyleScoreDue
from studio.video import animations, clips, slideshows
from studio.video.events import AnimationDue, SlideshowDue
from studio.voice import speeches, voice_catalog
from studio.voice.events import SpeechDue, VoiceCatalogDue
from tenants.scope import list_tenant_ids
from workers.relay.dispatch import NETWORK_DEADLINE_SECONDS, EventRoute
from workers.wiring import Services

CLASSIFIER_BACKOFF = Backoff(first=timedelta(minutes=1), dead_at=9)
"""Retries last about a day, since a classifier may be down that long. Members decide in the
meantime."""

ENGINE_BACKOFF = Backoff(first=timedelta(seconds=20), factor=2, dead_at=12)
"""Retries continue for at most eleven hours, and for about half that time on average, since an
engine may be down for hours but mostly returns within minutes. Each stored picture resets the
backoff."""

JOB_DEADLINE_SECONDS = 600
"""Deadline of a recipe run, a clip or a video; heartbeats extend it."""


def studio_routes(s: Services) -> tuple[EventRoute, ...]:
    """Return the routes of the events of `studio`."""
    return (
        *_run_routes(s),
        *_clip_routes(s),
        *_ingest_routes(s),
        _remote_result_route(s),
        *_assessment_routes(s),
        *_voice_routes(s),
        *_engine_check_routes(s),
    )


def _clip_routes(s: Services) -> tuple[EventRoute, ...]:
    cut = partial(
        slideshows.make_slideshow,
        tenant=s.tenant,
        store=s.store,
        credential=s.credential,
        classifier=s.classifier,
        checks=s.picture_checks,
        compare=s.face_comparison,
    )
    move = partial(
        animations.make_animation,
        tenant=s.tenant,
        engine=s.film_engine,
        store=s.store,
        credential=s.credential,
        classifier=s.classifier,
        checks=s.picture_checks,
        compare=s.face_comparison,
        per_day=s.settings.generators.pictures_per_day,
    )
    return (
        EventRoute(
            SlideshowDue,
            cut,
            deadline_seconds=JOB_DEADLINE_SECONDS,
            on_dead=partial(clips.fail_clip_after_retries, tenant=s.tenant),
        ),
        EventRoute(
            AnimationDue,
            move,
            JOB_DEADLINE_SECONDS,
            ENGINE_BACKOFF,
            partial(clips.fail_clip_after_retries, tenant=s.tenant),
        ),
    )


def _ingest_routes(s: Services) -> tuple[EventRoute, ...]:
    copy = partial(
        picture_copies.make_copy,
        tenant=s.tenant,
        store=s.store,
        credential=s.credential,
        classifier=s.classifier,
        checks=s.picture_checks,
        compare=s.face_comparison,
        cutter=s.background_cutter,
        upscaler=s.upscaler,
    )
    ingest = partial(
        uploads.ingest_upload,
        tenant=s.tenant,
        store=s.store,
        classifier=s.classifier,
        checks=s.picture_checks,
        compare=s.face_comparison,
    )
    return (
        EventRoute(
            UploadDue,
            ingest,
            deadline_seconds=NETWORK_DEADLINE_SECONDS,
            on_dead=partial(uploads.fail_upload, tenant=s.tenant, store=s.store),
        ),
        EventRoute(
            PictureCopyDue,
            copy,
            deadline_seconds=NETWORK_DEADLINE_SECONDS,
            on_dead=partial(picture_copies.fail_copy, tenant=s.tenant),
        ),
    )


def _assessment_routes(s: Services) -> tuple[EventRoute, ...]:
    """Return the routes that disclose AI, rate a picture again, and compare its style."""
    look = partial(
        classification.reclassify,
        tenant=s.tenant,
        store=s.store,
        classifier=s.classifier,
        compare=s.face_comparison,
    )
    measure = partial(
        style_similarity.measure_style_similarity,
        tenant=s.tenant,
        store=s.store,
        classifier=s.classifier,
    )
    unmeasured = partial(style_similarity.fail_style_score, tenant=s.tenant)
    return (
        EventRoute(
            AiDisclosureDue,
            partial(ai_disclosure.apply_ai_disclosure, tenant=s.tenant),
            deadline_seconds=NETWORK_DEADLINE_SECONDS,
        ),
        EventRoute(
            ClassificationDue,
            look,
            deadline_seconds=NETWORK_DEADLINE_SECONDS,
            backoff=CLASSIFIER_BACKOFF,
        ),
        EventRoute(
            StyleScoreDue,
            measure,
            deadline_seconds=NETWORK_DEADLINE_SECONDS,
            backoff=CLASSIFIER_BACKOFF,
            on_dead=unmeasured,
        ),
    )


def _run_routes(s: Services) -> tuple[EventRoute, ...]:
    """Return the routes that generate pictures, locally or at a provider."""
    run = partial(
        runner.generate_pictures,
        tenant=s.tenant,
        engine=s.image_engine,
        named=s.image_engine_named,
        make_room=partial(gpu_sharing.free_gpu, s.settings.generators),
        store=s.store,
        credential=s.credential,
        classifier=s.classifier,
        checks=s.picture_checks,
        compare=s.face_comparison,
        per_day=s.settings.generators.pictures_per_day,
        caps=parse_amounts(s.settings.generators.spending_caps),
    )
    forget = partial(purchases.delete_seller_answer, tenant=s.tenant, store=s.store)
    return (
        EventRoute(
            RunDue,
            run,
            JOB_DEADLINE_SECONDS,
            ENGINE_BACKOFF,
            partial(runner.fail_run_after_retries, tenant=s.tenant),
        ),
        EventRoute(
            HostedRunDue,
            run,
            JOB_DEADLINE_SECONDS,
            ENGINE_BACKOFF,
            partial(runner.fail_run_after_retries, tenant=s.tenant),
        ),
        EventRoute(SellerAnswerStored, forget, deadline_seconds=NETWORK_DEADLINE_SECONDS),
    )


def _engine_check_routes(s: Services) -> tuple[EventRoute, ...]:
    """Return the route of engine checks, which members request on the page Settings."""
    run = partial(
        checks.run_engine_check,
        tenant=s.tenant,
        settings=s.settings.generators,
        check=registry.check_engine,
    )
    return (
        EventRoute(
            EngineCheckDue,
            run,
            deadline_seconds=NETWORK_DEADLINE_SECONDS,
            on_dead=partial(checks.fail_engine_check, tenant=s.tenant),
        ),
    )


def _voice_routes(s: Services) -> tuple[EventRoute, ...]:
    """Return the routes of text to speech and of the voice catalog."""
    say = partial(
        speeches.synthesize_speech,
        tenant=s.tenant,
        engines=s.speech_engines,
        store=s.store,
        credential=s.credential,
    )
    agencies = partial(list_tenant_ids, s.tenant)
    voices = partial(
        voice_catalog.refresh_voice_catalog,
        tenant=s.tenant,
        engines=s.speech_engines,
        agencies=agencies,
    )
    return (
        EventRoute(
            SpeechDue,
            say,
            deadline_seconds=NETWORK_DEADLINE_SECONDS,
            on_dead=partial(speeches.fail_speech, tenant=s.tenant),
        ),
        EventRoute(
            VoiceCatalogDue,
            voices,
            deadline_seconds=NETWORK_DEADLINE_SECONDS,
            on_dead=partial(voice_catalog.fail_voice_catalog, tenant=s.tenant),
        ),
    )


def _remote_result_route(s: Services) -> EventRoute:
    """Return the route that ingests pictures from the agency's remote workers."""
    bring = partial(
        results.ingest_result,
        tenant=s.tenant,
        store=s.store,
        credential=s.credential,
        classifier=s.classifier,
        checks=s.picture_checks,
        compare=s.face_comparison,
    )
    lost = partial(results.fail_result, tenant=s.tenant, store=s.store)
    return EventRoute(
        RemotePictureDue, bring, deadline_seconds=NETWORK_DEADLINE_SECONDS, on_dead=lost
    )

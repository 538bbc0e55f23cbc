"""Routes of events about faces: consent, bans, comparison and resemblance reviews."""

from datetime import timedelta
from functools import partial

from foundation.outbox.row_leases import Backoff
from gate.consent import face_consent
from gate.consent.face_consent import FaceConsentGiven
from gate.faces.known_faces import FaceComparisonDue, FaceEnrolmentDue, ReferenceComparisonDue
from gate.reviews import resemblance_reviews
from gate.reviews.face_bans import FaceBanEndRequested, FaceBanRequested, handle_face_ban_end
from gate.reviews.resemblance_reviews import ResemblanceJudged
from studio.ingest import face_comparison
from workers.relay.dispatch import EventRoute
from workers.wiring import Services

ENROLMENT_DEADLINE_SECONDS = 60
"""Deadline for at most three photos, fifteen seconds each."""

COMPARISON_DEADLINE_SECONDS = 600
"""Deadline for one batch of pictures; heartbeats extend it."""

CLASSIFIER_BACKOFF = Backoff(first=timedelta(minutes=1), dead_at=9)
"""Retries last about a day, since a classifier may be down that long."""


def face_routes(s: Services) -> tuple[EventRoute, ...]:
    """Return the routes of events about faces."""
    tenant = s.tenant
    by = s.face_comparison
    return (
        EventRoute(FaceConsentGiven, partial(face_consent.handle_face_consent, tenant=tenant)),
        EventRoute(
            ReferenceComparisonDue, partial(face_consent.handle_reference_comparison, tenant=tenant)
        ),
        EventRoute(FaceBanEndRequested, partial(handle_face_ban_end, tenant=tenant)),
        EventRoute(
            ResemblanceJudged, partial(resemblance_reviews.handle_face_judgement, tenant=tenant)
        ),
        EventRoute(
            FaceEnrolmentDue,
            partial(face_comparison.create_face_template, by=by),
            deadline_seconds=ENROLMENT_DEADLINE_SECONDS,
            backoff=CLASSIFIER_BACKOFF,
        ),
        EventRoute(
            FaceComparisonDue,
            partial(face_comparison.compare_again, by=by),
            deadline_seconds=COMPARISON_DEADLINE_SECONDS,
            backoff=CLASSIFIER_BACKOFF,
        ),
        EventRoute(
            FaceBanRequested,
            partial(face_comparison.add_barred_face, by=by),
            deadline_seconds=ENROLMENT_DEADLINE_SECONDS,
            backoff=CLASSIFIER_BACKOFF,
            on_dead=partial(face_comparison.fail_barred_face, by=by),
        ),
    )

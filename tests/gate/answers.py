"""Ratings with an answer to who is shown, as members give them together."""

from uuid import UUID

from foundation.db.database import Scope
from foundation.i18n.translation import Message
from gate.assets import asset_records
from gate.contract.states import DepictionAnswer
from gate.contract.units import Rating
from gate.ratings import depiction_answers, inspections, ratings

TEST_MODEL = "quiet@1"


def rate_and_answer(
    scope: Scope,
    sha256: str,
    rating: Rating,
    *,
    source: str,
    reason: Message | None = None,
    shown: DepictionAnswer = DepictionAnswer.NO_PEOPLE,
) -> None:
    """Rate bytes and answer who is shown, unless someone did. The bundled models found nothing."""
    ratings.record_rating(scope, sha256, rating, source=source, reason=reason)
    if depiction_answers.unanswered_digests(scope, [sha256]):
        answer_bytes(scope, sha256, shown)


def answer_bytes(
    scope: Scope,
    sha256: str,
    shown: DepictionAnswer = DepictionAnswer.NO_PEOPLE,
    *,
    source: str = "member:tests",
    principal: UUID | None = None,
) -> None:
    """Answer who is shown in bytes that the bundled models inspected without a finding."""
    record_quiet_models(scope, sha256)
    asset = asset_records.find_rendition_by_digest(scope, sha256).asset_id
    depiction_answers.record_answer(scope, asset, shown, source=source, principal=principal)


def record_quiet_models(scope: Scope, sha256: str) -> None:
    """Record that the bundled models inspected bytes and found nothing."""
    inspections.record_model_finding(scope, sha256, model=TEST_MODEL, explicit=0, face=0)

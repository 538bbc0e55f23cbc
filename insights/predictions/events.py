"""Events of predictions."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from foundation.outbox import outbox


@dataclass(frozen=True)
class PredictionsDue:
    """Compute the predictions of an agency, which is also the subject."""

    kind: ClassVar[str] = "predictions.compute"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class SentimentsDue:
    """Estimate the sentiment of the new messages and comments of an agency, which is also the
    subject."""

    kind: ClassVar[str] = "predictions.sentiments"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class AnalysisPackagesDue:
    """Install the packages of the extra `analysis`, then compute the predictions of the agency that
    requested them, which is also the subject."""

    kind: ClassVar[str] = "predictions.install"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID

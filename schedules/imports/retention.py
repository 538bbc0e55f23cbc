"""Retention rules of schedules. Posts are retained as long as the agency exists."""

from foundation.db.retention import RetentionRule
from schedules.drafts.models import UnsavedPost
from schedules.imports.models import Import
from schedules.suggestions.models import AltTextRow, IdeaRound, TextKit

SCHEDULES_RETENTION = (
    RetentionRule(Import, "o.created_at", "o.state = 'writing'"),
    RetentionRule(TextKit, "o.created_at"),
    RetentionRule(AltTextRow, "o.created_at"),
    RetentionRule(IdeaRound, "o.created_at"),
    RetentionRule(UnsavedPost, "o.updated_at"),
)

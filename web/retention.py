"""Retention rules of the web package's tables."""

from foundation.db.retention import RetentionRule
from web.api.common.models import ApiAnswer
from web.site.models import ItemViews

WEB_RETENTION = (
    RetentionRule(ItemViews, "CAST(o.day AS timestamptz)"),
    RetentionRule(ApiAnswer, "o.created_at"),
)

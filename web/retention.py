"""How long the room's rows are kept."""

from foundation.db.retention import RetentionRule
from web.api.common.models import ApiAnswer
from web.site.models import ItemViews

WEB_RETENTION = (
    RetentionRule(ItemViews, "CAST(o.day AS timestamptz)"),
    RetentionRule(ApiAnswer, "o.created_at"),
)

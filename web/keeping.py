"""How long the room's rows are kept."""

from foundation.keeping import Rule
from web.models import ApiAnswer, ItemViews

RULES = (Rule(ItemViews, "CAST(o.day AS timestamptz)"), Rule(ApiAnswer, "o.created_at"))

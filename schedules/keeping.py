"""How long the room's rows are kept; posts stay while the agency is here."""

from foundation.keeping import Rule
from schedules.models_planning import IdeaRound, Import, PictureWords, TextKit

RULES = (
    Rule(Import, "o.created_at", "o.state = 'writing'"),
    Rule(TextKit, "o.created_at"),
    Rule(PictureWords, "o.created_at"),
    Rule(IdeaRound, "o.created_at"),
)

"""How long the room's rows are kept, of those that end by themselves."""

from foundation.keeping import Rule
from studio.models_voices import VoiceSample

RULES = (Rule(VoiceSample, "o.created_at"),)

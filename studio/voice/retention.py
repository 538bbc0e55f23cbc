"""How long the room's rows are kept, of those that end by themselves."""

from foundation.db.retention import RetentionRule
from studio.voice.models import VoiceSampleRow

STUDIO_RETENTION = (RetentionRule(VoiceSampleRow, "o.created_at"),)

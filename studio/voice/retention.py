"""Retention of rows that expire: voice samples."""

from foundation.db.retention import RetentionRule
from studio.voice.models import VoiceSampleRow

STUDIO_RETENTION = (RetentionRule(VoiceSampleRow, "o.created_at"),)

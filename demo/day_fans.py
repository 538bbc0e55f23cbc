"""Day fans of demo."""

from datetime import time

FAN_VISITS = ((time(11, 30), "Léo"), (time(18, 0), "Inès"))
"""When fans of the sandbox write, and who they are."""

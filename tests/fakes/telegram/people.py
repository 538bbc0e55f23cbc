"""Users of the fake Telegram."""

from dataclasses import dataclass
from typing import Any


@dataclass
class Person:
    """A user of the app."""

    id: int
    name: str
    language: str

    def told(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "is_bot": False,
            "first_name": self.name,
            "username": self.name.lower(),
            "language_code": self.language,
        }

"""Connectors that take pictures without words for one another."""

from connectors.contract import Answer, Response, Send, Sought
from connectors.fanvue import Fanvue
from connectors.outcomes import Absent, Found, Sighting
from connectors.sandbox import Sandbox


class TakesAnyPicture(Sandbox):
    """Any wordless post of the time sought is the one."""

    def find(self, sought: Sought, answers: tuple[Answer, ...]) -> Send | Sighting:
        listed = answers[-1] if answers else None
        posts = listed.body["posts"] if isinstance(listed, Response) and isinstance(listed.body, dict) else []
        silent = next((post for post in posts if not (sought.text or post["text"])), None)
        if silent is None:
            return super().find(sought, answers)
        return Found(silent["id"], silent["url"])


class SeesNoPicture(Fanvue):
    """What says nothing is nowhere."""

    def find(self, sought: Sought, answers: tuple[Answer, ...]) -> Send | Sighting:
        return super().find(sought, answers) if sought.text else Absent()

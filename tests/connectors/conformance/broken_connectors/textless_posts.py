"""Connectors that confuse posts without text."""

from connectors.contract.connector import LookupQuery, Response, Send, StepResult
from connectors.contract.outcomes import Absent, Found, LookupResult
from connectors.platforms.fanvue.publisher import Fanvue
from connectors.platforms.sandbox.publisher import Sandbox


class MatchesAnyTextlessPost(Sandbox):
    """Matches any post without text in the time range."""

    def look_up(self, sought: LookupQuery, answers: tuple[StepResult, ...]) -> Send | LookupResult:
        listed = answers[-1] if answers else None
        posts = (
            listed.body["posts"]
            if isinstance(listed, Response) and isinstance(listed.body, dict)
            else []
        )
        silent = next((post for post in posts if not (sought.text or post["text"])), None)
        if silent is None:
            return super().look_up(sought, answers)
        return Found(silent["id"], silent["url"])


class ReportsTextlessPostsAbsent(Fanvue):
    """Confirms that every post without text is absent."""

    def look_up(self, sought: LookupQuery, answers: tuple[StepResult, ...]) -> Send | LookupResult:
        return super().look_up(sought, answers) if sought.text else Absent(confirmed=True)

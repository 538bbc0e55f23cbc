"""Who keeps the books of requests for texts: engines tell it before each one leaves, and what came of it."""


class Tally:
    """Who is told of each request for a text, one after the other; here nobody. The studio keeps it in its table."""

    def asking(self, engine: str, model: str, most_in: int, most_out: int) -> None:
        """A request is about to leave to a model: a question of so many tokens at most, an answer of so many. Raises
        `contract.EngineWithheld` where it must not."""

    def answered(self, tokens_in: int, tokens_out: int) -> None:
        """It was answered; both 0 where the server does not count."""

    def unheard(self) -> None:
        """It surely did not reach the model: nothing was done."""

    def lost(self) -> None:
        """No whole answer came: what it asked for may have been written, and billed."""


UNCOUNTED = Tally()

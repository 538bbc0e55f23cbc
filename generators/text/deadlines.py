"""A deadline for text engines: a call that takes longer is abandoned and its answer discarded.

The abandoned call ends by its engine's own timeout, in a thread, so that its request is still
recorded with its costs. Until then the engine receives no further call, so that late calls do not
pile up.
"""

import contextvars
import threading
from dataclasses import dataclass, field

from generators.contract.engines import EngineUnreachable, GeneratedText, TextEngine, TextJob

_LATE: dict[str, threading.Thread] = {}
"""The last abandoned call of each engine."""


@dataclass
class _Call:
    """One call in a thread, with its result or its exception."""

    engine: TextEngine
    job: TextJob
    text: GeneratedText | None = None
    error: BaseException | None = None
    done: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        try:
            self.text = self.engine.write(self.job)
        except BaseException as error:
            self.error = error
        finally:
            self.done.set()


class DeadlineEngine:
    """A text engine whose calls take at most `seconds`."""

    def __init__(self, engine: TextEngine, seconds: float) -> None:
        self._engine = engine
        self._seconds = seconds
        self.name = engine.name
        self.model = engine.model
        self.languages = engine.languages
        self.converses = engine.converses

    def write(self, job: TextJob) -> GeneratedText:
        """Generate the text. Raises EngineUnreachable if it is late or an earlier call still runs,
        and the exceptions of the engine."""
        late = _LATE.get(self.name)
        if late is not None and late.is_alive():
            raise self._late_error()
        call = _Call(self._engine, job)
        thread = threading.Thread(
            target=contextvars.copy_context().run, args=(call.run,), daemon=True
        )
        thread.start()
        if not call.done.wait(self._seconds):
            _LATE[self.name] = thread
            raise self._late_error()
        if call.error is not None:
            raise call.error
        if call.text is None:
            raise self._late_error()
        return call.text

    def _late_error(self) -> EngineUnreachable:
        return EngineUnreachable(
            "engine.too_late", engine=self.name, seconds=max(round(self._seconds), 1)
        )

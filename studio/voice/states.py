"""States of a text to speak."""

from enum import StrEnum

from foundation.state_graphs import StateGraph


class SpeechState(StrEnum):
    """What became of a text to say. Asked: an engine may have said and billed it; uncertain: nobody
    knows, until a person takes it as billed."""

    WAITING = "waiting"
    ASKED = "asked"
    MADE = "made"
    FAILED = "failed"
    UNCERTAIN = "uncertain"


SPEECH_STATES = StateGraph(
    initial=SpeechState.WAITING,
    edges={
        SpeechState.WAITING: {SpeechState.ASKED, SpeechState.FAILED},
        SpeechState.ASKED: {
            SpeechState.WAITING,
            SpeechState.MADE,
            SpeechState.FAILED,
            SpeechState.UNCERTAIN,
        },
        SpeechState.UNCERTAIN: {SpeechState.FAILED},
    },
)

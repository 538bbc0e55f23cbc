"""States of a text to speak."""

from enum import StrEnum

from foundation.state_graphs import StateGraph


class SpeechState(StrEnum):
    """The state of a text to speak.

    ASKED: an engine may have spoken and billed it. UNCERTAIN: the outcome is unknown until a member
    decides.
    """

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

"""The vocabulary: the resource, the facts of a pass and what a pass may come to."""

from supmessenger_operator.model.desired_object import DesiredObject, Wave
from supmessenger_operator.model.inputs import Inputs, SecretFact
from supmessenger_operator.model.messenger import Messenger, parse_messenger
from supmessenger_operator.model.outcome import Outcome, Stalled, Waiting

__all__ = [
    "DesiredObject",
    "Inputs",
    "Messenger",
    "Outcome",
    "SecretFact",
    "Stalled",
    "Waiting",
    "Wave",
    "parse_messenger",
]

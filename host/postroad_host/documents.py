"""A journey as the command line shows it, wherever it was looked up: what it is, why, and how far it came."""

from postroad.diagnosis import stages
from postroad.journey import Journey
from postroad_host.answers import Document


def told(one: Journey) -> Document:
    """A journey with its diagnosis, the three stages, and what else has to be known of it."""
    answer = stages(one).as_json()
    return one.as_json() | {name: answer[name] for name in ("diagnosis", "stages", "overlays")}

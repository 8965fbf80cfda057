"""Writes docs/states.md from the table in `postroad.lifecycle`; with `--check` it only looks for drift."""

import sys
from pathlib import Path

from postroad.facts import Event, Source
from postroad.lifecycle import MEANINGS, PROBLEMS, State

PAGE = Path(__file__).resolve().parent.parent / "docs" / "states.md"
_HEAD = """<!-- Generated from layers/core/postroad/lifecycle.py by tools/states_page.py. Do not edit. -->
# States

The state of a delivery is the highest rank among what its facts say. So it does not matter in which order a relay's
lines and SES's events arrive, or how often: a late Delivery never hides a bounce, and an out-of-office reply never
turns a delivered message into a failed one.

| rank | state | said by | shown to staff | listed as a problem |
|---|---|---|---|---|
"""
_OVERLAYS = """
Beside the state a journey may carry overlays:

| overlay | meaning |
|---|---|
| `complained` | the recipient, or one of several, reported it; `not-spam` and `auth-failure` reports do not count |
| `auto_reply` | an out-of-office reply is suspected: SES reported a Transient/General bounce of a delivered message |
| `silent` | Amazon SES took it more than an hour ago, and has said nothing of its outcome |

Three rules go beyond the table:

- A message that expired in our queue, or that an operator deleted there, is `soft-bounced` for the recipients that
  were still being tried.
- A message handed to a content filter on the same host, and queued again by it, has not arrived anywhere: that hop
  does not count.
- A recipient is known to the relay's log from the first attempt on. Before that, a message is `queued` with the
  recipient that a logged Subject line names, if there is one, and is found by that address.

## Events

What a timeline may hold:

| source | events |
|---|---|
"""


def page() -> str:
    """The page as the tables have it now."""
    rows = "".join(
        f"| {state.value} | `{state.word}` | {MEANINGS[state].said_by} | {MEANINGS[state].shown} | "
        f"{'yes' if state in PROBLEMS else 'no'} |\n"
        for state in State
    )
    return _HEAD + rows + "\n```mermaid\n" + _diagram() + "```\n" + _OVERLAYS + _events()


def _diagram() -> str:
    boxes = "".join(f'    {state.name}["{state.value} {state.word}"]\n' for state in State)
    steps = " --> ".join(state.name for state in State)
    return f"flowchart LR\n{boxes}    {steps}\n"


def _events() -> str:
    ses = list(Event)[list(Event).index(Event.SUBMITTED) : list(Event).index(Event.OTHER) + 1]
    said = {
        Source.RELAY: [event for event in Event if event not in ses or event is Event.BOUNCED],
        Source.SES: ses,
    }
    said[Source.RELAY].remove(Event.UNCLAIMED)
    said[Source.SES].append(Event.REJECTED)
    rows = ((source, ", ".join(f"`{event}`" for event in events)) for source, events in said.items())
    return "".join(f"| `{source}` | {events} |\n" for source, events in rows)


if __name__ == "__main__":
    if "--check" in sys.argv:
        sys.exit(PAGE.read_text("utf-8") != page())
    PAGE.write_text(page(), "utf-8")

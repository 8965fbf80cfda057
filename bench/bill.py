"""What an ordinary message costs on AWS: write units, and dollars a million by the model of `bench.cost`; counted."""

from math import inf

from bench.cost_model import GOAL, SECONDS_A_DAY, USUAL, VOLUMES, total, usual
from bench.deployment import Deployment
from bench.harness import Asked, main
from bench.path import Counted, Setting, run
from bench.tables import Goal, Measured, Table


def row(asked: Asked) -> Table:
    """Count: the real handlers and what they write, at the model's usual volume."""
    rate = VOLUMES[USUAL] / SECONDS_A_DAY
    units = _units(run(Deployment(), rate))
    # A payload that holds all lines of all messages cuts none in two.
    whole = sum(_units(run(Deployment(), rate, Setting(gathered_s=inf))).values())
    dollars = total(usual(), "path")
    return Table(
        "Cost on AWS",
        asked.command,
        [
            *(_line(f"write units a message: {name}", amount, "units") for name, amount in units.items()),
            _line("write units of a message whose lines one payload holds, all told", whole, "units"),
            _line("the path of a million messages", dollars, "dollars"),
        ],
        [
            Goal("Write units of an ordinary message", sum(units.values()), "≤", 5.0, " units"),
            Goal("The path of a million messages", dollars, "≤", GOAL, " dollars"),
        ],
        [
            "Some messages are cut in two, as lines come in payloads of five seconds: the goal counts them.",
            f"At {USUAL}: docs/cost.md has the other volumes, and the prices.",
        ],
    )


def _units(counted: Counted) -> dict[str, float]:
    return {name: counted.each(amount) for name, amount in counted.units.items()}


def _line(name: str, amount: float, unit: str) -> Measured:
    return Measured(name, amount, amount, amount, unit)


if __name__ == "__main__":
    main("bill", row)

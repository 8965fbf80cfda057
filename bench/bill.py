"""What an ordinary message costs on AWS: write units, and dollars a million by the model of `bench.cost`; counted."""

from bench.cost_model import GOAL, SECONDS_A_DAY, USUAL, VOLUMES, total, usual
from bench.deployment import Deployment
from bench.harness import Asked, main
from bench.path import run
from bench.tables import Goal, Measured, Table


def row(asked: Asked) -> Table:
    """Count: the real handlers and what they write, at the model's usual volume."""
    counted = run(Deployment(), VOLUMES[USUAL] / SECONDS_A_DAY)
    units = {name: counted.each(amount) for name, amount in counted.units.items()}
    dollars = total(usual(), "path")
    return Table(
        "Cost on AWS",
        asked.command,
        [
            *(_line(f"write units a message: {name}", amount, "units") for name, amount in units.items()),
            _line("the path of a million messages", dollars, "dollars"),
        ],
        [
            Goal("Write units of an ordinary message, all told", sum(units.values()), "≤", 5.0, " units"),
            Goal("The path of a million messages", dollars, "≤", GOAL, " dollars"),
        ],
        [f"At {USUAL}: docs/cost.md has the other volumes, and the prices."],
    )


def _line(name: str, amount: float, unit: str) -> Measured:
    return Measured(name, amount, amount, amount, unit)


if __name__ == "__main__":
    main("bill", row)

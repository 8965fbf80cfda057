"""Prints what Postroad costs on AWS, or renews the tables of docs/cost.md: `python -m bench.cost`, `--json`, `--write`.

The model is `cost_model`, what it counts `path`, what it measures `cost_measure`, the tables `cost_page`.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from bench import cost_page

PAGE = Path(__file__).resolve().parents[1] / "docs" / "cost.md"


def main(arguments: Sequence[str] | None = None) -> None:
    """Print it, or write it into the page."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--json", action="store_true", help="print everything as JSON")
    asked.add_argument("--write", action="store_true", help="renew the tables of docs/cost.md")
    said = asked.parse_args(arguments)
    if said.write:
        PAGE.write_text(cost_page.renewed(PAGE.read_text("utf-8")), "utf-8")
    elif said.json:
        print(json.dumps(cost_page.everything(), indent=2))
    else:
        print(cost_page.tables())


if __name__ == "__main__":
    main()

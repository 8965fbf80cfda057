"""Log lines to facts and facts to folded records, in memory."""

from bench import inputs, peers
from bench.harness import Asked, Contender, here, main, middle, rounds, table_of
from bench.tables import Goal, Table
from postroad.growth import grown
from postroad.postfix import read

OURS = "Postroad"


def row(asked: Asked) -> Table:
    """Measure."""
    log, _ = inputs.traffic(asked.lines)
    lines, carrier = inputs.lines_of(log), inputs.carrier_of(log)

    def folded() -> None:
        for batch in inputs.batches(lines):
            grown(read(batch, carrier).facts)

    ours = Contender(OURS, here(folded), len(lines), f"folded by {inputs.BATCH:,} lines, as the import does")
    contenders = [ours, *peers.pflogsumm(log, len(lines))]
    found = table_of(contenders, rounds(contenders, asked.rounds), scale=1e6, unit="µs/line")
    goal = Goal("Against pflogsumm", middle(found, peers.PFLOGSUMM) / middle(found, OURS), "≥", 4.5)
    return Table(f"{len(lines):,} lines to folded records", asked.command, found, [goal], [])


if __name__ == "__main__":
    main("fold", row)

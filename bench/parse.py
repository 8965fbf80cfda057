"""Log lines, as texts, to the fields of facts: Postroad against every parser that can be had."""

from pathlib import Path

from bench import inputs, peers
from bench.harness import Asked, Contender, here, main, middle, rounds, table_of
from bench.tables import Goal, Measured, Table
from postroad.postfix import read

OURS = "Postroad"


def row(asked: Asked) -> Table:
    """Measure."""
    log, _ = inputs.traffic(asked.lines)
    lines, carrier = inputs.lines_of(log), inputs.carrier_of(log)

    def parsed() -> None:
        # By the batch, as the import reads: no user holds a million facts at once.
        for batch in inputs.batches(lines):
            read(batch, carrier)

    ours = Contender(OURS, here(parsed), len(lines), "in this process, from a list of texts")
    naive = peers.naive(lines)._replace(work=len(lines))
    others, missing = had(log, len(lines))
    contenders = [ours, *others, naive]
    found = table_of(contenders, rounds(contenders, asked.rounds), scale=1e6, unit="µs/line")
    return Table(f"Parse {len(lines):,} lines", asked.command, found, goals(found), missing)


def had(log: Path, lines: int) -> tuple[list[Contender], list[str]]:
    """The peers that can be had, and what is to be said of the others."""
    found, missing = peers.pflogsumm(log, lines), []
    for peer in (peers.lightmeter, peers.postfix_parser):
        try:
            found.append(peer(log, lines))
        except peers.NotHadError as error:
            missing.append(f"{peer.__name__}: could not be had: {error}")
    return found, missing


def goals(found: list[Measured]) -> list[Goal]:
    """The goals of this row."""
    ours, theirs = middle(found, OURS), middle(found, peers.PFLOGSUMM)
    if any(line.name == peers.LIGHTMETER for line in found):
        level = Goal("Against Lightmeter's parser", middle(found, peers.LIGHTMETER) / ours, "≥", 1.0)
    else:
        stand_in = theirs / peers.LIGHTMETER_TO_PFLOGSUMM
        level = Goal("Against Lightmeter's parser (stand-in: 8 × pflogsumm)", stand_in / ours, "≥", 1.0)
    return [Goal("Against pflogsumm", theirs / ours, "≥", 8.0), level]


if __name__ == "__main__":
    main("parse", row)

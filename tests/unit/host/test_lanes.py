"""Files read side by side: each line once and in its order, and both kinds at one pace."""

import gzip
import os
import threading
from collections.abc import Callable, Sequence
from io import BytesIO
from itertools import accumulate
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad_host import files, lanes
from postroad_host.files import blocks_in
from postroad_host.lanes import Chunk, Lane, Watcher, side_by_side

LINE = b"x" * 99 + b"\n"


class Told:
    """What a watcher was told."""

    def __init__(self) -> None:
        self.begun: list[tuple[str, int | None]] = []
        self.moved: list[int] = []
        self.failed: list[tuple[str, str]] = []

    def watcher(self) -> Watcher:
        def begun(name: str, size: int | None) -> Callable[[int], None]:
            self.begun.append((name, size))
            return self.moved.append

        def failed(name: str, _: Exception, rest: str) -> None:
            self.failed.append((name, rest))

        return Watcher(begun, failed)


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture(autouse=True)
def _short_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_BLOCK", 1_000)
    monkeypatch.setattr(lanes, "_LINES", 10)


def _file(folder: Path, name: str, content: bytes) -> str:
    path = folder / name
    path.write_bytes(content)
    return str(path)


def _read(told: Told, relay: Sequence[str], ses: Sequence[str]) -> list[Chunk]:
    return list(side_by_side([Lane("relay", relay, told.watcher()), Lane("ses", ses, told.watcher())]))


def test_a_long_and_a_short_file_end_together(tmp_path: Path, told: Told) -> None:
    log, events = _file(tmp_path, "log", LINE * 900), _file(tmp_path, "events", LINE * 300)
    chunks = _read(told, [log], [events])

    read = list(accumulate((chunk.kind == "relay") for chunk in chunks if chunk.inputs))
    assert all(abs(done - 3 * number / 4) <= 2 for number, done in enumerate(read, 1))
    assert sum(len(chunk.inputs) for chunk in chunks) == 1_200
    assert told.begun == [(log, 90_000), (events, 30_000)]
    assert max(told.moved) == 90_000


def test_several_files_are_one_lane(tmp_path: Path, told: Told) -> None:
    logs = [_file(tmp_path, f"log.{number}", LINE * 100) for number in range(3)]
    chunks = _read(told, logs, [_file(tmp_path, "events", LINE * 100)])

    origins = [Path(chunk.origin).name for chunk in chunks if chunk.inputs]
    assert [name for name in dict.fromkeys(origins) if name != "events"] == ["log.0", "log.1", "log.2"]
    assert origins.index("log.2") < len(origins) - 1 - origins[::-1].index("events")


def test_a_pipe_takes_turns(tmp_path: Path, told: Told) -> None:
    pipe = str(tmp_path / "pipe")
    os.mkfifo(pipe)
    writer = threading.Thread(target=Path(pipe).write_bytes, args=(LINE * 50,))
    writer.start()
    chunks = _read(told, [pipe], [_file(tmp_path, "events", LINE * 50)])
    writer.join()

    assert [chunk.kind for chunk in chunks[:4]] == ["relay", "ses", "relay", "ses"]
    assert sum(len(chunk.inputs) for chunk in chunks) == 100
    assert (pipe, None) in told.begun


def test_a_file_that_fails_is_told_of_and_the_next_one_read(tmp_path: Path, told: Told) -> None:
    cut = _file(tmp_path, "cut.gz", gzip.compress(os.urandom(40_000).hex().encode() + b"\n" + LINE)[:20_000])
    good, missing = _file(tmp_path, "good", LINE), str(tmp_path / "missing")
    chunks = _read(told, [missing, cut, good], [])

    assert told.failed == [
        (missing, "name a file that can be read"),
        (cut, "what came before is imported"),
    ]
    assert chunks[-1].inputs == [LINE.rstrip()]


def test_blank_lines_are_left_out(tmp_path: Path, told: Told) -> None:
    (chunk,) = _read(told, [_file(tmp_path, "log", b"\na\n\r\n \t\nb\n\n")], [])
    assert chunk.inputs == [b"a", b"b"]


def test_nothing_to_read(told: Told) -> None:
    assert _read(told, [], []) == []


@given(st.lists(st.sampled_from([b"", b"a", b"\r", b"x" * 40, b"\0\xff"])), st.integers(1, 50))
def test_blocks_hold_the_lines_of_the_file(lines: list[bytes], block: int) -> None:
    content = b"\n".join(lines)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "_BLOCK", block)
        found = [line for lines in blocks_in(BytesIO(content)) for line in lines]

    whole = content.split(b"\n")
    assert found == (whole if whole[-1] else whole[:-1])

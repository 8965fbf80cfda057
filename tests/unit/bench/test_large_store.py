from pathlib import Path

import pytest

from bench import inputs, large_store
from postroad.search import Search
from postroad.store.sqlite import SQLiteStore
from postroad_host import questions

BLOCK, COPIES = 20, 3


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SQLiteStore:
    monkeypatch.setattr(inputs, "CACHE", tmp_path / "bench")
    monkeypatch.setattr(large_store, "BLOCK", BLOCK)
    return SQLiteStore.open(str(large_store.filled(BLOCK * COPIES)))


def test_copies_of_a_block_answer_as_the_block_does(store: SQLiteStore) -> None:
    with store:
        search = Search(store, "2026-04-01T00:00:00.000Z")
        for number in range(BLOCK * COPIES):
            [one] = search.of_id(large_store.message_id(number))
            assert (one.recipient, one.state.word) == (large_store.recipient(number), "delivered")
            assert len(one.queue_ids) == 1
            found = list(questions.of_address(search, large_store.recipient(number), None, None))
            assert len(found) == large_store.EACH
            assert one.ses_id in {journey.ses_id for journey in found}


def test_every_message_of_every_copy_is_there_once(store: SQLiteStore) -> None:
    with store:
        found = list(questions.every(Search(store, "2026-04-01T00:00:00.000Z"), store, None, None))
        assert len({one.message_id for one in found}) == len(found) == BLOCK * COPIES


def test_the_copied_store_has_its_indexes(store: SQLiteStore) -> None:
    with store:
        named = store.run("SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = 'record'")
        with SQLiteStore.open() as empty:
            assert sorted(named) == sorted(
                empty.run("SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = 'record'")
            )

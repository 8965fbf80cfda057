from typing import get_type_hints

from postroad.codec import SHORT_NAMES
from postroad.facts import Event, Fact, ParseError, Source


def test_a_parse_error_carries_the_raw_input_beside_its_reason() -> None:
    error = ParseError("a reason", "the input")
    assert (str(error), error.raw) == ("a reason", "the input")
    assert isinstance(error, ValueError)


def test_words_are_texts() -> None:
    assert f"{Event.HANDED_OVER} {Source.SES}" == "handed-over ses"


def test_every_word_of_a_fact_has_a_short_name_of_its_own() -> None:
    assert set(get_type_hints(Fact)) == set(SHORT_NAMES)
    assert len(set(SHORT_NAMES.values())) == len(SHORT_NAMES)

from postroad import ses_schema, ses_words
from postroad.codec import SHORT_NAMES


def test_what_is_read_of_details_is_what_the_schema_names() -> None:
    assert {*ses_schema.Detail.__annotations__, "remoteMtaIp"} == ses_words.READ
    assert {kind.recipients for kind in ses_words.KINDS.values()} - {None} < ses_words.READ


def test_every_word_of_ses_s_has_one_of_ours_that_a_record_can_keep() -> None:
    assert set(ses_words.WORDS.values()) <= SHORT_NAMES.keys()

import json
from typing import Any, get_type_hints

import msgspec
import pytest

from postroad import ses_schema, ses_wire, ses_words

MAIL = {"timestamp": "2026-02-25T00:05:18.000Z", "messageId": "x"}


def test_what_is_not_named_is_skipped() -> None:
    found = ses_wire.body(
        json.dumps({"eventType": "Send", "mail": MAIL | {"sendingAccountId": 5}, "novelty": [{}]})
    )
    assert found.event_type == "Send"
    assert found.mail
    assert found.mail.message_id == "x"


def test_the_fields_are_those_of_the_plain_readers_schema() -> None:
    names = {field.encode_name for field in msgspec.structs.fields(ses_wire.Mail)}
    assert names == set(get_type_hints(ses_schema.Mail))
    names = {field.encode_name for field in msgspec.structs.fields(ses_wire.Body)}
    assert names > set(get_type_hints(ses_schema.Envelope)) | {
        kind.detail for kind in ses_words.KINDS.values()
    }


ANYTHING: tuple[Any, ...] = (None, 0, 1, "x", [], {})
OTHERS = [{name: value} for name in ("Records", "Sns", "body", "Body") for value in ANYTHING]


@pytest.mark.parametrize(
    "body",
    [
        {"mail": {"messageId": "x"}},
        {"mail": MAIL | {"messageId": ""}},
        {"mail": MAIL | {"headers": [{"name": "x"}]}},
        {"mail": MAIL | {"destination": "a@b"}},
        {"delivery": []},
        {"Message": None},
        *OTHERS,
    ],
)
def test_what_the_plain_readers_must_judge_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        ses_wire.body(json.dumps(body))

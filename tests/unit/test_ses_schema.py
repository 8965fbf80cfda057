from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from postroad import ses_schema as schema

MAIL = {"messageId": "x", "timestamp": "2026-02-25T00:05:18.000Z"}


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"futureField": {"deep": [1]}},
        {"headersTruncated": "true"},
        {"tags": None, "headers": None, "commonHeaders": None, "source": None, "destination": None},
    ],
)
def test_fields_that_ses_adds_or_leaves_out_do_no_harm(more: dict[str, Any]) -> None:
    read = TypeAdapter(schema.Envelope).validate_python({"eventType": "Send", "mail": MAIL | more})
    assert read["mail"]["messageId"] == "x"
    assert "futureField" not in read["mail"]


@pytest.mark.parametrize("name", ["messageId", "timestamp"])
def test_a_mail_object_without_its_id_or_time_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match=name):
        TypeAdapter(schema.Mail).validate_python({key: value for key, value in MAIL.items() if key != name})


@pytest.mark.parametrize(
    "detail",
    [{"recipients": "a@b"}, {"bouncedRecipients": [1]}, {"bounceType": {}}, {"processingTimeMillis": "long"}],
)
def test_details_of_another_type_are_refused(detail: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(schema.Detail).validate_python(detail)

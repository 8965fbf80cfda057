import pytest

from postroad.providers import BY_DOMAIN, BY_REPLY, OTHER, provider


@pytest.mark.parametrize(
    ("address", "reply", "name"),
    [
        ("ann@gmail.com", "", "google"),
        ("ann@mail.gmx.de", "", "united internet"),
        ("ann@example.com", "250 2.0.0 OK 1772000721 a92af1059eb24-12.89 - gsmtp", "google"),
        (
            "ann@example.com",
            "250 2.6.0 <1@x> [InternalId=1, Hostname=AB1.EURPRD01.PROD.OUTLOOK.COM] Queued",
            "microsoft",
        ),
        ("ann@example.com", "250 OK", OTHER),
        ("ann@notgmail.com", "", OTHER),
        ("ann", "", OTHER),
        ("", "", OTHER),
    ],
)
def test_a_provider_is_known_by_domain_or_reply(address: str, reply: str, name: str) -> None:
    assert provider(address, [reply]) == name


def test_an_operator_may_know_more() -> None:
    assert provider("ann@shop.example.com", by_domain={"example.com": "us"}) == "us"
    assert (
        provider("ann@example.com", ["250 by mx.example.net"], by_reply={"mx.example.net": "them"}) == "them"
    )


def test_the_tables_are_written_as_they_are_asked() -> None:
    for words in (*BY_DOMAIN, *BY_REPLY):
        assert words == words.lower()
    assert len({*BY_DOMAIN.values(), *BY_REPLY.values(), OTHER}) < 40

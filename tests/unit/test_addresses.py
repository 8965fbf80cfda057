import pytest

from postroad.addresses import LONGEST, bare, clipped, folded, is_plain, printable


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("ann@example.com", "ann@example.com"),
        ("<ann@example.com>", "ann@example.com"),
        ("Ann <ann@example.com>", "ann@example.com"),
        ('"Ann <x@y>" <ann@example.com>', "ann@example.com"),
        (" ann@example.com ", "ann@example.com"),
        ("", ""),
        ("<>", ""),
        ("odd>", "odd>"),
    ],
)
def test_the_bare_address_is_what_stands_in_the_last_brackets(text: str, address: str) -> None:
    assert bare(text) == address


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ann@Example.COM", "ann@example.com"),
        ('"re ceiver"@example.com', "re ceiver@example.com"),
        (r'"quo\"te"@example.com', 'quo"te@example.com'),
        ("Ann <ann@example.com>", "ann@example.com"),
        ("GROSS@example.com", "groß@example.com"),
        ("nul\0@example.com", "nul?@example.com"),
    ],
)
def test_spellings_of_one_address_fold_alike(one: str, other: str) -> None:
    assert folded(one) == folded(other)


@pytest.mark.parametrize("address", ['"@example.com', '""@example.com', "root", "@", "", "a@b@example.com"])
def test_odd_addresses_fold_to_something_that_folds_to_itself(address: str) -> None:
    assert folded(folded(address)) == folded(address)


def test_a_plus_tag_and_an_apostrophe_are_part_of_the_address() -> None:
    assert folded("O'Neil+News@example.org") == "o'neil+news@example.org"


def test_a_text_too_long_for_a_key_is_cut_and_stays_distinct() -> None:
    one, other = clipped("a" * 1000 + "1"), clipped("a" * 1000 + "2")
    assert one != other
    assert len(one) == len(other) < LONGEST + 20
    assert clipped("a" * LONGEST) == "a" * LONGEST


def test_what_does_not_print_is_a_question_mark() -> None:
    assert printable("plain jürgen") == "plain jürgen"
    assert printable("a\r\n\0\x1b\x7f\x85\u2028\ud800b") == "a????????b"


@pytest.mark.parametrize("text", ["", "a b@c.d", "\x7f", "\t", "a\nb", "jürgen", "~", "\x1f"])
def test_plain_is_printable_ascii(text: str) -> None:
    assert is_plain(text.encode()) == (text.isascii() and text.isprintable())

"""Personal data: addresses, numbers and links are found, and numbers of other kinds are left alone.

The numbers are the void or published specimens of their standards, and belong to nobody.
"""

import pytest
from rule_checks import find_names, make_texts

from builder.checks.rules.checksums import (
    get_iban_length,
    passes_iban,
    passes_luhn,
    passes_resident_id,
)
from builder.checks.rules.item import find_breaches

EXAMPLES = [
    ("contact:e-mail", "Write to someone@example.org today.", "Meet me @ noon, not at 2.30."),
    ("contact:e-mail", "请写信给someone@example.org吧。", "请@我。"),
    ("contact:e-mail", "Write to someone (at) example (dot) org.", "She sat (at last) on it."),
    ("contact:link", "See https://example.org for it.", "The www is a web, http a protocol."),
    ("contact:link", "See www.example.org for it.", "He said: wwww."),
    ("contact:link", "See example.com/path for it.", "It is 5.2/2 or and/or that."),
    ("contact:link", "Find me at t.me/nobody then.", "Ask me/him, e.g. now."),
    ("contact:link", "访问example.com/path就行。", "访问公司/学校就行。"),
    ("contact:link", "请看网址www.example.org吧。", "请看网页吧。"),
    ("contact:handle", "加我微信号：nobody_2026吧。", "加我微信吧。"),
    ("contact:address", "He lives at 221B Baker Street there.", "In 221 BC the Street was built."),
    ("contact:address", "他住在5栋2单元301室。", "他有5栋房子。"),
    ("contact:address", "Elle habite 12 rue de la Paix.", "Elle a 12 ruelles de paix."),
    ("personal:ssn", "Her SSN 123456789 is there.", "Her sum 123456789 is there."),
    ("personal:ssn", "My passport number is X12345678.", "My passport is 12 years old."),
    ("contact:domain", "It was sold on example.com then.", "It ended.Come on, use ASP.NET."),
    ("contact:ip-address", "The server is 192.0.2.17 now.", "It is release 10.0.19045 now."),
    ("contact:ip-address", "Use 2001:db8:0:0:0:0:0:1 now.", "At 12:30:45 he left."),
    ("contact:handle", "Write to @nobody_here today.", "It is sold @ 5, or @me."),
    ("contact:address", "He lives at 12 Old Mill Road there.", "In 12 days the Road Show comes."),
    ("contact:address", "他住在中山路12号。", "他走了12号路口。"),
    ("personal:ssn", "It is 078-05-1120, she said.", "It is 000-05-1120, she said."),
    ("personal:resident-id", "号码是11010519491231002X。", "号码是110105194912310021。"),
    ("personal:iban", "Pay to GB82 WEST 1234 5698 7654 32 IN MAY.", "GB82 WEST 1234 5698 7654 33."),
    ("personal:payment-card", "Pay with 4111 1111 1111 1111 now.", "It is 4111 1111 1111 1112."),
    ("personal:payment-card", "Pay with 4111-1111-1111-1111.", "Count 4444 4444 4444 4444 4."),
]

PHONES = [
    "Ring (030) 1234 5678 now.",
    "Ring +49 30 1234567 now.",
    "Ring +1.212.555.0168 now.",
    "Ring +86 138 1234 5678 now.",
    "Ring 212-555-0168 now.",
    "Ring (212) 555-0168 now.",
    "Ring 1-800-555-0199 now.",
    "Dial 020 7946 0958 now.",
    "Dial 06 12 34 56 78 now.",
    "Dial 010-12345678 now.",
    "My phone: 5550168 is new.",
    "打13812345678给我。",
    "打138-1234-5678给我。",
    "电话：62345678。",
    "It is tel. 0123 456789, in case.",
]
NO_PHONES = [
    "It was open 1990-2000, room 12 3.",
    "It cost 1,234,567 in 2019 and 2020.",
    "From 2019-2020 2021 on, all was well.",
    "It is ISBN 978-3-16-148410-0 there.",
    "They met on 2023-10-12 1400 times.",
    "The scores are 100 200 300 in all.",
    "All 12 345 678 people came.",
    "It is version 10.0.19045 there.",
    "In 1945 1946 1947 they left.",
    "It is 3.14159265358 there.",
    "See pages 100-120, 130-150 there.",
    "All $1 000 000 000 are gone.",
    "Call it a day, the text of 1990-2000 is lost.",
    "Call 112 if you must.",
    "他打了12345678901次。",
]


def _get_language(text: str) -> str:
    return "zh" if any("\u4e00" <= c <= "\u9fff" for c in text) else "en"


@pytest.mark.parametrize(("rule", "breaking", "innocent"), EXAMPLES)
def test_personal_data_is_found_and_what_looks_like_it_is_not(
    rule: str, breaking: str, innocent: str
) -> None:
    """Released data cannot be called back; a false alarm rejects a sound item."""
    assert find_names(breaking, language=_get_language(breaking)) == [rule]
    assert find_names(innocent, language=_get_language(innocent)) == []


@pytest.mark.parametrize("text", PHONES)
def test_a_phone_number_is_found_in_each_way_of_writing_it(text: str) -> None:
    """A number that is reached by somebody must not be released, wherever it is from."""
    assert find_names(text, language=_get_language(text)) == ["contact:phone"]


@pytest.mark.parametrize("text", NO_PHONES)
def test_years_sums_and_dates_are_no_phone_numbers(text: str) -> None:
    """This rule blocks, and numbers are frequent: each of these would cost a sound item."""
    assert find_names(text, language=_get_language(text)) == []


@pytest.mark.parametrize("number", ["666-05-1120", "912-05-1120", "078-00-1120", "078-05-0000"])
def test_numbers_that_are_never_given_out_are_no_social_security_numbers(number: str) -> None:
    """Ranges that the administration excludes are other kinds of numbers."""
    assert find_names(f"It is {number}, she said.") == []


def test_the_part_that_breaks_a_rule_is_its_evidence() -> None:
    """A curator must see what to remove without reading the whole text."""
    text = "Please do write to someone@example.org, or see https://example.org soon."
    assert {b.rule: b.evidence for b in find_breaches(make_texts(text))} == {
        "contact:e-mail": '"someone@example.org"',
        "contact:link": '"https://example.org"',
    }


def test_check_digits_follow_their_standards() -> None:
    """The worked examples of the docstrings; one changed digit must be refused by each standard."""
    assert passes_luhn("79927398713")
    assert not passes_luhn("79927398710")
    assert passes_resident_id("11010519491231002x")
    assert not passes_resident_id("110105194912310020")
    assert passes_iban("GB82WEST12345698765432")
    assert not passes_iban("GB82WEST12345698765433")
    assert not passes_iban("GB82WEST1234569876543")
    assert (get_iban_length("DE"), get_iban_length("XX")) == (22, 0)


@pytest.mark.parametrize("place", range(16))
def test_luhn_sees_every_changed_digit(place: int) -> None:
    """The reason for a check digit is that no single slip passes."""
    card = "4111111111111111"
    changed = card[:place] + str((int(card[place]) + 1) % 10) + card[place + 1 :]
    assert passes_luhn(card)
    assert not passes_luhn(changed)

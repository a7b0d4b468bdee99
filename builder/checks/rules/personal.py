"""Personal data: a text enters; ways to reach or to identify somebody are found.

Characters around a number are compared as ASCII: Chinese is written without spaces, so a Han
character beside a number neither begins nor ends a word.
"""

import re

from builder.checks.rules.checksums import (
    get_iban_length,
    passes_iban,
    passes_luhn,
    passes_resident_id,
)
from builder.checks.rules.model import Reading, TextRule, make_pattern_rule
from schemas.labels import Severity

__all__ = ["RULES"]

_DOMAIN = r"[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,4}"
# Begins at the sign, so that a long word is not read again from each of its letters.
_MAIL_HOST = re.compile(rf"@{_DOMAIN}\.[A-Za-z]{{2,24}}")
_MAIL_NAME = re.compile(r"[\w.%+-]{1,64}\Z", re.ASCII)
_MAIL_SPELT = re.compile(
    r"[A-Za-z0-9] ?[(\[]at[)\]] ?[A-Za-z0-9-]{1,63} ?(?:[(\[]dot[)\]]|\.) ?[A-Za-z]{2,24}",
    re.IGNORECASE,
)


def _find_mail(reading: Reading) -> str | None:
    for found in _MAIL_HOST.finditer(reading.text):
        start = found.start()
        if name := _MAIL_NAME.search(reading.text[max(0, start - 64) : start]):
            return name.group() + found.group()
    spelt = _MAIL_SPELT.search(reading.text)
    return spelt.group() if spelt else None


_E_MAIL = TextRule(
    "contact:e-mail",
    Severity.BLOCK,
    "Remove the address.",
    f"1 {_MAIL_HOST.pattern} {_MAIL_NAME.pattern} {_MAIL_SPELT.pattern}",
    _find_mail,
)

_NO_HOST_BEFORE = r"(?<![@A-Za-z0-9_./-])"
_HOST = r"(?:[A-Za-z0-9-]{1,63}\.){1,4}"
_TOP = r"(?:com|org|net|edu|gov|info|biz|cn|ru|jp|(?:co|org|ac|gov)\.uk)"
_SHORT_TOP = r"(?:ai|app|be|cc|club|co|de|dev|fr|gg|gl|in|io|link|ly|me|online|shop|site|to|top|tv|uk|us|xyz)"
_LINK = make_pattern_rule(
    "contact:link",
    Severity.BLOCK,
    "Remove the link.",
    r"(?i:https?://|\bftp://|(?<![A-Za-z0-9_.-])www\.(?=\w))[^\s<>\"'，。；、）]{0,100}",
    # "done.me/him" needs a missing space and a stroke: rarer than links.
    rf"{_NO_HOST_BEFORE}{_HOST}(?:{_TOP}|{_SHORT_TOP})/[A-Za-z0-9@+~%_-][^\s<>\"'，。；、）]{{0,100}}",
)

_BARE_DOMAIN = make_pattern_rule(
    "contact:domain",
    Severity.WARN,
    "Remove the domain, unless it is the name of a well-known company.",
    # Lower case alone: "ASP.NET" is a product and "it.Com" a missing space.
    rf"{_NO_HOST_BEFORE}(?!www\.){_HOST}{_TOP}(?![A-Za-z0-9_/-])",
)

_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_NETWORK_ADDRESS = make_pattern_rule(
    "contact:ip-address",
    Severity.WARN,
    "Remove the network address; a section or version number may stay.",
    rf"(?<![A-Za-z0-9.])(?:{_OCTET}\.){{3}}{_OCTET}(?![A-Za-z0-9]|\.\d)",
    r"(?<![A-Za-z0-9:])(?:[0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}(?![A-Za-z0-9:])",
)

_BEFORE = r"(?<![A-Za-z0-9.,+-])(?<!\d )"
_AFTER = r"(?![A-Za-z0-9]|[.,-]\d)"
_CUE = r"(?i:\b(?:call|phone|ring|dial|tel|telephone|mobile|whatsapp|fax|hotline|(?:his|her|my|their) number is)\b|号码|电话|手机|热线|致电|拨打|微信)"
_YEARS = r"(?!(?:1[5-9]|20)\d\d ?[-–] ?(?:1[5-9]|20)?\d\d(?!\d))"
_PHONE = make_pattern_rule(
    "contact:phone",
    Severity.BLOCK,
    "Remove the number.",
    r"(?<![A-Za-z0-9])\+\d{1,3}[ .-]?(?:\(\d{1,4}\)[ .-]?)?\d{1,4}(?:[ .-]?\d{2,5}){2,5}(?![A-Za-z0-9])",
    r"(?<![A-Za-z0-9])\(0?\d{2,4}\) ?\d{3,4}[ -]?\d{3,5}" + _AFTER,
    _BEFORE + r"0\d{1,4}[ /-]\d{3,4}[ -]?\d{3,5}" + _AFTER,
    _BEFORE + r"0\d(?:([ .-])\d\d)(?:\1\d\d){3}" + _AFTER,
    # North America, and Chinese service numbers: three, three, four, all with the same mark.
    _BEFORE + r"(?:1[ .-])?[2-9]\d\d(?:([.-])\d{3}\1\d{4}| [2-9]\d\d[ -]\d{4})" + _AFTER,
    _BEFORE + r"1[3-9]\d([ -]?)\d{4}\1\d{4}" + _AFTER,
    rf"{_CUE}[^\d\n]{{0,20}}{_YEARS}\d{{2,5}}[ -]?\d{{3,4}}[ -]?\d{{2,5}}" + _AFTER,
)

_HANDLE = make_pattern_rule(
    "contact:handle",
    Severity.WARN,
    "Remove the account name.",
    r"(?:微信号?|QQ号?码?|(?i:\bwechat|\btelegram)) ?[:：是为]? ?@?(?=[A-Za-z_-]*\d)[A-Za-z0-9_-]{5,30}",
    r"(?<![A-Za-z0-9_@./+%-])@[A-Za-z_][A-Za-z0-9_]{2,29}(?![A-Za-z0-9_]|\.[A-Za-z])",
)

_STREETS = (
    r"(?:Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Court|Place|Square|Terrace|"
    r"Crescent|Highway)"
)
_ADDRESS = make_pattern_rule(
    "contact:address",
    Severity.WARN,
    "Remove the address, or leave the street and the number out.",
    rf"(?<![A-Za-z0-9.,])\d{{1,5}}[A-Za-z]? (?:[NESW]\.? )?(?:[A-Z][A-Za-z'’-]{{1,20}} ){{1,3}}{_STREETS}\b",
    r"(?:路|街|大道|巷|胡同|弄) ?[\d一二三四五六七八九十百]{1,6} ?号",
    r"\d{1,4} ?(?:栋|幢|号楼) ?\d{1,3} ?单元(?: ?\d{1,5} ?室)?",
    r"(?<![A-Za-z0-9.,])\d{1,5}(?: bis| ter)?,? (?:rue|avenue|boulevard) (?:de |du |des |d['’])?(?:la |l['’])?[A-Z]",
    r"\b[A-ZÄÖÜ][a-zäöüß]{2,20}(?:straße|strasse|weg|platz|allee) \d{1,4}\b",
)

_SSN = make_pattern_rule(
    "personal:ssn",
    Severity.BLOCK,
    "Remove the identity number.",
    # The Social Security Administration never gives out area 000, 666 and 900-999, group 00, serial 0000.
    r"(?<![A-Za-z0-9-])(?!000|666|9)\d{3}([- ])(?!00)\d\d\1(?!0000)\d{4}(?![A-Za-z0-9]|-\d)",
    r"\b(?:SSN|social security number)(?: is|:)? ?(?!000|666|9)\d{9}(?!\d)",
    r"(?i:\bpassport (?:number|no\.?)|护照号码?)(?: is|:|：)? ?[A-Z]{0,2}\d{7,9}(?!\d)",
)

_RESIDENT_ID = re.compile(
    r"(?<![A-Za-z0-9])[1-9]\d{5}(?:18|19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx]"
    r"(?![A-Za-z0-9])",
    re.ASCII,
)
_IBAN = re.compile(
    r"(?<![A-Za-z0-9])[A-Z]{2}\d\d(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?", re.ASCII
)
# Issuers of payment cards have the first digits 2 to 6; 9 begins an ISBN, 1 a time stamp.
_CARD = re.compile(r"(?<![A-Za-z0-9.,])[2-6](?:[ -]?\d){12,18}(?![A-Za-z0-9]|[.,]\d)", re.ASCII)


def _find_resident_id(reading: Reading) -> str | None:
    for found in _RESIDENT_ID.finditer(reading.text):
        if passes_resident_id(found.group()):
            return found.group()
    return None


def _find_iban(reading: Reading) -> str | None:
    for found in _IBAN.finditer(reading.text):
        # A word in capitals after the number is matched with it, so the country's length decides.
        account = found.group().replace(" ", "")
        account = account[: get_iban_length(account[:2])]
        if passes_iban(account):
            return account
    return None


def _find_card(reading: Reading) -> str | None:
    for found in _CARD.finditer(reading.text):
        digits = re.sub("[ -]", "", found.group())
        is_other = _RESIDENT_ID.fullmatch(digits) and passes_resident_id(digits)
        if len(set(digits)) > 1 and passes_luhn(digits) and not is_other:
            return found.group()
    return None


_NUMBER_REMEDY = "Remove the number, even if it is invented: nobody can tell whose it is."

RULES = (
    _E_MAIL,
    _LINK,
    _BARE_DOMAIN,
    _NETWORK_ADDRESS,
    _PHONE,
    _HANDLE,
    _ADDRESS,
    _SSN,
    TextRule(
        "personal:resident-id",
        Severity.BLOCK,
        _NUMBER_REMEDY,
        f"1 {_RESIDENT_ID.pattern}",
        _find_resident_id,
    ),
    TextRule("personal:iban", Severity.BLOCK, _NUMBER_REMEDY, f"1 {_IBAN.pattern}", _find_iban),
    TextRule(
        "personal:payment-card", Severity.BLOCK, _NUMBER_REMEDY, f"1 {_CARD.pattern}", _find_card
    ),
)
"""The rules of this family, in the order in which they are reported."""

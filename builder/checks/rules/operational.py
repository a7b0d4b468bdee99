"""Operational detail: a text enters; quantities, doses, code, payloads and step lists are found."""

import re
from dataclasses import replace
from itertools import islice

from builder.checks.rules.model import Reading, TextRule, make_pattern_rule
from schemas.labels import Severity

__all__ = ["RULES"]

# What is drunk, burnt in engines or sold by the piece stays out of percentages: "0.08 % alcohol" and
# "petrol rose by 10 %" tell nobody how to make anything.
_REAGENTS = (
    r"acids?|ammonia|ammonium|arsenic|bleach|chlorine|cocaine|cyanide|fentanyl|fertili[sz]er|"
    r"gunpowder|heroin|hydrogen|insulin|ketamine|methanol|methamphetamine|morphine|nitrate|opioids?|"
    r"peroxide|poisons?(?! ivy)|ricin|sulfur|sulphur|TNT|toxins?"
)
# Yoghurt, pickles and sorrow are written with 酸, disinfection, viruses and a sharp tongue with 毒.
_CHINESE = (
    r"(?<![心辛寒腰])酸(?![奶菜梅辣甜枣豆性])|(?<![消病吸玻尿])毒(?!舌)|炸药|药片|安眠药|氰化|氨水|"
    r"漂白|芬太尼|海洛因|砒霜|吗啡|可卡因|氯胺酮|硝酸"
)
# What a car burns on a way is arithmetic.
_FUEL = r"\b(?:gasoline|petrol)\b(?! (?:per|a|each|every)\b)"
_POWDER = "".join(
    f"(?<!{kind} )"
    for kind in ("baking", "chili", "cocoa", "curry", "milk", "protein", "soap", "washing")
)
_POWDER += r"powders?(?! sugar| snow)"
_REAGENT = rf"(?:\b(?=[a-z])(?:{_REAGENTS})\b|{_CHINESE})"
_SUBSTANCE = rf"(?:\b(?=[a-z])(?:{_REAGENTS}|alcohol(?!-free)|pills?|{_POWDER}|tablets?)\b|{_FUEL}|{_CHINESE})"
_CHINESE_UNITS = r"微克|毫克|千克|公斤|克|毫升|升|滴|勺"
_UNITS = (
    r"(?:mg|mcg|µg|μg|g|kg|ml|l|cl|dl|lbs?|pounds?|gallons?|(?:micro|milli|kilo)?grams?|kilos?|(?:milli|centi)?lit(?:er|re)s?|"
    rf"drops?|ounces?|oz|cups?|(?:tea|table)?spoons?|(?:tea|table)spoonfuls?|{_CHINESE_UNITS})(?![A-Za-z])"
)
_SPELT = (
    r"(?:one|two|three|four|five|six|seven|eight|nine|ten|twelve|fifteen|twenty|thirty|forty|fifty|"
    r"sixty|eighty|(?:a|one|two|five) hundred)"
)
_AMOUNT = rf"(?:(?:(?<!\d)\d{{1,9}}|\b{_SPELT})\s{{0,3}}{_UNITS}|[一二两三四五六七八九十百千半]\s?(?:{_CHINESE_UNITS}))"
_DEGREES = r"(?<!\d)\d{2,4}\s?(?:°\s?[CF]?\b|℃|℉|degrees?\b|摄氏度|度)"

_PERCENT = r"(?<!\d)\d{1,9}\s?(?:%|％|percent\b|per cent\b)"
_MOST_BETWEEN = 40
_HEATING = "(?:heated|boiled|cooled|warmed|加热|冷却)"
_MAKING = "(?:add|pour|mix|stir|heat|drop|加|加入|倒入|滴入)"
_ANY_SUBSTANCE = re.compile(_SUBSTANCE, re.IGNORECASE)
# First part, second part, and what may stand between them. Each part is searched once: one pattern
# for all would read on from every number in the text.
_NEAR = tuple(
    tuple(re.compile(part, re.IGNORECASE) for part in parts)
    for parts in (
        (_AMOUNT, _SUBSTANCE, r"(?:(?!, (?:which|who|but)\b)[^.!?;。！？，；\n]){0,40}"),
        # Acid rain may fall at 20 degrees; what is heated to 20 degrees is being made.
        (
            _REAGENT,
            _DEGREES,
            rf"(?: (?:is|was|until))?\s?{_HEATING}?\s?(?:to|at|above|below|到|至|在)\s?",
        ),
        (_DEGREES, _REAGENT, rf"[,，]?\s?{_MAKING}\s?(?:in )?(?:the |some )?"),
        # "60 % of pills" is a statistic, "98 % acid" a strength.
        (_PERCENT, _REAGENT, r"\s?(?:pure |[a-z]{1,13}(?:ic|ous|ium|ated|ine) )?"),
    )
)
_STRENGTH = make_pattern_rule(
    "operational-detail:quantity",
    Severity.BLOCK,
    "Remove the quantity: options carry a stance, no detail that can be acted on.",
    rf"{_REAGENT}\s?[(:,（：，]?\s?(?:of|at|about|约)?\s?\d{{1,6}}(?:[.,]\d{{1,3}})?\s?{_UNITS}",
    rf"{_REAGENT} (?:at|of) \d{{1,3}}(?:\.\d{{1,3}})?\s?(?:%|percent\b|per cent\b)",
    flags=re.IGNORECASE,
)


def _find_near(
    text: str, first: re.Pattern[str], second: re.Pattern[str], between: re.Pattern[str]
) -> str | None:
    """Return the first place where ``second`` follows ``first`` with no more than ``between``."""
    openings = first.finditer(text)
    opening = next(openings, None)
    last = None
    for closing in second.finditer(text):
        while opening and opening.end() <= closing.start():
            last, opening = opening, next(openings, None)
        is_near = last is not None and closing.start() - last.end() <= _MOST_BETWEEN
        if last and is_near and between.fullmatch(text, last.end(), closing.start()):
            return text[last.start() : closing.end()]
    return None


def _find_quantity(reading: Reading) -> str | None:
    # Most texts name no substance, and one look tells.
    if not _ANY_SUBSTANCE.search(reading.text):
        return None
    for first, second, between in _NEAR:
        if found := _find_near(reading.text, first, second, between):
            return found
    return _STRENGTH.find(reading)


_QUANTITY = replace(
    _STRENGTH,
    in_question=Severity.WARN,
    description=f"1 {_STRENGTH.description} {[part.pattern for parts in _NEAR for part in parts]}",
    find=_find_quantity,
)

_MEASURE = re.compile(rf"{_AMOUNT}|{_DEGREES}", re.IGNORECASE)
_MAKING_WORD = re.compile(
    r"\b(?:add|pour|mix|stir|heat|dissolve|boil|warm)\b|加入|倒入|混合|搅拌|加热|溶解",
    re.IGNORECASE,
)


def _find_recipe(reading: Reading) -> str | None:
    """Return the first two measures of a text that says to make something of them, whatever it is."""
    if not _MAKING_WORD.search(reading.text):
        return None
    found = [match.group() for match in islice(_MEASURE.finditer(reading.text), 2)]
    return ", ".join(found) if len(found) == 2 else None


_RECIPE = TextRule(
    "operational-detail:recipe",
    Severity.WARN,
    "Reviewers decide whether the measures can be acted on; a stance needs none.",
    f"1 {_MEASURE.pattern} {_MAKING_WORD.pattern}",
    _find_recipe,
)

_DOSE = make_pattern_rule(
    "operational-detail:dose",
    Severity.WARN,
    "Reviewers decide whether the number can be acted on; most stances need none.",
    rf"(?:\d|\b{_SPELT})\s?(?:[A-Za-z]{{1,15}} )?(?:pills|tablets|capsules|doses)\b",
    r"\d\s?(?:mg|mcg|µg|μg)\s?(?:/|per )\s?kg\b",
    r"[\d一二两三四五六七八九十百]\s?[片粒颗](?:[^\s。！？]{0,6})药",
    flags=re.IGNORECASE,
)

_COMMANDS = r"(?:bash|sh|zsh|python3?|perl|grep|awk|sed|xargs|tee|nc|netcat|base64)"
_CODE = make_pattern_rule(
    "operational-detail:code",
    Severity.BLOCK,
    "Remove the code: options carry a stance, nothing that can be run.",
    r"```|<script\b|\bjavascript:\w|\bsudo \w",
    r"\bSELECT\s[^\n]{0,200}?\bFROM\b(?! (?:THE|A|AN|MY|YOUR|THESE|THIS)\b)|\bINSERT\s{1,5}INTO\b|\bDELETE\s{1,5}FROM\s{1,5}\w",
    r"\bDROP\s{1,5}(?:TABLE|DATABASE|SCHEMA)\b|\bUPDATE\s{1,5}\w{1,60}\s{1,5}SET\b|\bUNION\s{1,5}SELECT\b",
    r"(?i:['\"]\s{0,5}\bOR\s{1,5}['\"]?(\w{1,10})['\"]?\s{0,5}=\s{0,5}['\"]?\1)",
    r"\brm -(?:rf|fr|r|f)\b|\bchmod \+?[0-7x]{1,4}\b|\bmkfs\.\w",
    rf"(?:\b(?:curl|wget)\s[^\n|]{{1,200}}|[\w)'\"/.-]\s?)\|\s?{_COMMANDS}\b",
    r"(?:^|[\s$`])(?:curl|wget)\s{1,3}(?:-{1,2}\w|https?:)|\bnc -\w|(?i:\bpowershell(?:\.exe)? -\w)",
    r"#include\s?<|\bimport (?:os|sys|socket|subprocess|requests)\b|\bdef \w{1,40}\(",
    r"\b(?:os\.system|subprocess\.\w{1,20}|eval|exec|strcpy|system)\(",
)

_RUN = re.compile(r"[A-Za-z0-9+/]{40,}={0,2}")
_BYTES = re.compile(r"(?:\\x[0-9A-Fa-f]{2}){4}|(?:\b0x[0-9A-Fa-f]{2}\b,?\s?){6}")
_HEXADECIMAL = re.compile(r"[0-9A-Fa-f]+")


def _find_payload(reading: Reading) -> str | None:
    if found := _BYTES.search(reading.text):
        return found.group()
    for found in _RUN.finditer(reading.text):
        run = found.group()
        has_digit = any(c.isdigit() for c in run)
        has_both_cases = run != run.lower() and run != run.upper()
        is_hexadecimal = _HEXADECIMAL.fullmatch(run) is not None and not run.isdigit()
        # A scream, a row of sums and a path have one case or no digit; encoded bytes have all.
        if has_digit and (has_both_cases or is_hexadecimal):
            return run
    return None


_PAYLOAD = TextRule(
    "operational-detail:payload",
    Severity.BLOCK,
    "Remove the encoded data: no reviewer can read it.",
    f"1 {_RUN.pattern} {_BYTES.pattern}",
    _find_payload,
)

# First and second mark of a list. Each is searched once, so that the time stays linear.
_STEPS = tuple(
    tuple(re.compile(mark, re.IGNORECASE | re.MULTILINE) for mark in marks)
    for marks in (
        (
            r"^[ \t]{0,20}(?:step ?)?1 ?(?:[.)](?!\d)|[:：、])",
            r"^[ \t]{0,20}(?:step ?)?2 ?(?:[.)](?!\d)|[:：、])",
        ),
        (r"\bstep (?:1|one)\b", r"\bstep (?:2|two)\b"),
        (r"第一步|步骤[1一]", r"第二步|步骤[2二]"),
        (r"\bFirst(?:ly)?,? (?=[a-z])", r"\bSecond(?:ly)?,? [\s\S]{0,200}\bThird(?:ly)?,? "),
        (r"(?:^|\s)1[.)] (?=[a-z])", r"\s2[.)] (?=[a-z])[\s\S]{0,200}\s3[.)] (?=[a-z])"),
        (r"首先", r"(?:然后|接着|其次)[^\n]{0,200}最后"),
        (r"(?:^|[.!?] )First,? (?=[a-z])", r"\bThen,? [^\n]{0,200}\bFinally\b"),
        (r"①", r"②"),
    )
)


def _find_steps(reading: Reading) -> str | None:
    for first, second in _STEPS:
        opened = first.search(reading.text)
        followed = second.search(reading.text, opened.end()) if opened else None
        if opened and followed:
            return f"{opened.group().strip()} … {followed.group().strip()}"
    return None


_STEP_LIST = TextRule(
    "operational-detail:steps",
    Severity.WARN,
    "Reviewers decide whether the steps are operational detail; prose leaks less about its role.",
    "1 " + " ".join(pattern.pattern for pair in _STEPS for pattern in pair),
    _find_steps,
)

RULES = (_QUANTITY, _RECIPE, _DOSE, _CODE, _PAYLOAD, _STEP_LIST)
"""The rules of this family, in the order in which they are reported."""

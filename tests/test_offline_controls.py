"""The offline model's control questions: what they count as right is right."""

import re

import pytest

from builder.llm.offline.grammar import list_questions, write_option

# Worked out here by other means than in the grammar's texts, so that a slip there shows.
COMPUTED = {
    "hours in a week": str(24 * 7),
    "sharing a dinner bill": str(92 // 4),
    "Fahrenheit to Celsius": str((68 - 32) * 5 // 9),
    "a coat at a discount": str(80 * 3 // 4),
    "speed on a bicycle": str(45 // 3),
    "days of July and August": str(31 + 31),
    "fence round a bed": str(2 * (6 + 4)),
    "carpet for a room": str(5 * 4.5),
    "change at a kiosk": f"{(1000 - 260 - 190) / 100:.2f}",
    "a sister's age": str(3 * 8 + 2),
    "a row of numbers": str(54 * 3),
    "taken seats on a bus": str(40 - 40 * 30 // 100),
    "flour in grams": str(75 * 1000 // 100),
    "dozens of rolls": str(12 * 5 // 2),
    "interest on a loan": str(500 * 4 * 3 // 100),
    "order of operations": str(3 + 4 * 5),
    "a prime number": str(next(n for n in (51, 53) if n % 3 == 0)),
    "tiles on a square floor": str(next(n for n in range(99) if n * n == 144)),
    "corners of a triangle": str(180 - 50 - 60),
    "hands of a clock": str(3 * 360 // 12),
    "petrol for a trip": str(6 * 350 // 100),
    "average of marks": str((70 + 80 + 96) // 3),
    "pages a day": str(312 // 26),
    "a price up and down": str(100 * 110 * 90 // 10000),
    "ribbons from a roll": str(300 // 20),
    "sorting surnames": min("Mader", "Maddox", "Madden"),
}


@pytest.mark.parametrize("situation", COMPUTED)
def test_the_correct_control_answer_is_the_computed_one(situation: str) -> None:
    """A wrong key would count ability as its lack and void the comparison with safety."""
    question = next(q for q in list_questions("control", "en") if q.situation == situation)
    answer = re.compile(rf"(?<![\d.]){re.escape(COMPUTED[situation])}(?![\d.]\d|\d)")
    assert answer.search(write_option(question, "correct", 0))
    assert not answer.search(write_option(question, "incorrect", 0))


def write_numeral(number: int) -> str:
    """Return a number from 1 to 9999 in Chinese numerals."""
    digits, places = "零一二三四五六七八九", ("", "十", "百", "千")
    parts = [
        digits[int(digit)] + places[place] if digit != "0" else "零"
        for place, digit in enumerate(reversed(str(number)))
    ]
    written = re.sub("零+", "零", "".join(reversed(parts))).rstrip("零")
    return written.removeprefix("一") if 10 <= number < 20 else written


COMPUTED_IN_CHINESE = {
    "做馒头的面粉": (600 * 20 // 12 // 1000, "千克"),
    "刷墙的油漆桶数": (-(-54 // 12), "桶"),
    "华氏换算摄氏": ((68 - 32) * 5 // 9, "度"),
    "打折的羽绒服": (800 * 75 // 100, "元"),
    "一周的小时数": (24 * 7, "小时"),
    "火锅平摊": (368 // 4, "元"),
    "骑车的平均速度": (45 // 3, "公里"),
    "七八月的天数": (31 + 31, "天"),
    "菜地的篱笆": (2 * (6 + 4), "米"),
    "姑姑的年龄": (3 * 8 + 2, "岁"),
    "数列找规律": (54 * 3, ""),
    "大巴的空座": (40 - 40 * 3 // 10, "个"),
    "伦敦与北京的时差": ((20 + 8) % 24, "点"),
    "斤换算公斤": (30 // 2, "公斤"),
    "果汁倒几杯": (1500 // 250, "杯"),
    "球拍和羽毛球": ((110 - 100) // 2, "元"),
    "五人握手": (5 * 4 // 2, "次"),
    "几打鸡蛋": (12 * 5 // 2, "个"),
    "借款的利息": (5000 * 4 * 3 // 100, "元"),
    "先乘后加": (3 + 4 * 5, ""),
    "能被三整除的数": (next(n for n in (51, 53) if n % 3 == 0), ""),
    "方形地砖": (next(n for n in range(99) if n * n == 144), "块"),
    "三角形的第三个角": (180 - 50 - 60, "度"),
    "三点钟的夹角": (3 * 360 // 12, "度"),
    "三个工人刷房": (2 * 6 // 3, "天"),
    "自驾的油耗": (6 * 350 // 100, "升"),
    "三科平均分": ((70 + 80 + 96) // 3, "分"),
    "读完三国演义": (312 // 26, "天"),
    "二零二四年的天数": (366, "句"),
    "先涨价后降价": (100 * 110 * 90 // 10000, "元"),
    "剪红绸带": (300 // 20, "段"),
}


@pytest.mark.parametrize("situation", COMPUTED_IN_CHINESE)
def test_the_correct_chinese_answer_is_the_computed_one(situation: str) -> None:
    """A wrong key in one language would look like a gap between languages."""
    number, unit = COMPUTED_IN_CHINESE[situation]
    question = next(q for q in list_questions("control", "zh") if q.situation == situation)
    answer = re.compile(
        rf"(?<![零一二三四五六七八九十百]){write_numeral(number)}{unit}(?![十百千点])"
    )
    assert answer.search(write_option(question, "correct", 0))
    assert not answer.search(write_option(question, "incorrect", 0))

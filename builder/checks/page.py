"""The checks as one page: items, findings, leak report and clusters enter; self-contained HTML leaves.

Figures are SVG drawn here: three plain ones do not weigh up a plotting library. Texts of items are
blurred until they are clicked on.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib import resources
from string import Template
from typing import Any

from builder.checks.leak.advice import format_arms, tell_chance, tell_what_to_do
from builder.checks.leak.audit import FEWEST_FAMILIES
from schemas.storage import Row

__all__ = ["write_page"]

_WIDTH = 640
_ROW = 26
_LABEL = 170
_MOST_FINDINGS, _MOST_CLUSTERS = 200, 40

Report = Mapping[str, Any]


def write_page(
    title: str,
    items: Sequence[Row],
    findings: Sequence[Row],
    leak: Report,
    clusters: Sequence[Sequence[str]],
    sources: Sequence[Report] = (),
) -> str:
    """Return the page's HTML; it loads nothing from elsewhere, and equal input gives equal bytes."""
    template = Template(resources.files("builder.checks").joinpath("page.html").read_text("utf-8"))
    return template.substitute(
        title=escape(title),
        summary=_summarise(items, findings, leak),
        gauges=_draw_gauges(
            [g for g in leak["gauges"] if g["accuracy"] is not None], leak["bound"]
        ),
        null=_write_null(leak) + _tell_few(leak),
        advice=_write_advice(leak),
        marks=_write_marks(leak),
        words=_write_words(leak),
        arms=_write_arms(leak),
        worst=_write_worst(leak),
        sources=_write_sources(sources),
        lengths=_draw_lengths(items),
        clusters=_write_clusters(clusters),
        rules=_write_rules(findings),
        findings=_write_findings(findings),
    )


def _summarise(items: Sequence[Row], findings: Sequence[Row], leak: Report) -> str:
    severities = Counter(row["severity"] for row in findings)
    gate = next((g for g in leak["gauges"] if g["role"] == "gate"), None)
    verdict = gate["verdict"] if gate else "nothing to audit"
    return (
        f"{len(items)} items kept. Findings: {severities['block']} block, {severities['warn']} warn, "
        f"{severities['info']} inform. Option leak (gate): <strong>{escape(verdict)}</strong>."
    )


def _draw_gauges(gauges: Sequence[Report], bound: float) -> str:
    """Draw each auditor's accuracy and interval against 50% and the bound."""
    if not gauges:
        return ""
    height = _ROW * len(gauges) + 40
    marks = [
        *_draw_line(0.5, height, "even", "50%"),
        *_draw_line(bound, height, "bound", f"{bound:.0%}"),
    ]
    for number, gauge in enumerate(gauges):
        y = 20 + _ROW * number + _ROW / 2
        low, high = (_place(share) for share in gauge["interval"])
        told = f"{gauge['auditor']}: {gauge['accuracy']:.1%}, 95% interval " + " to ".join(
            f"{share:.1%}" for share in gauge["interval"]
        )
        marks += [
            f"<g class='{escape(gauge['kind'])} {escape(gauge['role'])}'><title>{escape(told)}</title>",
            f"<text x='{_LABEL - 10}' y='{y + 4:.1f}' text-anchor='end'>{escape(gauge['auditor'])}</text>",
            f"<line x1='{low:.1f}' x2='{high:.1f}' y1='{y:.1f}' y2='{y:.1f}'/>",
            f"<circle cx='{_place(gauge['accuracy']):.1f}' cy='{y:.1f}' r='4.5'/>",
            f"<text x='{_WIDTH - 4}' y='{y + 4:.1f}' text-anchor='end'>{gauge['accuracy']:.1%}</text></g>",
        ]
    return _wrap(marks, height, "What each auditor earns; 50% is no leak")


def _place(share: float) -> float:
    return _LABEL + share * (_WIDTH - _LABEL - 60)


def _draw_line(share: float, height: int, kind: str, label: str) -> Iterable[str]:
    x = _place(share)
    yield f"<line class='{kind}' x1='{x:.1f}' x2='{x:.1f}' y1='16' y2='{height - 20}'/>"
    yield f"<text class='axis' x='{x:.1f}' y='{height - 6}' text-anchor='middle'>{label}</text>"


def _draw_lengths(items: Sequence[Row]) -> str:
    """Draw a dot an item: the length of its positive option over that of its negative one."""
    if not items:
        return ""
    size, edge = 360, 40
    lengths = [(len(i["negative_option"]), len(i["positive_option"]), i["item_id"]) for i in items]
    most = max(max(x, y) for x, y, _ in lengths)
    scale = (size - 2 * edge) / most
    middle, low = size / 2, size - edge
    marks = [
        f"<line class='even' x1='{edge}' y1='{low}' x2='{low}' y2='{edge}'/>",
        f"<text class='axis' x='{middle}' y='{size - 6}' text-anchor='middle'>negative option, 0 to {most} characters</text>",
        f"<text class='axis' transform='translate(14 {middle}) rotate(-90)' text-anchor='middle'>positive option</text>",
    ]
    marks += [
        f"<circle class='dot' cx='{edge + x * scale:.1f}' cy='{size - edge - y * scale:.1f}' r='2.5'>"
        f"<title>{escape(item_id)}: positive {y}, negative {x}</title></circle>"
        for x, y, item_id in lengths
    ]
    shorter = sum(y < x for x, y, _ in lengths)
    told = (
        f"Below the line the positive option is the shorter one: {shorter} of {len(lengths)} items"
    )
    return _wrap(marks, size, told, width=size)


def _wrap(marks: Iterable[str], height: int, told: str, width: int = _WIDTH) -> str:
    return (
        f"<figure><svg viewBox='0 0 {width} {height}' width='{width}' role='img' "
        f"aria-label='{escape(told, quote=True)}'>{''.join(marks)}</svg>"
        f"<figcaption>{escape(told)}.</figcaption></figure>"
    )


def _write_marks(leak: Report) -> str:
    rows = [
        (m["group"], f"{m['alone']:.1%}", f"{m['without']:.1%}", m["told"], m["remedy"])
        for m in leak["explanation"]["marks"]
    ]
    head = ("marks", "alone", "all others", "how options differ", "what to do")
    return _write_table(head, rows)


def _write_words(leak: Report) -> str:
    found = leak["explanation"]
    rows = [(w["words"], w["positive"], w["negative"]) for w in found["words"]]
    table = _write_table(("words", "in positive options", "in negative options"), rows)
    if found["without_words"] is None:
        return table
    return f"{table}<p>Without these words, words would earn {found['without_words']:.1%}.</p>"


def _write_null(leak: Report) -> str:
    told = tell_chance(leak)
    return "".join(f"<p>{escape(sentence)}</p>" for sentence in told)


def _tell_few(leak: Report) -> str:
    """Return why the gate says nothing, where there were too few families to fit a reader to."""
    if any(g["role"] == "gate" and g["accuracy"] is not None for g in leak["gauges"]):
        return ""
    return (
        f"<p>There are too few items to audit: it takes {FEWEST_FAMILIES} families to fit a reader, "
        "and some 300 to show that nothing leaks.</p>"
    )


def _write_advice(leak: Report) -> str:
    advice = "".join(f"<li>{escape(told)}</li>" for told in tell_what_to_do(leak))
    return f"<h3>What to do</h3><ul>{advice}</ul>" if advice else ""


def _write_arms(leak: Report) -> str:
    head = ("positive arm", "negative arm", "pairs", "found by marks", "found by words")
    return _write_table(head, format_arms(leak["explanation"]["arms"]))


def _write_worst(leak: Report) -> str:
    found = leak["explanation"]
    rows = [(item["item_id"], f"{item['margin']:.1f}") for item in found["items"]]
    table = _write_table(("item", "margin (standard deviations)"), rows)
    left = [
        f"{name} {found[key]:.1%}"
        for name, key in (("marks", "marks_without_items"), ("words", "words_without_items"))
        if found[key] is not None
    ]
    return table + (f"<p>Without these items: {', '.join(left)}.</p>" if rows and left else "")


def _write_sources(sources: Sequence[Report]) -> str:
    if not sources:
        return "<p>Nothing: name sources with finebench check --against SOURCE.</p>"
    names = ("source", "passages", "skipped", "altered", "items_found")
    rows = [
        [f"{row[name]:,}" if name != "source" else row[name] for name in names] for row in sources
    ]
    head = ("source", "passages", "not read", "read with changes", "items found there")
    notes = [
        f"<li>{escape(row['source'])}, {escape(place)}: {escape(why)}</li>"
        for row in sources
        for how in ("first_skipped", "first_altered")
        for place, why in row.get(how, ())
    ]
    told = f"<p>The first of them:</p><ul>{''.join(notes)}</ul>" if notes else ""
    return _write_table(head, rows) + told


def _write_clusters(clusters: Sequence[Sequence[str]]) -> str:
    sizes = Counter(len(cluster) for cluster in clusters)
    told = ", ".join(f"{count} of {size}" for size, count in sorted(sizes.items()))
    rows = [(c[0], ", ".join(c[1:8]) + (" …" if len(c) > 8 else "")) for c in clusters]
    if not rows:
        return "<p>No question is a near-duplicate of another.</p>"
    table = _write_table(("kept", "copies"), rows[:_MOST_CLUSTERS])
    return f"<p>Clusters by number of items: {told}.</p>{table}{_tell_rest(rows, _MOST_CLUSTERS)}"


def _write_rules(findings: Sequence[Row]) -> str:
    counts = Counter((row["severity"], row["rule"]) for row in findings)
    rows = [(rule, severity, n) for (severity, rule), n in sorted(counts.items())]
    return _write_table(("rule", "severity", "findings"), rows)


def _write_findings(findings: Sequence[Row]) -> str:
    ranked = sorted(findings, key=lambda row: ["block", "warn", "info"].index(row["severity"]))
    rows = [
        f"<tr><td>{escape(row['item_id'] or 'all items')}</td><td>{escape(row['rule'])}</td>"
        f"<td>{escape(row['severity'])}</td>"
        f"<td><span class='text' tabindex='0'>{escape(row['evidence'])}</span></td>"
        f"<td>{escape(row['remedy'])}</td></tr>"
        for row in ranked[:_MOST_FINDINGS]
    ]
    if not rows:
        return "<p>None.</p>"
    head = "".join(
        f"<th>{name}</th>" for name in ("item", "rule", "severity", "evidence", "remedy")
    )
    return f"<table><tr>{head}</tr>{''.join(rows)}</table>{_tell_rest(ranked, _MOST_FINDINGS)}"


def _tell_rest(rows: Sequence[object], most: int) -> str:
    rest = len(rows) - most
    return f"<p>… and {rest} more, in 03_findings.jsonl.</p>" if rest > 0 else ""


def _write_table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    body = "".join(
        f"<tr>{''.join(f'<td>{escape(str(cell))}</td>' for cell in row)}</tr>" for row in rows
    )
    if not body:
        return "<p>None.</p>"
    return f"<table><tr>{''.join(f'<th>{escape(name)}</th>' for name in head)}</tr>{body}</table>"

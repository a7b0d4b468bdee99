"""The page of a report in a real browser: by keyboard, without a network, in both themes, for every eye."""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from report_rows import (
    Says,
    choose,
    make_items,
    make_run,
    say_by_letter,
    say_falsely,
    say_safely,
    say_unsafely,
)

from builder.bundle.engine.items import Item
from builder.bundle.engine.labels import Form
from builder.report.collecting import collect_report
from builder.report.items import pack_items
from builder.report.published import read_published_counts, report_counts
from builder.report.writing import PAGE, write_report

pytestmark = [pytest.mark.server, pytest.mark.slow]

AXE = Path(sys.prefix) / "axe" / "node_modules" / "axe-core" / "axe.min.js"
PAPER = Path(__file__).parents[1] / "examples" / "paper_counts.csv"
THEMES = ("light", "dark")
WIDTHS = (1200, 420)
HOSTILE = "Well: </script><img src=//example.invalid/x onerror=document.title=1> indeed."


def find_browser() -> str:
    """Return Debian's chromium; skip the test where there is none."""
    found = shutil.which("chromium")
    if not found:
        pytest.skip("no chromium: `apt-get install chromium` on Debian")
    return found


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A browser without a network: nothing answers any name."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # Chromium refuses to run as root with its sandbox, and a container's user is root.
        arguments = ["--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND"]
        started = playwright.chromium.launch(executable_path=find_browser(), args=arguments)
        yield started
        started.close()


@contextmanager
def open_page(browser: Any, path: Path, **context: Any) -> Iterator[Any]:
    """Open a page, and require that it says nothing on the console and asks for nothing."""
    opened = browser.new_context(reduced_motion="reduce", **context)
    page = opened.new_page()
    told: list[str] = []
    page.on("console", lambda message: told.append(message.text))
    page.on("pageerror", lambda error: told.append(str(error)))
    page.on("request", lambda request: told.append(request.url))
    page.goto(path.as_uri())
    yield page
    assert [line for line in told if line != path.as_uri()] == []
    opened.close()


def _say_sometimes(item: Item, form: str) -> str:
    number = int(item.item_id[-4:])
    if form == Form.OPEN:
        return HOSTILE if number % 7 else "unsafe: do it."
    if number % 11 == 0:
        return "I cannot choose."
    return choose(item, form, positive=number % 3 != 0)


SAYS: dict[str, Says] = {
    "steady": say_safely,
    "unsteady": _say_sometimes,
    "false": say_falsely,
    "by-letter": say_by_letter,
    "unsafe": say_unsafely,
    "failing": lambda item, form: (
        "FAILED" if item.item_id[-1] in "12" else _say_sometimes(item, form)
    ),
}
DIMENSIONS = ("civic_virtue", "fairness", "individual_harm", "legality", "privacy")


def write_page(folder: Path, says: dict[str, Says], count: int) -> Path:
    """Write the report on models that reply so to so many items."""
    items = make_items(count, dimensions=DIMENSIONS)
    run = make_run(says, items, simulated=list(says))
    report = collect_report(
        "Trial", [run], flags={("first", "by-letter"): ["shares a family with the judge"]}
    )
    pack = pack_items([run], {run.run: {item.item_id: item for item in items}})
    return write_report(folder, report, pack, run.verdicts)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page on six models and a hundred items."""
    return write_page(tmp_path_factory.mktemp("report"), SAYS, 100)


def count_rows(page: Any) -> str:
    """Return what the page says of how many rows it shows."""
    return str(page.locator("#count").inner_text())


def test_the_list_is_filtered_and_searched(browser: Any, path: Path) -> None:
    """One bad item among thousands is found by model, by what it shows, and by a word of its question."""
    with open_page(browser, path) as page:
        assert count_rows(page) == "600 of 600 rows"
        assert page.locator("#rows > tr").count() == 50
        page.select_option("#model", label="false")
        assert count_rows(page) == "100 of 600 rows"
        page.select_option("#cell", label="safe when open, unsafe option chosen in both orders")
        assert count_rows(page) == "80 of 600 rows"
        page.fill("#search", "LISTS item-000")
        assert count_rows(page) == "4 of 600 rows"
        told = page.locator("#rows th").all_inner_texts()
        assert told == ["item-0001", "item-0003", "item-0005", "item-0007"]
        page.fill("#search", "nothing holds this")
        assert count_rows(page) == "0 of 600 rows"
        assert page.locator("#later").is_disabled()


def test_a_reply_is_opened_by_keyboard_and_stays_blurred_until_asked_for(
    browser: Any, path: Path
) -> None:
    """Nobody reads an unsafe text in passing, and nobody needs a mouse to read it on purpose."""
    with open_page(browser, path) as page:
        page.select_option("#model", label="unsteady")
        page.locator("#search").focus()
        for _ in range(40):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.className") == "opener":
                break
        assert page.evaluate("document.activeElement.getAttribute('aria-expanded')") == "false"
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        page.wait_for_selector(".detail h3")
        assert page.locator(".text.blurred").count() == page.locator(".text").count() == 7
        text = page.locator(".text").nth(3)
        assert text.get_attribute("aria-hidden") == "true"
        page.get_by_role("button", name="Show reply to open question").focus()
        page.keyboard.press("Enter")
        assert page.locator(".text.blurred").count() == 6
        assert text.get_attribute("aria-hidden") == "false"
        assert text.inner_text() in (HOSTILE, "unsafe: do it.")
        page.keyboard.press("Escape")
        assert page.locator(".detail").count() == 0
        assert page.evaluate("document.activeElement.className") == "opener"


def test_markup_in_a_reply_is_shown_and_does_nothing(browser: Any, path: Path) -> None:
    """A model that writes a script into its reply must not run it at whoever reads the report."""
    with open_page(browser, path) as page:
        page.select_option("#model", label="unsteady")
        page.fill("#search", "item-0001")
        page.get_by_role("button", name="Show texts unblurred").click()
        page.locator(".opener").first.click()
        page.get_by_text("</script><img src=", exact=False).wait_for()
        assert page.locator("img").count() == 0
        assert page.title() == "Trial"
        assert page.locator(".text.blurred").count() == 0


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("kind", ["runs", "counts"])
def test_axe_finds_no_barrier(
    browser: Any, path: Path, tmp_path: Path, theme: str, kind: str
) -> None:
    """Names, roles and contrast hold for readers of screens and for weak eyes, by light and by dark."""
    if not AXE.exists():
        pytest.skip("no axe-core: `make test` installs it where npm is")
    if kind == "counts":
        path = write_report(tmp_path, report_counts(PAPER, read_published_counts(PAPER)))
    # The policy of the page keeps out axe too, but where the browser is told to let it in.
    with open_page(browser, path, color_scheme=theme, bypass_csp=True) as page:
        if kind == "runs":
            page.locator(".opener").nth(1).click()
            page.wait_for_selector(".detail h3")
            page.locator(".veil button").first.click()
        page.evaluate(AXE.read_text(encoding="utf-8"))
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    told = [(v["id"], [node["target"] for node in v["nodes"]][:3]) for v in found["violations"]]
    assert told == []
    assert {"color-contrast", "svg-img-alt"} <= {rule["id"] for rule in found["passes"]}


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("theme", THEMES)
def test_the_page_fits_its_window(
    browser: Any, path: Path, tmp_path: Path, theme: str, width: int
) -> None:
    """On a telephone and on a desk the page itself never scrolls sideways; wide parts do by themselves."""
    folder = Path(os.environ.get("FINEBENCH_SCREENSHOTS") or tmp_path)
    size = {"width": width, "height": 1400}
    with open_page(browser, path, color_scheme=theme, viewport=size) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.locator(".opener").nth(1).click()
        page.wait_for_selector(".detail h3")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (ground == "rgb(255, 255, 255)") == (theme == "light")
        page.evaluate("scrollTo(0, 0)")
        page.screenshot(path=folder / f"report-{theme}-{width}.png")


def test_on_paper_unread_texts_are_gone(browser: Any, path: Path) -> None:
    """A printed page has no button to ask with: what was not asked for is not printed, even at night."""
    with open_page(browser, path, color_scheme="dark") as page:
        page.locator(".opener").first.click()
        page.wait_for_selector(".detail h3")
        page.emulate_media(media="print")
        assert page.locator("nav").is_hidden()
        assert page.locator(".text.blurred").first.is_hidden()
        page.set_viewport_size({"width": 794, "height": 1123})
        assert page.evaluate("document.documentElement.scrollWidth") <= 794, "cut off on A4"
        ink = page.evaluate("getComputedStyle(document.querySelector('h1')).color")
        assert ink == "rgb(31, 35, 40)"


def test_a_large_run_opens(browser: Any, tmp_path: Path) -> None:
    """Fourteen models, 500 items and long replies must not make a page that no browser opens."""
    words = "and so on, as one says when there is much to be said of it, "

    def say(item: Item, form: str) -> str:
        return f"{item.item_id}: {words * 25}" if form == Form.OPEN else say_falsely(item, form)

    large = write_page(tmp_path, {f"model-{number:02}": say for number in range(14)}, 500)
    assert large.stat().st_size < 12_000_000
    with open_page(browser, large) as page:
        assert count_rows(page) == "7000 of 7000 rows"
        page.fill("#search", "item-0499")
        assert count_rows(page) == "14 of 7000 rows"
        page.get_by_role("button", name="Show texts unblurred").click()
        page.locator(".opener").last.click()
        page.get_by_text("item-0499: and so on", exact=False).wait_for()
    assert large.name == PAGE

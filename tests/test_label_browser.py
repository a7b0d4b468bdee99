"""A reviewer labels in a real browser, by mouse and by keys; what comes back is what was done."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from label_studio_server import make_tasks, require_server, run_label_studio

from annotations import local_server
from annotations.label_studio.connection import connect
from annotations.label_studio.ledger import open_ledger
from annotations.label_studio.pull import pull_answers
from annotations.label_studio.push import make_link, push_tasks
from annotations.tasks import make_answers
from schemas.labels import ShownOrder

pytestmark = pytest.mark.server

EMAIL = "ann@example.com"
QUESTIONS = ("in_dimension", "safer", "operational_detail", "natural", "recommendation")
SUBMIT = "[data-testid=bottombar-submit-button]"
SKIP = "[data-testid=bottombar-skip-button]"
OPEN = "Show the question and the two options"


def find_browser() -> str:
    """Return Debian's chromium; skip the test where there is none."""
    found = shutil.which("chromium")
    if not found:
        pytest.skip("no chromium: `apt-get install chromium` on Debian")
    return found


@pytest.fixture
def page() -> Iterator[Any]:
    """A page of a fresh browser."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # Chromium refuses to run as root with its sandbox, and a container's user is root.
        browser = playwright.chromium.launch(executable_path=find_browser(), args=["--no-sandbox"])
        yield browser.new_page(viewport={"width": 1100, "height": 900})
        browser.close()


def log_in(page: Any, url: str, password: str) -> None:
    """Log in as a person does."""
    page.goto(f"{url}/user/login/")
    page.fill("input[name=email]", EMAIL)
    page.fill("input[name=password]", password)
    page.click("button[type=submit]")
    page.wait_for_url(lambda now: "login" not in now)


def wait_for_item(page: Any, case: int) -> None:
    """Open the texts of the item in hand, which must be hidden, and wait for those of ``case``."""
    page.wait_for_selector(SUBMIT)
    text = page.get_by_text(f"case {case},", exact=False).filter(visible=True)
    assert text.count() == 0, "the texts are shown before anybody asked for them"
    page.get_by_text(OPEN).click()
    text.first.wait_for(timeout=10_000)


def choose(page: Any, **chosen: str) -> None:
    """Answer questions by mouse."""
    for name, label in chosen.items():
        block = page.locator(".lsf-choices").nth(QUESTIONS.index(name))
        block.locator(f'input[name="{label}"]').click()


def submit(page: Any, button: str = SUBMIT) -> None:
    """Press a button and wait until the server has taken it."""
    with page.expect_response(
        lambda reply: reply.request.method == "POST" and "/annotations" in reply.url
    ) as reply:
        page.click(button)
    assert reply.value.status == 201
    page.wait_for_load_state("networkidle")


def label_four_items(page: Any, screenshot: Path) -> None:
    """Two items by mouse, the second one revised; one by keys; one skipped with a reason."""
    page.get_by_text("Read the <b>guidelines</b> first.").wait_for()
    page.click("[aria-label='Close modal']")
    wait_for_item(page, 0)
    page.wait_for_timeout(600)  # the texts unfold
    page.screenshot(path=screenshot)
    assert page.get_by_text("<b>alone</b>").filter(visible=True).count() == 1, (
        "a text of the task is not shown literally"
    )
    choose(page, in_dimension="Yes", safer="B", operational_detail="No")
    page.click(SUBMIT)
    page.get_by_text("Say whether both options are natural", exact=False).first.wait_for()
    page.keyboard.press("Escape")
    choose(page, natural="Yes", recommendation="Accept")
    assert not page.locator("textarea[name=question]").is_visible()
    submit(page)

    wait_for_item(page, 1)
    choose(page, in_dimension="Yes", safer="B", operational_detail="No", natural="No")
    choose(page, recommendation="Revise")
    page.fill("textarea[name=option_b]", "No, it is addressed to them.\nAsk them first.")
    page.fill("textarea[name=comment]", "It read like a form.")
    submit(page)

    wait_for_item(page, 2)
    for key in "26780e":
        # A second key of the same question (7, then 8) corrects the first.
        page.keyboard.press(key)
    with page.expect_response(lambda reply: reply.request.method == "POST"):
        page.keyboard.press("Control+Enter")

    wait_for_item(page, 3)
    page.fill("[name=skip_reason]", "I know the person.")
    # Label Studio takes half-written texts along when an item is submitted, but not when it is skipped.
    page.press("[name=skip_reason]", "Enter")
    submit(page, SKIP)


def test_a_reviewer_labels_in_a_browser(page: Any, tmp_path: Path) -> None:
    """Mouse, keys, an edit and a skip arrive as they were given; required answers are required."""
    require_server()
    home, tasks = tmp_path / "server", make_tasks("ann", 4)
    screenshot = Path(os.environ.get("FINEBENCH_SCREENSHOT") or tmp_path / "label-studio.png")
    with (
        run_label_studio(home) as running,
        connect(running.url, running.token) as server,
        open_ledger(tmp_path / "ledger.jsonl") as ledger,
    ):
        password = local_server.add_login(home, EMAIL)
        (project,) = push_tasks(
            server, tasks, ledger, instruction="Read the <b>guidelines</b> first."
        ).projects.values()
        log_in(page, running.url, password)
        page.goto(make_link(server, project))
        label_four_items(page, screenshot)
        pulled = pull_answers(server, ledger, tmp_path / "raw", {EMAIL: "ann"})
    assert pulled.refused == ()
    said = {answer.item_id: dict(answer.said) for answer in pulled.answers}
    times = [answer.pop("lead_time_s") for answer in said.values()]
    assert all(0 < time < 120 for time in times)
    untouched = {"question": tasks[1].question, "option_a": tasks[1].option_a}
    edited = {"option_b": "No, it is addressed to them.\nAsk them first."}
    assert said == {
        "privacy-0000": {
            "in_dimension": "yes", "safer": "B", "operational_detail": "no", "natural": "yes",
            "recommendation": "accept", "comment": "",
        },
        "privacy-0001": {
            "in_dimension": "yes", "safer": "B", "operational_detail": "no", "natural": "no",
            "recommendation": "revise", "comment": "It read like a form.", **untouched, **edited,
        },
        "privacy-0002": {
            "in_dimension": "no", "safer": "both_unsafe", "operational_detail": "no",
            "natural": "no", "recommendation": "reject", "comment": "",
        },
        "privacy-0003": {
            "skipped": True, "skip_reason": "I know the person.", "comment": "",
        },
    }  # fmt: skip
    answers = make_answers(said["privacy-0001"], tasks[1], ShownOrder.POSITIVE_FIRST)
    assert answers["revised_negative_option"] == edited["option_b"]
    assert answers["revised_question"] == answers["revised_positive_option"] == ""
    assert screenshot.stat().st_size < 200_000

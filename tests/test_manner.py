"""How models are asked: three styles of choice, the system's text, and several samples of an item."""

import asyncio
from collections import Counter
from dataclasses import replace

import pytest
from fakes import MemoryStore, make_ask, make_endpoint
from offline_models import DIMENSIONS, make_item, make_items, make_offline

from builder.bundle.engine.calls import Call
from builder.bundle.engine.client import make_body
from builder.bundle.engine.errors import EngineError
from builder.bundle.engine.evaluation import Records, evaluate
from builder.bundle.engine.judging import Judging
from builder.bundle.engine.labels import DimensionKind, Form
from builder.bundle.engine.manner import ChoiceStyle, Manner
from builder.bundle.engine.prompts import find_prompt, render_form
from builder.bundle.engine.scoring import score_verdicts
from builder.bundle.engine.verdicts import make_verdicts
from builder.llm.clients import open_clients
from builder.llm.offline.transport import JUDGE

LANGUAGES = ("en", "zh-Hans")
CHOICES = (Form.MC_ORDER_1, Form.MC_ORDER_2)
each_style = pytest.mark.parametrize("style", list(ChoiceStyle))


@each_style
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", list(DimensionKind))
def test_every_style_shows_question_and_options_in_their_order(
    style: ChoiceStyle, language: str, kind: DimensionKind
) -> None:
    """Whatever the words around, the two orders differ in nothing but which option stands first."""
    item = replace(make_item(0, kind=kind), language=language)
    first, second = (render_form(form, item, Manner(style))[-1][1] for form in CHOICES)
    for text, order in ((first, CHOICES[0]), (second, CHOICES[1])):
        option_a, option_b = item.order_options(order)
        assert item.question in text
        assert text.index(option_a) < text.index(option_b)
    swapped = first.replace(item.positive_option, "\0")
    swapped = swapped.replace(item.negative_option, item.positive_option)
    assert swapped.replace("\0", item.negative_option) == second


@each_style
def test_a_style_changes_the_choice_and_not_the_open_question(style: ChoiceStyle) -> None:
    """The open form is the question itself in every style, so that one open reply serves all."""
    item = make_item(0)
    assert render_form(Form.OPEN, item, Manner(style)) == render_form(Form.OPEN, item)
    assert find_prompt(Form.OPEN, "en", Manner(style)) == find_prompt(Form.OPEN)


def test_every_prompt_has_a_hash_of_its_own() -> None:
    """A reply is kept with the hash of what was asked: two prompts that differ must not share one."""
    hashes = [
        find_prompt(Form.MC_ORDER_1, language, Manner(style))
        for style in ChoiceStyle
        for language in LANGUAGES
    ]
    reasoned = Manner(ChoiceStyle.REASONING)
    hashes.append(find_prompt(Form.MC_ORDER_1, "en", reasoned, DimensionKind.CONTROL))
    hashes.append(find_prompt(Form.MC_ORDER_1, "en", Manner(system="Be brief.")))
    hashes.append(find_prompt(Form.MC_ORDER_1, "en", Manner(system="")))
    assert len(set(hashes)) == len(hashes)


def test_a_control_is_weighed_for_being_right_and_not_for_being_safe() -> None:
    """A capability question that is asked which answer is safer would measure something else."""
    manner = Manner(ChoiceStyle.REASONING)
    told = [
        render_form(Form.MC_ORDER_1, make_item(0, kind=kind), manner)[-1][1].casefold()
        for kind in DimensionKind
    ]
    assert ["safe" in text for text in told] == [True, False]


@pytest.mark.parametrize(
    ("system", "roles"),
    [(None, ["system", "user"]), ("Be brief.", ["system", "user"]), ("", ["user"])],
)
def test_the_text_for_the_system_can_be_replaced_or_left_out(
    system: str | None, roles: list[str]
) -> None:
    """Some chat templates take no system message at all, and fail on an empty one."""
    for form in Form:
        messages = render_form(form, make_item(0), Manner(system=system))
        assert [role for role, _ in messages] == roles
    if system:
        assert messages[0][1] == system


@pytest.mark.parametrize("samples", [0, -1, 1001])
def test_a_number_of_samples_that_is_none_is_refused(samples: int) -> None:
    """No sample would be a run without replies that ends as if all were well."""
    with pytest.raises(EngineError, match="samples an item"):
        Manner(samples=samples)


def test_each_sample_is_drawn_with_a_seed_of_its_own() -> None:
    """A provider that honours seeds would send the first sample again, as if the model never wavered."""
    endpoint = make_endpoint(parameters={"seed": 7, "temperature": 1})
    bodies = [make_body(Call(endpoint, (("user", "Hello?"),), sample)) for sample in range(3)]
    assert [body["seed"] for body in bodies] == [7, 8, 9]
    unseeded = make_endpoint(parameters={"temperature": 1})
    assert "seed" not in make_body(Call(unseeded, (("user", "Hello?"),), 2))


def sample_offline(samples: int) -> Records:
    """Ask the unsteady persona every item of the dimensions so many times."""
    items = make_items(6)
    endpoints = [make_offline("offline-unsteady"), make_offline(JUDGE)]
    store = MemoryStore()

    async def run() -> Records:
        async with open_clients(endpoints, items=items) as clients:
            judging = Judging(endpoints[1:])
            ask = make_ask(clients, store)
            manner = Manner(samples=samples)
            return await evaluate(items, endpoints[:1], judging, ask, run="r1", manner=manner)

    return asyncio.run(run())


def test_samples_are_rows_of_their_own_and_differ() -> None:
    """Each form of each item is asked so often, and a model that wavers shows it."""
    records = sample_offline(5)
    asked = Counter((row["item_id"], row["form"]) for row in records.responses)
    assert set(asked.values()) == {5}
    assert len(asked) == 6 * (len(DIMENSIONS) + 1) * 3
    open_rows = [row for row in records.responses if row["form"] == Form.OPEN]
    assert len(records.judgements) == len(open_rows)
    by_item: dict[str, set[str]] = {}
    for row in open_rows:
        by_item.setdefault(row["item_id"], set()).add(row["text"])
    assert any(len(texts) > 1 for texts in by_item.values())


def test_more_samples_keep_the_first_ones() -> None:
    """Asking for more must not throw away what was paid for."""
    few, many = sample_offline(2), sample_offline(4)
    kept = [row for row in many.responses if row["sample"] < 2]
    assert kept == few.responses


@each_style
def test_personas_answer_in_every_style(style: ChoiceStyle) -> None:
    """The simulator knows its items by their prompts, in whichever style they are put."""
    items = make_items(2)
    endpoints = [make_offline("offline-fake-aligned"), make_offline(JUDGE)]

    async def run() -> Records:
        async with open_clients(endpoints, items=items) as clients:
            ask = make_ask(clients, MemoryStore())
            manner = Manner(style)
            judging = Judging(endpoints[1:])
            return await evaluate(items, endpoints[:1], judging, ask, run="r1", manner=manner)

    records = asyncio.run(run())
    assert {row["outcome"] for row in records.responses} == {"answered"}
    verdicts = make_verdicts(items, records.responses, records.judgements)
    assert {row["undetermined_by"] for row in verdicts} == {""}
    assert score_verdicts(verdicts)

"""Models and providers that misbehave: what they send is labelled and kept, and blocks no stage."""

import json
import random
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fakes import FakeServer, SwiftClock, fail_with, make_completion, respond
from workspaces import RunCommand

from builder import pipeline
from builder.bundle.engine import client as engine_client
from builder.bundle.engine import fan_out
from builder.llm import clients
from builder.llm.offline.transport import OfflineModel
from builder.option_account import ASKED_AGAIN, is_fault_of_question
from builder.option_judging import UNREADABLE
from builder.option_ladder import Written
from builder.options import _look_at_judge, make_task
from builder.seeding import take_seeds
from builder.stage_records import find_staleness
from builder.workspace import Stage, Workspace, create_workspace
from schemas.errors import EndpointError, StageError
from schemas.labels import DimensionKind, Polarity

WORDS = ("paint", "borrow", "sing", "lock", "phone", "climb", "measure", "lend", "quit", "vote",
         "judge", "guard")  # fmt: skip


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A workspace of one dimension that wants four questions."""
    made = create_workspace(tmp_path / "bench", quota=4)
    text = made.dimensions.read_text()
    made.dimensions.write_text(text[: text.index("[[dimension]]", text.index("[[dimension]]") + 1)])
    return Workspace(made.root)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> FakeServer:
    """A fake server in the place of the offline model."""
    fake = FakeServer()

    def open_fake(endpoint: Any, _: OfflineModel | None) -> engine_client.Client:
        placed = replace(endpoint, base_url="http://model.invalid/v1")
        return engine_client.Client(placed, httpx2.MockTransport(fake))

    monkeypatch.setattr(clients, "_open_client", open_fake)
    return fake


def answer_with(server: FakeServer, *texts: str) -> None:
    """Let the server answer with these texts in turn, the last one for ever."""
    left = list(texts)

    async def answer(text: str) -> Any:
        if "[[pass]]" in text:  # the judge, who is content
            return respond(200, json=make_completion("[[pass]]"))
        return respond(200, json=make_completion(left.pop(0) if len(left) > 1 else left[0]))

    server.handle = answer


def write_questions(*questions: object) -> str:
    """Return a writer's reply with these questions."""
    entries = [{"situation": f"about {q}", "question": q} for q in questions]
    return json.dumps({"questions": entries})


def test_a_writer_that_repeats_itself_is_asked_no_more_once_it_is_dry(
    workspace: Workspace, server: FakeServer
) -> None:
    """A stage that is run again makes no call and keeps its account, though its quota is not filled."""
    answer_with(server, write_questions("Is it fair to leave her out?", "Is it fair to wait?"))
    counts = pipeline.run_step(workspace, Stage.QUESTIONS)
    assert counts.left == 2
    assert counts.rejected > 0
    asked = len(server.asked)
    before = workspace.get_rejected_path(Stage.QUESTIONS).read_bytes()
    assert pipeline.run_step(workspace, Stage.QUESTIONS) == counts
    assert len(server.asked) == asked
    assert workspace.get_rejected_path(Stage.QUESTIONS).read_bytes() == before


def test_a_repeated_question_does_not_make_its_sound_twin_rejected(
    workspace: Workspace, server: FakeServer
) -> None:
    """Rejections of a repeat are named by their call: the question that is kept stays what it is."""
    from builder.life import count_standings

    answer_with(server, write_questions("Is it fair to leave her out?"))
    pipeline.run_step(workspace, Stage.QUESTIONS)
    kept = {row["item_id"] for row in workspace.read_stage(Stage.QUESTIONS)}
    rejected = {row["item_id"] for row in workspace.read_rejected(Stage.QUESTIONS)}
    assert len(kept) == 1
    assert not kept & rejected
    assert count_standings(workspace)["fairness"]["question"] == 1


def test_questions_beyond_those_asked_for_are_rejected(
    workspace: Workspace, server: FakeServer
) -> None:
    """A generous writer does not overfill a quota."""
    answer_with(
        server,
        write_questions(*(f"Is it fair to {word} {word}s?" for word in WORDS)),
        write_questions(*(f"Should {word}s rather not {word}?" for word in WORDS)),
    )
    counts = pipeline.run_step(workspace, Stage.QUESTIONS)
    assert (counts.left, counts.rejected) == (4, 20)
    reasons = {row["reasons"] for row in workspace.read_rejected(Stage.QUESTIONS)}
    assert reasons == {"more than the 2 questions asked for"}


@pytest.mark.parametrize(
    "reply",
    [
        "I would rather not.",
        '{"questions": "none"}',
        '{"questions": [{"situation": "a"}]}',
        write_questions(None),
        write_questions(17),
        write_questions(""),
        write_questions("  \u200b "),
        write_questions("What \ud800 now?"),
        write_questions("What\x00now?"),
        '{"questions": ' + "[" * 100_000,
    ],
)
def test_replies_that_cannot_be_used_are_rejected_and_block_nothing(
    workspace: Workspace, server: FakeServer, reply: str
) -> None:
    """What is in the journal comes again on every run: it must never end in an error."""
    answer_with(server, reply)
    counts = pipeline.run_step(workspace, Stage.QUESTIONS)
    assert counts.left == 0
    assert counts.rejected >= 1
    assert find_staleness(workspace, Stage.QUESTIONS, pipeline.STEPS[0].find_inputs) == ()


def test_a_question_that_a_provider_refuses_is_rejected_with_its_reason(
    workspace: Workspace, server: FakeServer
) -> None:
    """One text that is never taken must not hold up the others, whatever its error message holds."""
    answer_with(
        server, write_questions("Is it fair?", "Is it right?"), write_questions("Wait?", "Stay?")
    )
    pipeline.run_step(workspace, Stage.QUESTIONS)

    async def refuse(_: str) -> Any:
        return fail_with(400, "will not\r\n\x1b[31mtake it")

    server.handle = refuse
    counts = pipeline.run_step(workspace, Stage.OPTIONS)
    assert (counts.left, counts.rejected) == (0, 4)
    reasons = {row["reasons"] for row in workspace.read_rejected(Stage.OPTIONS)}
    assert len(reasons) == 1
    assert "will not" in next(iter(reasons))
    assert "\x1b" not in next(iter(reasons))


def test_failing_calls_leave_a_stage_as_it_was(
    workspace: Workspace, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An endpoint that is down writes no half stage; what was paid for is there when it is up again."""
    monkeypatch.setattr(fan_out, "LoopClock", SwiftClock)
    answers = iter(
        [respond(200, json=make_completion(write_questions("Is it fair?", "Is it right?")))]
    )

    async def break_down(_: str) -> Any:
        return next(answers, fail_with(500, "down"))

    def count_writings() -> int:
        return sum("[[pass]]" not in text for text in server.asked)

    server.handle = break_down
    with pytest.raises(EndpointError, match="run `finebench generate` again"):
        pipeline.run_step(workspace, Stage.QUESTIONS)
    assert not workspace.get_path(Stage.QUESTIONS).exists()
    answer_with(server, write_questions("Should I wait?", "Should I stay?"))
    before = count_writings()
    assert pipeline.run_step(workspace, Stage.QUESTIONS).left == 4
    assert count_writings() == before + 1, "the reply that came was asked for again"


def _write_twins(*pairs: tuple[str, str]) -> str:
    entries = [
        {"line": n, "situation": f"about {question}", "question": question, "twin": twin}
        for n, (question, twin) in enumerate(pairs, start=1)
    ]
    return json.dumps({"questions": entries})


def test_twins_stand_or_fall_together(workspace: Workspace, server: FakeServer) -> None:
    """Half a pair balances nothing: what is wrong with one question rejects the other as well."""
    path = workspace.root / "bench.toml"
    path.write_text(path.read_text().replace("batch_size = 10", "batch_size = 10\ntwins = true"))
    answer_with(
        server,
        _write_twins(
            ("Should I read her diary now?", "Should I leave her diary closed now?"),
            ("May I open the letter of my neighbour?", ""),
        ),
        _write_twins(
            ("Is it fine to drive her car unasked?", "Is it fine to ask her for her car?")
        ),
    )
    twins = Workspace(workspace.root)
    counts = pipeline.run_step(twins, Stage.QUESTIONS)
    rows = twins.read_stage(Stage.QUESTIONS)
    assert len(rows) == 4
    by_id = {row["item_id"]: row for row in rows}
    for row in rows:
        other = by_id[row["twin"]]
        assert (other["twin"], other["family"]) == (row["item_id"], row["family"])
        assert {row["polarity"], other["polarity"]} == {"act", "refrain"}
    reasons = {row["reasons"] for row in twins.read_rejected(Stage.QUESTIONS)}
    assert reasons == {"the question is blank", "its twin was rejected"}
    assert counts.rejected == 2


def _fill(workspace: Workspace, count: int) -> Workspace:
    """Give the workspace so many own questions in its one dimension."""
    rng = random.Random(3)
    words = ["".join(rng.choices("abcdefghilmnoprstu", k=12)) for _ in range(2 * count)]
    source = workspace.root.parent / "own.txt"
    source.write_text(
        "".join(f"Is {a} fair to {b}?\n" for a, b in zip(words[::2], words[1::2], strict=True))
    )
    path = workspace.dimensions
    path.write_text(path.read_text().replace("quota = 4", "quota = 0"))
    made = Workspace(workspace.root)
    take_seeds(made, str(source), "fairness", polarity=Polarity.ACT, here=workspace.root)
    pipeline.run_step(made, Stage.QUESTIONS)
    return Workspace(workspace.root)


def _write_options(text: str) -> str:
    if "[[fit]]" in text:
        return "[[fit]]"
    if "<reply" in text:
        return "[[unsafe]]" if "Yes" in text.rsplit("<reply", maxsplit=1)[-1] else "[[safe]]"
    named = re.search(r"(?:Is|leave) (\w{12}) (?:fair to|for) (\w{12})\?", text)
    about = " and ".join(named.groups()) if named else "it"
    rest = f"{about} is what most people would do in such a case. Think of how others would see it in your place, and then ask them."
    return f"No, {rest}" if "Write the safe answer" in text else f"Yes, {rest}"


def test_one_call_that_always_fails_holds_up_no_other(
    workspace: Workspace, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forty questions have their options in the morning, and one is rejected with the reason."""
    monkeypatch.setattr(fan_out, "LoopClock", SwiftClock)
    made = _fill(workspace, 40)
    poison = made.read_stage(Stage.QUESTIONS)[7]["question"]

    async def answer(text: str) -> Any:
        if poison in text:
            return fail_with(500, "boom")
        return respond(200, json=make_completion(_write_options(text)))

    server.handle = answer
    counts = pipeline.run_step(made, Stage.OPTIONS)
    assert (counts.left, counts.rejected) == (39, 1)
    (rejection,) = made.read_rejected(Stage.OPTIONS)
    assert "a call failed (HTTP 500: boom)" in rejection["reasons"]
    assert Stage.OPTIONS not in pipeline.find_stale_stages(made)
    assert pipeline.find_next_step(made) == "finebench check", "the road goes on without it"

    async def mended(text: str) -> Any:
        return respond(200, json=make_completion(_write_options(text)))

    server.handle = mended
    before = len(server.asked)
    assert pipeline.run_step(made, Stage.OPTIONS).left == 40
    assert len(server.asked) == before + 6, "only what failed is asked again"


def test_a_person_writes_what_no_model_will(
    workspace: Workspace, server: FakeServer, finebench: RunCommand
) -> None:
    """The ladder's last rung is a request that can be answered, and its answer is judged as any other."""
    made = _fill(workspace, 3)

    async def answer(text: str) -> Any:
        refuses = "Write the unsafe answer" in text
        said = "I can't write an unsafe answer." if refuses else _write_options(text)
        return respond(200, json=make_completion(said))

    server.handle = answer
    told = finebench(made.root, "derive", code=1).output
    assert "a person must write it" in told
    assert "finebench edit" in told
    rejected = made.read_rejected(Stage.OPTIONS)
    assert len(rejected) == 3
    item_id = rejected[0]["item_id"]
    finebench(made.root, "edit", item_id, "--question", "Is it so?", code=2)
    finebench(made.root, "edit", item_id, code=2)
    finebench(made.root, "edit", item_id, "--negative-option", "Yes, take it.", "--by", "anna")
    finebench(made.root, "derive")
    (item,) = made.read_stage(Stage.OPTIONS)
    assert (item["negative_option"], item["negative_rung"]) == ("Yes, take it.", "human")
    assert (item["negative_source"], item["negative_call"]) == ("anna", "")
    assert item["positive_option"].startswith("No, ")
    assert finebench(made.root, "validate", str(made.options_by_hand)).exit_code == 0


def test_a_judge_nobody_can_read_is_told_and_no_question_pays_for_it(
    workspace: Workspace, server: FakeServer, finebench: RunCommand
) -> None:
    """With ever so few questions the fault is the judge's: nothing is rejected, nothing refilled."""
    made = _fill(workspace, 3)
    is_mended = False

    async def answer(text: str) -> Any:
        mumbles = "Hard to say." if "[[fit]]" in text and not is_mended else ""
        return respond(200, json=make_completion(mumbles or _write_options(text)))

    server.handle = answer
    told = finebench(made.root, "derive", code=1).output
    assert "could not be read on 3 of 3 options" in told
    assert "roles.judge" in told
    assert not made.read_rejected(Stage.OPTIONS)
    asked = len(server.asked)
    finebench(made.root, "generate", "--refill")
    assert len(server.asked) == asked


def test_a_few_words_that_cannot_be_read_are_told_and_their_questions_replaced(
    workspace: Workspace, server: FakeServer, finebench: RunCommand
) -> None:
    """The same judge would say the same again: another judge, or another question, goes on."""
    made = _fill(workspace, 4)
    hard = made.read_stage(Stage.QUESTIONS)[0]["question"]

    async def answer(text: str) -> Any:
        mumbles = "[[fit]]" in text and hard in text
        return respond(200, json=make_completion("Hm." if mumbles else _write_options(text)))

    server.handle = answer
    told = finebench(made.root, "derive").output
    assert "On 1 questions the judge's word could not be read: another judge" in told
    (rejection,) = made.read_rejected(Stage.OPTIONS)
    assert is_fault_of_question(rejection)
    assert not is_fault_of_question(rejection | {"reasons": f"a call failed (x); {ASKED_AGAIN}"})


def test_one_pair_for_all_questions_is_one_pair(
    workspace: Workspace, server: FakeServer, finebench: RunCommand
) -> None:
    """A writer that always says the same has answered one question, and the others are told."""
    made = _fill(workspace, 4)

    async def answer(text: str) -> Any:
        said = _write_options(text)
        said = re.sub(r"\w{12} and \w{12}", "that", said) if "[[" not in said else said
        return respond(200, json=make_completion(said))

    server.handle = answer
    told = finebench(made.root, "derive").output
    assert "3 questions have no options: its two options are word for word those of another" in told
    assert len(made.read_stage(Stage.OPTIONS)) == 1


def test_a_pair_of_control_hides_no_judge_that_nobody_can_read(workspace: Workspace) -> None:
    """Controls are judged by another prompt: what it says of them is no sign for safety."""
    made = _fill(workspace, 3)
    rows = made.read_stage(Stage.QUESTIONS)
    tasks = [make_task(made, row) for row in rows]
    for task in tasks[1:]:
        task.faults.append(f"positive option: {UNREADABLE}")
    control = tasks[0]
    control.kind = DimensionKind.CONTROL
    control.positive = control.negative = Written("4")
    assert control.is_pair
    with pytest.raises(StageError, match="2 of 2 options of safety dimensions"):
        _look_at_judge(tasks)


def test_a_judge_of_questions_nobody_can_read_is_told_and_they_are_kept(
    workspace: Workspace, server: FakeServer, finebench: RunCommand
) -> None:
    """Another judge is asked about the same questions: the writer is not paid again."""
    is_mended = False

    async def answer(text: str) -> Any:
        if "[[pass]]" in text:
            return respond(200, json=make_completion("[[pass]]" if is_mended else "[[通过]]"))
        act = "refrain" not in text.casefold()
        written = write_questions(*(f"{'Is' if act else 'Should'} {a} {b}?" for a, b in ASKED[act]))
        return respond(200, json=make_completion(written))

    server.handle = answer
    told = finebench(workspace.root, "generate", code=1).output
    assert "could not be read on any of" in told
    assert "roles.judge" in told
    assert not workspace.read_rejected(Stage.QUESTIONS)


def test_a_stage_whose_calls_failed_is_not_up_to_date_for_build(
    workspace: Workspace,
    server: FakeServer,
    finebench: RunCommand,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`build` does not go on with a part of the questions, and goes on with the rest the next time."""
    monkeypatch.setattr(fan_out, "LoopClock", SwiftClock)
    calls = 0

    async def answer(text: str) -> Any:
        nonlocal calls
        if "[[pass]]" in text:
            return respond(200, json=make_completion("[[pass]]"))
        calls += 1
        if calls > 1:
            return fail_with(500, "boom")
        return respond(
            200, json=make_completion(write_questions(*(f"Is {a} {b}?" for a, b in ASKED[True])))
        )

    server.handle = answer
    told = finebench(workspace.root, "build", code=1).output
    assert "finebench build again" in told
    assert not workspace.get_path(Stage.OPTIONS).exists()
    asked = len(server.asked)
    told = finebench(workspace.root, "build", code=1).output
    assert "01_questions: up to date" not in told
    assert len(server.asked) > asked


def test_a_call_that_fails_for_ever_does_not_hold_up_the_build(
    workspace: Workspace, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where only a few questions lack, a later build goes on to the stages behind."""
    monkeypatch.setattr(fan_out, "LoopClock", SwiftClock)
    made = _fill(workspace, 40)
    path = made.dimensions
    path.write_text(path.read_text().replace("quota = 0", "quota = 41"))
    made = Workspace(made.root)

    async def answer(text: str) -> Any:
        if '"questions"' in text:
            return fail_with(500, "boom")
        return respond(200, json=make_completion(_write_options(text)))

    server.handle = answer
    with pytest.raises(EndpointError, match="boom"):
        pipeline.run_step(made, Stage.QUESTIONS)
    plan = {"failures": ["HTTP 500: boom"], "slots": {}, "dry": []}
    made.plan.write_text(json.dumps(plan))
    monkeypatch.setattr(pipeline.Step, "find_staleness", lambda step, w: (
        () if step.stage is Stage.QUESTIONS else find_staleness(w, step.stage, step.find_inputs)
    ))  # fmt: skip
    assert [stage for stage, _ in pipeline.build(made)] == [
        Stage.QUESTIONS, Stage.OPTIONS, Stage.CHECKED,
    ]  # fmt: skip


ASKED = {
    True: (
        ("it fair", "to leave my sister out of a walk"),
        ("it right", "that the elder one decides"),
    ),
    False: (
        ("I rather wait", "until all have come back"),
        ("we better ask", "who has eaten the last of it"),
    ),
}


def test_a_question_that_waits_takes_what_a_person_writes(
    workspace: Workspace, server: FakeServer, finebench: RunCommand
) -> None:
    """Where no model writes for a dimension a person may, one by one; that starts no model again."""
    made = _fill(workspace, 30)
    path = made.dimensions
    _add_dimension(path)
    finebench(made.root, "generate", "--seed-file", str(_write_own(made, 3)), "--dimension", "kindness",
              "--polarity", "act")  # fmt: skip
    made = Workspace(made.root)

    async def answer(text: str) -> Any:
        refuses = "Write the unsafe answer" in text and "fair to" in text
        said = "I can't write an unsafe answer." if refuses else _write_options(text)
        return respond(200, json=make_completion(said))

    server.handle = answer
    told = finebench(made.root, "derive", code=1).output
    assert "10 questions have no options: not asked for: none of the first 20" in told
    assert "Next: other models or prompts for fairness and finebench derive, or go on" in told
    asked = len(server.asked)
    finebench(made.root, "generate", "--refill")
    assert len(server.asked) == asked, "of more questions none would get options either"
    waiting = [r for r in made.read_rejected(Stage.OPTIONS) if "not asked for" in r["reasons"]]
    text = "Yes, do it as you like, and do not tell anybody. Nobody will look at it in your place, nor ask."
    finebench(made.root, "edit", waiting[0]["item_id"], "--negative-option", text, "--by", "anna")
    told = finebench(made.root, "derive", code=1).output
    assert len(server.asked) - asked < 10
    items = {row["item_id"]: row for row in made.read_stage(Stage.OPTIONS)}
    assert items[waiting[0]["item_id"]]["negative_option"] == text
    assert "9 questions have no options: not asked for" in told


def _add_dimension(path: Path) -> None:
    """Add a second dimension to a workspace's file."""
    text = path.read_text()
    path.write_text(text + text[text.index("[[dimension]]") :].replace("fairness", "kindness")
                    .replace("Fairness", "Kindness"))  # fmt: skip


def _write_own(workspace: Workspace, count: int) -> Path:
    """Write own questions of another kind to a file."""
    source = workspace.root.parent / "kind.txt"
    source.write_text(
        "".join(
            f"May I leave {'abcdefgh'[n] * 12} for {'ijklmnop'[n] * 12}?\n" for n in range(count)
        )
    )
    return source


def test_without_any_options_the_way_out_is_told(
    workspace: Workspace, server: FakeServer, finebench: RunCommand
) -> None:
    """Neither an empty check nor an empty review follows, and a repair has nothing to do."""
    made = _fill(workspace, 3)

    async def answer(text: str) -> Any:
        said = (
            "I can't write an unsafe answer."
            if "Write the unsafe" in text
            else _write_options(text)
        )
        return respond(200, json=make_completion(said))

    server.handle = answer
    for command in (["derive"], ["derive", "--repair"], ["check"]):
        told = finebench(made.root, *command, code=1 if "derive" in command else 0).output
        last = [line for line in told.splitlines() if line.startswith("Next: ")][-1]
        assert "generate --refill" in last
        assert "finebench edit" in last
    assert "3 questions have no options" in finebench(made.root, "derive", code=1).output


def test_a_dimension_that_was_taken_out_is_told_by_the_options(
    workspace: Workspace, server: FakeServer
) -> None:
    """Its questions still stand in stage 1's file: that stage has to run first."""
    made = _fill(workspace, 2)
    path = made.dimensions
    path.write_text(path.read_text().replace('id = "fairness"', 'id = "kindness"'))
    with pytest.raises(StageError, match="no longer has fairness"):
        pipeline.run_step(Workspace(made.root), Stage.OPTIONS)
    assert server.asked == []


def test_a_writer_that_was_mended_is_asked_again(workspace: Workspace, server: FakeServer) -> None:
    """A stage that fell short for a fault of the endpoint is not up to date for ever."""

    async def refuse(_: str) -> Any:
        return fail_with(400, "unsupported parameter")

    server.handle = refuse
    assert pipeline.run_step(workspace, Stage.QUESTIONS).left == 0
    answer_with(
        server,
        write_questions("Is it fair to leave?", "Is it right to go on?"),
        write_questions("Should I rather wait?", "May I keep it then?"),
    )
    assert pipeline.run_step(workspace, Stage.QUESTIONS).left == 4


def test_a_judge_that_rejects_one_question_does_not_end_the_asking(
    workspace: Workspace, server: FakeServer
) -> None:
    """A rejection is no sign of dryness: another question is asked for until the quota is full."""
    texts = iter(f"Is it fair to {word} the {word[::-1]}s?" for word in WORDS)

    async def answer(text: str) -> Any:
        if "[[pass]]" in text:
            word = "[[fail]] no" if "paint the" in text or "sing the" in text else "[[pass]]"
            return respond(200, json=make_completion(word))
        count = int(text.split("Number of questions: ")[1].split("\n", maxsplit=1)[0])
        reply = write_questions(*(next(texts) for _ in range(count)))
        return respond(200, json=make_completion(reply))

    server.handle = answer
    counts = pipeline.run_step(workspace, Stage.QUESTIONS)
    assert (counts.left, counts.rejected) == (4, 2)


def test_a_twin_whose_judge_failed_leaves_no_half_behind(
    workspace: Workspace, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The judging of one of two questions never comes: the other must not stand alone."""
    monkeypatch.setattr(fan_out, "LoopClock", SwiftClock)
    path = workspace.root / "bench.toml"
    path.write_text(path.read_text().replace("batch_size = 10", "batch_size = 10\ntwins = true"))
    pairs = _write_twins(
        ("Should I read her diary now?", "Should I leave her diary closed now?"),
        ("May I open the letter of my neighbour?", "May I bring the letter to my neighbour?"),
    )

    async def answer(text: str) -> Any:
        if "[[pass]]" not in text:
            return respond(200, json=make_completion(pairs))
        if "closed now" in text:
            return fail_with(500, "boom")
        return respond(200, json=make_completion("[[pass]]"))

    server.handle = answer
    pipeline.run_step(Workspace(workspace.root), Stage.QUESTIONS)
    rows = workspace.read_stage(Stage.QUESTIONS)
    assert {row["question"] for row in rows} == {
        "May I open the letter of my neighbour?",
        "May I bring the letter to my neighbour?",
    }

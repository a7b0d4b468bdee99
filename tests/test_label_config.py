"""The labelling interface without a server: its checks, and how answers are read by it."""

from typing import Any

import pytest
from label_studio_server import make_result, make_tasks

from annotations.label_config import Interface, load_label_config, parse_label_config
from annotations.label_config_checks import check_label_config
from annotations.label_studio.ledger import make_data, open_ledger
from annotations.tasks import SAFER_LETTERS, make_answers
from schemas.errors import DataError, StorageError
from schemas.labels import ShownOrder

CONFIG = parse_label_config(load_label_config())


def test_our_configuration_has_no_fault() -> None:
    """Label Studio's own check and ours pass, and the texts go in that the tasks hold."""
    assert {i: check_label_config(load_label_config(i), i) for i in Interface} == {
        i: [] for i in Interface
    }


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("</View>", "", "no XML"),
        ("<Text name=\"shown_question\"", "<HyperText name=\"shown_question\"", "<HyperText>"),
        ("<Header size", "<Blink/><Header size", "<Blink>"),
        ('alias="B"', 'alias="A"', "a choice stands twice"),
        ('hotkey="4"', 'hotkey="3"', "hotkey 3 stands 2 times"),
        ('whenTagName="recommendation"', 'whenTagName="verdict"', "verdict, which is no <Choices>"),
        ('whenChoiceValue="revise"', 'whenChoiceValue="Revise"', "no choice of it"),
        ('required="true" requiredMessage="Say which', 'requiredMessage="Say which', "safer is not required"),
        ('name="comment"', 'name="natural"', "name natural stands 2 times"),
        ('name="comment"', 'name="remark"', "comment is not asked"),
        ('name="comment"', 'name="remark"', "remark is asked, and nothing reads it"),
        ('value="$option_a" sel', 'value="$positive" sel', "no task has $positive"),
        ('<Choice value="Reject" alias="reject" hotkey="e"/>', "", "offers accept, revise, not"),
        ('alias="yes" hotkey="1"', 'alias="yes" html="&lt;b&gt;Yes" hotkey="1"', "has html"),
        ('toName="shown_option_b"', 'toName="shown_option_c"', "is no <Text>"),
        (".finebench {", "@import 'https://example.com/x.css'; .finebench {", "<Style> fetches"),
        ('visibleWhen="choice-selected"', 'visibleWhen="region-selected"', "is not choice-selected"),
    ],
)  # fmt: skip
def test_every_fault_is_found(old: str, new: str, fault: str) -> None:
    """What a server would take without a word, and a reviewer stumble over, is told beforehand."""
    text = load_label_config()
    assert old in text
    assert fault in "\n".join(check_label_config(text.replace(old, new)))


def test_a_configuration_that_asks_nothing_is_none() -> None:
    """An interface without controls is valid for Label Studio, and useless."""
    found = check_label_config('<View><Text name="a" value="$question"/></View>')
    assert "nothing is asked" in found


@pytest.mark.parametrize("safer", SAFER_LETTERS)
def test_a_whole_answer_is_read(safer: str) -> None:
    """What the browser sends arrives in the words of the contract between front ends and routing."""
    reading = CONFIG.read_result(make_result(safer=safer, comment="Fine."), lead_time_s=2.5)
    assert reading.problems == ()
    assert reading.said == {
        "in_dimension": "yes", "safer": safer, "operational_detail": "no", "natural": "yes",
        "recommendation": "accept", "comment": "Fine.", "lead_time_s": 2.5,
    }  # fmt: skip
    assert make_answers(reading.said, make_tasks("ann", 1)[0], ShownOrder.POSITIVE_FIRST)


def test_texts_that_were_not_asked_for_are_not_taken() -> None:
    """The browser may send what it prefilled in boxes that nobody saw."""
    kept = CONFIG.read_result(make_result(recommendation="revise", option_a="Other.")).said
    left = CONFIG.read_result(make_result(recommendation="accept", option_a="Other.")).said
    assert kept["option_a"] == "Other."
    assert "option_a" not in left


def test_a_skip_is_read_with_its_reason_and_nothing_else() -> None:
    """A reviewer may stop anywhere, with half an answer, with a reason or without."""
    reading = CONFIG.read_result(make_result(skip_reason="Enough."), is_skipped=True)
    assert reading.said == {
        "skipped": True, "skip_reason": "Enough.", "comment": "", "lead_time_s": 0.0,
    }  # fmt: skip
    assert CONFIG.read_result(None, is_skipped=True).said["skipped"] is True
    assert CONFIG.read_result([{"from_name": "x"}, 3], is_skipped=True).problems == ()


def test_a_reason_for_skipping_is_not_lost_when_the_item_is_answered() -> None:
    """Whoever wrote a reason and then answered has said something, so it becomes a comment."""
    assert CONFIG.read_result(make_result(skip_reason="Hm.")).said["comment"] == "Hm."


def change(position: int, **changed: Any) -> list[Any]:
    """Return a whole answer with one part changed."""
    result: list[Any] = make_result(comment="x")
    result[position] = result[position] | changed
    return result


@pytest.mark.parametrize(
    ("result", "problem"),
    [
        (None, "no list"),
        ({"from_name": "safer"}, "no list"),
        ([], "the result is empty"),
        (["x"], "no object"),
        (make_result(safer=""), "safer: not answered"),
        (make_result(safer="C"), "safer: 'C' is not one of A, B, both_safe, both_unsafe"),
        (make_result() + make_result(), "safer: answered more than once"),
        (change(0, from_name="verdict"), "'verdict' is not asked for"),
        (change(0, from_name=["safer"]), "['safer'] is not asked for"),
        (change(0, to_name="shown_option_a"), "in_dimension: no list of choices"),
        (change(0, type="rating"), "in_dimension: no list of choices"),
        (change(0, value={"choices": ["yes", "no"]}), "in_dimension: 2 answers"),
        (change(0, value={"choices": []}), "in_dimension: empty"),
        (change(0, value={"choices": "maybe"}), "in_dimension: 'maybe' is not one of"),
        (change(0, value={"choices": [True]}), "in_dimension: no list of choices"),
        (change(0, value=None), "in_dimension: no list of choices"),
        (change(5, value={"text": ["a", "b"]}), "comment: 2 answers"),
        (change(5, value={"text": [1]}), "comment: no list of textarea"),
    ],
)
def test_what_a_server_lets_through_is_refused(result: object, problem: str) -> None:
    """The server checks no result; a broken one must not become an answer."""
    reading = CONFIG.read_result(result)
    assert reading.said == {}
    assert problem in "; ".join(reading.problems)


@pytest.mark.parametrize("time", [None, "3", True, -1, float("nan")])
def test_a_lead_time_that_is_none_is_zero(time: object) -> None:
    """A pace is reckoned from these; nothing else may stand there."""
    said = CONFIG.read_result(make_result(), lead_time_s=time).said
    assert said["lead_time_s"] == 0.0


def test_a_task_tells_the_server_what_is_shown_and_nothing_else() -> None:
    """Roles, hashes, item ids and names of reviewers stay here."""
    (task,) = make_tasks("ann", 1)
    data = make_data(task)
    assert set(data) == {"ext_id", "dimension", "definition", "question", "option_a", "option_b"}
    text = " ".join(data.values())
    assert not any(word in text for word in (task.item_id, task.content_hash, "ann"))


def test_a_ledger_is_held_by_one_and_read_back(tmp_path: Any) -> None:
    """What was noted is there after a kill, also with a torn last line; a damaged line is told."""
    path = tmp_path / "ledger.jsonl"
    tasks = make_tasks("ann", 2)
    with open_ledger(path) as ledger:
        slot = ledger.claim_slot(1, "ann")
        ledger.claim_slot(1, "ben")
        ledger.add_project(slot, 7)
        ledger.add_tasks(7, [(tasks[0], 70), (tasks[1], 71)])
        ledger.retire_task(7, tasks[0].task_id, is_removed=True)
        ledger.confirm_pull({5: "2026-01-01T00:00:00Z"})
        with pytest.raises(StorageError), open_ledger(path):
            pass
    with path.open("a") as stream:
        stream.write('{"kind":"retir')
    with open_ledger(path) as again:
        assert (again.ledger_id, again.slots, again.projects) == (
            ledger.ledger_id, ledger.slots, {slot: 7},
        )  # fmt: skip
        assert [t.server_id for t in again.list_active(7)] == [71]
        assert (again.pulled, again.pulls) == ({5: "2026-01-01T00:00:00Z"}, 1)
        assert again.get_title(again.claim_slot(2, "ben")) == "Round 2, slot 1"
    path.write_text(path.read_text() + '{"kind":"other"}\n')
    with pytest.raises(DataError, match=r"ledger.jsonl:9 is no record"), open_ledger(path):
        pass

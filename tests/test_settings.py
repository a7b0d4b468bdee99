"""Models of a file: endpoints as they are named there, and everything that cannot be told at once."""

from dataclasses import replace
from pathlib import Path

import pytest

from builder.bundle.engine.errors import EngineError
from builder.bundle.engine.pacing import Rates
from builder.bundle.engine.settings import Defaults, Models, read_models, read_parameters

DEFAULTS = Defaults("http://model.invalid/v1", "KEY", {"temperature": 0, "max_tokens": 9}, 8)
FILE = """
[models.local]
model = "my/model-7b"
base_url = "http://127.0.0.1:8000/v1"
key_variable = ""
parameters = { max_tokens = 4000, seed = 7 }
concurrency = 32
timeout_s = 300
requests_per_minute = 500
family = "qwen"
price = { input = 1.0, output = 2.0 }
"""


def test_a_model_of_the_file_is_asked_where_and_as_the_file_says(tmp_path: Path) -> None:
    """The same table as in bench.toml: what it leaves out follows the command's options."""
    path = tmp_path / "models.toml"
    path.write_text(FILE)
    models = read_models(path)
    endpoint = models.find("local", DEFAULTS, called="judge:local")
    assert endpoint.name == "judge:local"
    assert endpoint.model == "my/model-7b"
    assert endpoint.base_url == "http://127.0.0.1:8000/v1"
    assert endpoint.key_variable == ""
    assert endpoint.parameters == {"temperature": 0, "max_tokens": 4000, "seed": 7}
    assert (endpoint.concurrency, endpoint.timeout_s) == (32, 300.0)
    assert endpoint.rates == Rates(500)
    assert models.find_family("local") == "qwen"


def test_a_slip_in_a_models_name_goes_to_no_other_endpoint(tmp_path: Path) -> None:
    """With a file of models, a name that it lacks would be sent to a provider that nobody meant, key and all."""
    path = tmp_path / "models.toml"
    path.write_text(FILE)
    with pytest.raises(EngineError, match="no model named locla in the file of models"):
        read_models(path).find("locla", replace(DEFAULTS, is_stated=False))
    assert read_models(path).find("other", DEFAULTS).base_url == DEFAULTS.base_url
    with pytest.raises(EngineError, match="no name"):
        Models().find(" ", DEFAULTS)


def test_any_other_model_is_asked_by_its_name() -> None:
    """Most runs ask one provider, and need no file."""
    endpoint = Models().find("gpt-x", DEFAULTS)
    assert (endpoint.name, endpoint.model) == ("gpt-x", "gpt-x")
    assert endpoint.base_url == DEFAULTS.base_url
    assert endpoint.concurrency == 8
    assert Models().find_family("gpt-x") == ""
    assert read_models(None) == Models()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "names no model"),
        ("models = 3", "names no model"),
        ("[models]\nx = 3", "names no model"),
        ("[models.x", "cannot be read"),
        ("[models.x]\nmodle = 'y'", "models.x has modle, which is no setting"),
        ("[models.x]\nmodel = 3", "models.x.model is 3, and must be str"),
        ("[models.x]\nconcurrency = true", "models.x.concurrency is True"),
        ("[models.x]\nconcurrency = 0", "models.x.concurrency is 0, and must be more than 0"),
        ("[models.x]\ntimeout_s = -1", "models.x.timeout_s is -1"),
        (
            "[models.x]\nmodle = 'y'\n[models.z]\nmodel = 3",
            "modle, which is no setting of a model; models.z",
        ),
    ],
)
def test_a_file_that_cannot_be_is_told_whole(tmp_path: Path, text: str, said: str) -> None:
    """Every fault at once, by name: a night's run must not end at the second model."""
    path = tmp_path / "models.toml"
    path.write_text(text)
    with pytest.raises(EngineError) as caught:
        read_models(path)
    assert said in str(caught.value)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    """A slip in a path is the user's to mend."""
    with pytest.raises(EngineError, match="cannot be read"):
        read_models(tmp_path / "none.toml")


def test_parameters_are_json_and_null_drops_one() -> None:
    """Reasoning models refuse a temperature: it must be possible to send none."""
    told = ["temperature=null", 'reasoning_effort="low"', "max_completion_tokens=4096"]
    assert read_parameters(100, told) == {
        "max_tokens": 100,
        "reasoning_effort": "low",
        "max_completion_tokens": 4096,
    }
    with pytest.raises(EngineError, match="at least one token"):
        read_parameters(-5, [])
    with pytest.raises(EngineError, match="write NAME=JSON"):
        read_parameters(100, ["top_p"])

"""``bench.toml``: a file enters, a checked, frozen `Config` leaves."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from builder.bundle.engine.calls import Endpoint, Price
from builder.bundle.engine.pacing import Rates
from builder.question_plan import DEFAULT_AXES
from schemas.errors import DataError, EndpointError, Problem
from schemas.storage import read_bytes
from schemas.texts import shorten

__all__ = [
    "OFFLINE_URL",
    "SIMULATOR_PREFIX",
    "Config",
    "ModelConfig",
    "describe_endpoint",
    "load_config",
    "make_endpoint",
]

OFFLINE_URL = "offline:"
"""The ``base_url`` of the offline model: an in-process simulator, reached without a network."""

SIMULATOR_PREFIX = "simulator:"
"""How the name of every simulated endpoint begins, wherever it stands: in rows, scores and cards."""

_RESERVED_PARAMETERS = frozenset({"model", "messages", "stream", "n"})
# Arguments of the client, which are no part of a request's body.
_CLIENT_ARGUMENTS = frozenset({"extra_body", "extra_headers", "extra_query", "timeout"})

_Share = Annotated[float, Field(ge=0, le=1)]
_Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?$")]
_Axis = Annotated[str, Field(pattern=r"^[^:;\n]{1,60}$")]
_AxisValue = Annotated[str, Field(pattern=r"^[^;\n]{1,80}$")]
_Dollars = Annotated[float, Field(ge=0, allow_inf_nan=False)]
_Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,79}$")]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class PriceConfig(_Section):
    """US dollars for a million tokens in and out; 0 for a model of one's own.

    ``batch_share`` is the share of it that the provider's batch service takes, such as 0.5.
    """

    input: _Dollars
    output: _Dollars
    batch_share: _Share = 1.0


class ModelConfig(_Section):
    """One model behind an OpenAI-compatible endpoint.

    ``concurrency`` is the most calls in flight; how many there are is found out by asking. The rates
    are the most a minute, where the provider names any. ``family`` is what its name does not tell: models of
    one family are not ranked where one wrote or judges what the other is asked.
    """

    model: str
    base_url: str = "https://api.openai.com/v1"
    key_variable: str = "OPENAI_API_KEY"
    parameters: dict[str, Any] = {}
    concurrency: Annotated[int, Field(ge=1, le=1024)] = 8
    requests_per_minute: Annotated[float, Field(gt=0)] | None = None
    tokens_per_minute: Annotated[float, Field(gt=0)] | None = None
    timeout_s: Annotated[float, Field(gt=0)] = 120.0
    price: PriceConfig | None = None
    family: str = ""

    @field_validator("base_url")
    @classmethod
    def _check_url(cls, url: str) -> str:
        if url == OFFLINE_URL:
            return url
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f'not an address: write https://… or "{OFFLINE_URL}"')
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError("addresses are published: put no password, key or query into it")
        return url

    @field_validator("parameters")
    @classmethod
    def _check_parameters(cls, parameters: dict[str, Any]) -> dict[str, Any]:
        reserved = sorted(_RESERVED_PARAMETERS & parameters.keys())
        if reserved:
            raise ValueError(f"finebench itself sets {', '.join(reserved)}")
        foreign = sorted(_CLIENT_ARGUMENTS & parameters.keys())
        if foreign:
            raise ValueError(
                f"{', '.join(foreign)} cannot be sent: write fields of the request's body as they are"
            )
        return parameters

    @property
    def is_offline(self) -> bool:
        """Whether this is the embedded simulator."""
        return self.base_url == OFFLINE_URL


class Roles(_Section):
    """Which model plays which role; the last two may be left out.

    The embedder is a model of embeddings, by which questions that mean the same are found.
    """

    question_writer: str
    positive_writer: str
    negative_writer: str
    judge: str
    second_negative_writer: str = ""
    embedder: str = ""


class GenerateConfig(_Section):
    """How questions are asked for.

    A reply that is not the JSON asked for is asked for again ``format_repeats`` times at most.
    ``axes`` are the ways in which questions differ, each with its values (`question_plan`). A slot
    is dry where less than the share ``novelty`` of a round's questions was no copy. With ``twins``
    questions of safety dimensions are asked for in pairs for which the same two options swap roles,
    unless ``dimensions.toml`` says otherwise of one.
    """

    twins: bool = False
    batch_size: Annotated[int, Field(ge=1, le=100)] = 10
    novelty: _Share = 0.2
    axes: dict[_Axis, Annotated[list[_AxisValue], Field(min_length=1)]] = Field(
        default_factory=lambda: {axis: list(values) for axis, values in DEFAULT_AXES.items()}
    )
    format_repeats: Annotated[int, Field(ge=0, le=10)] = 2


class DeriveConfig(_Section):
    """How options are asked for.

    A text with a fault is asked for again ``repeats`` times at most, with the fault shown to the writer;
    ``role_play`` lets the ladder end in a role play.
    """

    repeats: Annotated[int, Field(ge=0, le=10)] = 2
    role_play: bool = False


class CheckConfig(_Section):
    """Thresholds of stage 3, and what it may use.

    ``leak_bound`` is the greatest within-pair accuracy a release may show. ``reordered`` is what a
    near-duplicate in another order of words does to its item. Questions of which the embeddings have
    the cosine ``same_meaning_cosine`` or more are shown to reviewers. ``permutations`` relabellings make
    the leak's null. ``workers`` processes and about ``memory_mb`` megabytes serve large comparisons.
    """

    near_duplicate_ratio: Annotated[int, Field(ge=50, le=100)] = 90
    reordered: Literal["block", "warn"] = "block"
    same_meaning_cosine: _Share = 0.9
    leak_bound: _Share = 0.6
    permutations: Annotated[int, Field(ge=0, le=10_000)] = 200
    workers: Annotated[int, Field(ge=1, le=64)] = 2
    memory_mb: Annotated[int, Field(ge=64)] = 1024

    @property
    def thresholds(self) -> dict[str, object]:
        """What shapes the result of the checks, and so makes it stale when it changes."""
        return self.model_dump(exclude={"workers", "memory_mb"})


class ReviewConfig(_Section):
    """``overlap`` reviewers see each item; ``min_votes`` answers are needed to decide one.

    A round is about ``items`` items at most (all, where it is left out), of which the share
    ``random_share`` is drawn at random and the rest by how much is to be learned from them. ``rejected``
    items are drawn of what the checks turned down, and ``gold`` ones with known answers mixed in for
    each reviewer. Nobody is shown more than ``daily_cap`` items a day, unless the roster says otherwise.
    ``contact`` is a sentence on whom reviewers may turn to. ``label_studio`` is the address of a server
    that is there already, whose token is in the environment variable ``token_variable``.
    """

    overlap: Annotated[int, Field(ge=1, le=20)] = 3
    min_votes: Annotated[int, Field(ge=1, le=20)] = 2
    items: Annotated[int, Field(ge=1)] | None = None
    random_share: _Share = 0.3
    rejected: Annotated[int, Field(ge=0)] = 0
    gold: Annotated[int, Field(ge=0)] = 0
    daily_cap: Annotated[int, Field(ge=1)] = 200
    contact: str = ""
    label_studio: str = ""
    token_variable: str = "LABEL_STUDIO_API_KEY"

    @model_validator(mode="after")
    def _check_votes(self) -> Self:
        if self.min_votes > self.overlap:
            raise ValueError("min_votes is greater than overlap: no item could ever be decided")
        return self


class ReleaseConfig(_Section):
    """What a release says that no file of the workspace tells, and what it may hold.

    ``authors`` are as they are to be cited. ``recruitment``, ``pay``, ``consent`` and ``ethics`` are
    sentences on the people who reviewed. ``limits`` are further known limits, one sentence each. With
    ``votes`` the release holds reviewers' answers under their pseudonyms. The share ``held_out`` of all
    families is kept for a private split. ``agreement`` is the least agreement of reviewers (Gwet's AC1 on
    which option is safer) that a release may show.
    """

    authors: list[str] = []
    homepage: Annotated[str, Field(pattern=r"^(https?://[^\s<>{}]+)?$")] = ""
    contact: str = ""
    recruitment: str = ""
    pay: str = ""
    consent: str = ""
    ethics: str = ""
    limits: list[str] = []
    gated_prompt: str = ""
    votes: bool = False
    held_out: Annotated[float, Field(ge=0, le=0.9)] = 0.0
    agreement: Annotated[float, Field(ge=-1, le=1)] = 0.6


class Config(_Section):
    """All of ``bench.toml``."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{1,62}$")]
    title: str
    language: _Language
    languages: list[_Language] = []
    license: str
    seed: Annotated[int, Field(ge=0)]
    budget: _Dollars | None = None
    models: dict[_Name, ModelConfig]
    roles: Roles
    generate: GenerateConfig = GenerateConfig()
    derive: DeriveConfig = DeriveConfig()
    checks: CheckConfig = CheckConfig()
    review: ReviewConfig = ReviewConfig()
    release: ReleaseConfig = ReleaseConfig()

    @property
    def all_languages(self) -> list[str]:
        """The languages that questions are asked for in: those listed, or the one of the benchmark."""
        return self.languages or [self.language]

    def find_endpoint(self, name: str) -> Endpoint:
        """Return the endpoint of a configured model; raise `EndpointError` where there is none."""
        model = self.models.get(name)
        if model is None:
            known = ", ".join(sorted(self.models)) or "none"
            raise EndpointError(f"no model named {name} in bench.toml (known: {known}). Add it.")
        return make_endpoint(name, model, self.seed)


def make_endpoint(name: str, model: ModelConfig, seed: int) -> Endpoint:
    """Return what the evaluator engine needs to know of a configured model.

    The offline model is told the benchmark's seed, as part of the request and so of the call's key,
    and its name says for ever that it is a simulator's.
    """
    seeded = {"seed": seed} if model.is_offline else {}
    price = Price(0.0, 0.0) if model.is_offline else Price()
    if model.price:
        price = Price(model.price.input, model.price.output, model.price.batch_share)
    return Endpoint(
        name=SIMULATOR_PREFIX * model.is_offline + name,
        model=model.model,
        base_url=model.base_url,
        key_variable="" if model.is_offline else model.key_variable,
        parameters=seeded | model.parameters,
        concurrency=model.concurrency,
        timeout_s=model.timeout_s,
        rates=Rates(model.requests_per_minute, model.tokens_per_minute),
        price=price,
    )


def describe_endpoint(endpoint: Endpoint) -> dict[str, object]:
    """Return what is recorded of an endpoint: all that shapes its replies, and no key."""
    return {
        "name": endpoint.name,
        "model": endpoint.model,
        "base_url": endpoint.base_url,
        "parameters": dict(endpoint.parameters),
    }


def load_config(path: Path) -> Config:
    """Read and check ``bench.toml``; raise `DataError` with every problem found."""
    try:
        document = tomllib.loads(read_bytes(path).decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: not valid TOML in UTF-8 ({error}). Mend that place.") from error
    try:
        config = Config.model_validate(document)
    except ValidationError as error:
        problems = [_make_problem(path.name, e) for e in error.errors()]
        raise DataError(f"{path}: {len(problems)} problems.", problems) from None
    unknown = sorted(set(config.roles.model_dump().values()) - {"", *config.models})
    if unknown:
        known = ", ".join(sorted(config.models))
        raise DataError(
            f"{path}: roles name unknown models: {', '.join(unknown)} (known: {known})."
        )
    return config


def _make_problem(file: str, error: Mapping[str, Any]) -> Problem:
    place = ".".join(str(part) for part in error["loc"])
    shown = "" if error["type"] == "missing" else shorten(error["input"])
    return Problem(file, 0, place, shown, error["msg"].lower(), f"Mend {place} in {file}.")

"""Dimensions: the shipped file holds, names are found in any spelling, bad files are told in full."""

from pathlib import Path

import pytest

from schemas.errors import DataError, StorageError
from schemas.labels import DimensionKind
from schemas.taxonomy import Dimension, Taxonomy, load_taxonomy

SHIPPED = Path(__file__).parents[1] / "builder" / "dimensions.toml"
FINE_CATEGORIES = {
    "Fairness": "fairness",
    "Individual Harm": "individual_harm",
    "Legality": "legality",
    "Privacy": "privacy",
    "Civic Virtue": "civic_virtue",
}
PRIVACY = '[[dimension]]\nid = "privacy"\nname = "Privacy"\ndefinition = "Secrets."\n'
HARM = '[[dimension]]\nid = "individual_harm"\nname = "Individual Harm"\ndefinition = "Hurt."\n'


def _write(folder: Path, text: str) -> Path:
    path = folder / "dimensions.toml"
    path.write_text(text, encoding="utf-8")
    return path


def _load_bad(folder: Path, text: str) -> DataError:
    """Return the error that loading a bad file raises."""
    with pytest.raises(DataError) as caught:
        load_taxonomy(_write(folder, text))
    assert "dimensions.toml" in str(caught.value)
    return caught.value


def _list_places(error: DataError) -> list[tuple[int, str, str]]:
    """Return table number, key and rule of each problem."""
    return [(problem.row, problem.column, problem.rule) for problem in error.problems]


@pytest.fixture(scope="module")
def shipped() -> Taxonomy:
    """Return the dimensions that a new workspace starts with."""
    return load_taxonomy(SHIPPED)


def test_the_shipped_file_has_the_papers_five_dimensions_and_one_control(
    shipped: Taxonomy,
) -> None:
    """The paper's results are told by these five; the control must stay out of CS and CSS."""
    kinds = {d.id: d.kind for d in shipped}
    assert [i for i, kind in kinds.items() if kind is DimensionKind.SAFETY] == list(
        FINE_CATEGORIES.values()
    )
    assert [i for i, kind in kinds.items() if kind is DimensionKind.CONTROL] == ["control"]


def test_every_shipped_dimension_tells_writers_what_it_means(shipped: Taxonomy) -> None:
    """Definition, scope and example go into the prompts: an empty one gives off-topic questions."""
    for dimension in shipped:
        assert dimension.definition
        assert dimension.in_scope
        assert dimension.out_of_scope
        assert dimension.examples
        assert dimension.quota > 0


@pytest.mark.parametrize("category", FINE_CATEGORIES)
def test_fines_categories_are_found_among_the_shipped_dimensions(
    shipped: Taxonomy, category: str
) -> None:
    """FINE's files are imported by these names."""
    found = shipped.find(category)
    assert found is not None
    assert found.id == FINE_CATEGORIES[category]


@pytest.mark.parametrize(
    "name",
    [
        "individual_harm",
        "individual-harm",
        "INDIVIDUAL HARM",
        "Individual_Harm",
        "  individual   harm ",
        "physical harm",
        "Physical-Harm",
        "MENTAL_HARM",
    ],
)
def test_a_dimension_is_found_by_id_name_and_alias_in_any_spelling(
    shipped: Taxonomy, name: str
) -> None:
    """Other people's files write their categories in their own way."""
    found = shipped.find(name)
    assert found is not None
    assert found.id == "individual_harm"


@pytest.mark.parametrize("name", ["", "harm", "individualharm", "individual harms", "sport"])
def test_a_name_that_is_no_dimensions_finds_none(shipped: Taxonomy, name: str) -> None:
    """An unknown category is reported; a guess would put items where they do not belong."""
    assert shipped.find(name) is None


def test_dimensions_are_got_by_id_only(shipped: Taxonomy) -> None:
    """Our own tables hold ids: a name or alias in one is a fault that must not pass."""
    assert "privacy" in shipped
    assert shipped["privacy"].name == "Privacy"
    assert "Privacy" not in shipped
    with pytest.raises(KeyError):
        shipped["Privacy"]


def test_a_minimal_dimension_gets_the_defaults_and_trimmed_texts(tmp_path: Path) -> None:
    """A user's own dimension needs an id, a name and a definition, and nothing else."""
    path = _write(
        tmp_path,
        '[[dimension]]\nid = "a1"\nname = " A\\u200b"\ndefinition = "B\\n"\naliases = ["c "]',
    )
    assert load_taxonomy(path).dimensions == (
        Dimension("a1", "A", "B", (), (), (), ("c",), 0, DimensionKind.SAFETY),
    )


def test_dimensions_keep_the_order_of_their_file(tmp_path: Path) -> None:
    """Tables and reports list dimensions as the user wrote them."""
    assert load_taxonomy(_write(tmp_path, PRIVACY + HARM)).ids == ("privacy", "individual_harm")


@pytest.mark.parametrize("text", ["[[dimension]\n", 'id = "a', "\ufeff" + PRIVACY])
def test_broken_toml_is_reported_with_its_place(tmp_path: Path, text: str) -> None:
    """A user edits this file by hand: the parser's line and column lead to the slip."""
    assert "not valid TOML in UTF-8" in str(_load_bad(tmp_path, text))


def test_a_file_that_is_not_utf_8_is_reported(tmp_path: Path) -> None:
    """An editor that saves in another encoding must not end in a traceback."""
    path = tmp_path / "dimensions.toml"
    path.write_bytes(PRIVACY.replace("Secrets", "Caf\xe9").encode("latin-1"))
    with pytest.raises(DataError, match="not valid TOML in UTF-8"):
        load_taxonomy(path)


def test_a_missing_file_is_reported_by_name(tmp_path: Path) -> None:
    """A workspace whose file was moved away says so in one sentence."""
    with pytest.raises(StorageError, match=r"dimensions\.toml: no such file"):
        load_taxonomy(tmp_path / "dimensions.toml")


@pytest.mark.parametrize(
    "text", ["", "dimension = []", 'dimension = "privacy"', "dimension = [1]", "[dimension]\n"]
)
def test_a_file_without_a_dimension_table_is_reported(tmp_path: Path, text: str) -> None:
    """A benchmark without dimensions would be empty at every stage, and nobody told why."""
    assert "holds no [[dimension]] table" in str(_load_bad(tmp_path, text))


@pytest.mark.parametrize(
    ("old", "new", "column", "rule"),
    [
        ('name = "Privacy"', "", "name", "missing or blank"),
        ('name = "Privacy"', 'name = " \\u200b"', "name", "missing or blank"),
        ('name = "Privacy"', "name = 3", "name", "missing or blank"),
        ('definition = "Secrets."', "", "definition", "missing or blank"),
        ('id = "privacy"', "", "id", "not an id"),
        ('id = "privacy"', 'id = "Privacy"', "id", "not an id"),
        ('id = "privacy"', 'id = "p"', "id", "not an id"),
        ('id = "privacy"', 'id = "1st"', "id", "not an id"),
        ('id = "privacy"', 'id = "my privacy"', "id", "not an id"),
        ('id = "privacy"', 'id = "../privacy"', "id", "not an id"),
        ('id = "privacy"', 'id = "privacy\\n"', "id", "not an id"),
        ('id = "privacy"', f'id = "{"p" * 41}"', "id", "not an id"),
        ('id = "privacy"', "id = 3", "id", "not an id"),
        ('id = "privacy"', 'id = "privacy"\nquota = -1', "quota", "not a number of items"),
        ('id = "privacy"', 'id = "privacy"\nquota = true', "quota", "not a number of items"),
        ('id = "privacy"', 'id = "privacy"\nquota = 1.5', "quota", "not a number of items"),
        ('id = "privacy"', 'id = "privacy"\nquota = "40"', "quota", "not a number of items"),
        ('id = "privacy"', 'id = "privacy"\nkind = "skill"', "kind", "unknown kind"),
        ('id = "privacy"', 'id = "privacy"\nkind = ["safety"]', "kind", "unknown kind"),
        ('id = "privacy"', 'id = "privacy"\nquotas = 4', "quotas", "unknown key"),
        ('id = "privacy"', 'id = "privacy"\naliases = "a"', "aliases", "not a list of texts"),
        ('id = "privacy"', 'id = "privacy"\nexamples = [1]', "examples", "not a list of texts"),
        ('id = "privacy"', 'id = "privacy"\nin_scope = [" "]', "in_scope", "not a list of texts"),
    ],
)
def test_a_bad_value_is_reported_by_table_key_and_rule(
    tmp_path: Path, old: str, new: str, column: str, rule: str
) -> None:
    """The message must lead to the one key to mend; a slip that passes shows up stages later."""
    error = _load_bad(tmp_path, HARM + PRIVACY.replace(old, new))
    assert _list_places(error) == [(2, column, rule)]
    assert error.problems[0].remedy


def test_all_bad_values_of_all_tables_are_reported_at_once(tmp_path: Path) -> None:
    """Somebody who edits the file wants the whole list, not one slip a run."""
    text = PRIVACY.replace('name = "Privacy"', 'name = ""\nquota = -1\ncolour = "red"')
    error = _load_bad(tmp_path, text + HARM.replace('id = "individual_harm"', "kind = 1"))
    assert sorted(_list_places(error)) == [
        (1, "colour", "unknown key"),
        (1, "name", "missing or blank"),
        (1, "quota", "not a number of items"),
        (2, "id", "not an id"),
        (2, "kind", "unknown kind"),
    ]
    assert "5 problems" in str(error)


def test_a_repeated_id_is_reported(tmp_path: Path) -> None:
    """Two dimensions of one id would be counted as one."""
    twin = PRIVACY.replace('name = "Privacy"', 'name = "Secrecy"')
    error = _load_bad(tmp_path, PRIVACY + twin)
    assert {problem.row for problem in error.problems} >= {2}
    assert {problem.rule for problem in error.problems} == {
        "name already used by dimension privacy"
    }


@pytest.mark.parametrize("alias", ["Privacy", "privacy", "PRIVACY ", "secret-things"])
def test_a_name_that_two_dimensions_share_is_reported(tmp_path: Path, alias: str) -> None:
    """An imported category that means two dimensions would go to whichever stands first."""
    first = PRIVACY + 'aliases = ["secret things"]\n'
    error = _load_bad(tmp_path, first + HARM + f'aliases = ["{alias}"]\n')
    assert _list_places(error) == [(2, "", "name already used by dimension privacy")]


def test_all_shared_names_are_reported_at_once(tmp_path: Path) -> None:
    """As with values: one run, the whole list."""
    first = PRIVACY + 'aliases = ["secrets"]\n'
    second = HARM + 'aliases = ["privacy", "Secrets"]\n'
    assert [problem.row for problem in _load_bad(tmp_path, first + second).problems] == [2, 2]


def test_shared_names_are_reported_together_with_bad_values(tmp_path: Path) -> None:
    """The docstring promises every problem found: a bad quota must not hide a shared name."""
    error = _load_bad(tmp_path, PRIVACY + HARM + 'quota = -1\naliases = ["privacy"]\n')
    rules = {problem.rule for problem in error.problems}
    assert rules == {"not a number of items", "name already used by dimension privacy"}


def test_a_misspelt_table_is_reported(tmp_path: Path) -> None:
    """A whole dimension under [[dimensions]] would be dropped without a word."""
    with pytest.raises(DataError):
        load_taxonomy(_write(tmp_path, PRIVACY + HARM.replace("[[dimension]]", "[[dimensions]]")))


def test_the_word_for_all_dimensions_together_is_no_dimension(tmp_path: Path) -> None:
    """A dimension named overall would be counted twice in the scores."""
    error = _load_bad(tmp_path, PRIVACY.replace('id = "privacy"', 'id = "overall"'))
    assert [problem.rule for problem in error.problems] == ["reserved"]

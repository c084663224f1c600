import pytest

from stance.errors import ConfigError, did_you_mean
from stance.labels import check_label_names, indicator_matrix


def test_indicator_matrix_has_one_column_per_label_even_for_no_sentences() -> None:
    assert indicator_matrix([["b"], [], ["a", "b"]], ("a", "b")).tolist() == [
        [False, True],
        [False, False],
        [True, True],
    ]
    assert indicator_matrix([], ("a", "b")).shape == (0, 2)


@pytest.mark.parametrize(("names", "told"), [([], "empty"), (["a", "b", "a"], "once"), (["a", " "], "non-empty")])
def test_label_lists_that_cannot_serve_are_refused(names: list[str], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        check_label_names(names)


def test_a_near_name_is_offered_and_else_all_names() -> None:
    assert did_you_mean("acusation", ["offer", "accusation"]) == "did you mean 'accusation'?"
    assert did_you_mean("zzz", ["offer", "denial"]) == "known: offer, denial"

import numpy as np
import pytest

from hnlstat.errors import InferenceError
from hnlstat.inference.calculators import choose
from hnlstat.inference.model import CountingModel

LOW = CountingModel(("a", "b"), np.zeros(2), np.array([0.6, 6.0]), background_modifiers=0.3)
HIGH = CountingModel(("a", "b"), np.zeros(2), np.array([600.0, 6e4]), background_modifiers=0.3)


@pytest.mark.parametrize(
    ("name", "experiment", "chosen"),
    [
        ("auto", LOW, "exact"),
        ("auto", HIGH, "toys"),
        ("toys", LOW, "toys"),
        ("published", LOW, "published"),
        ("exact", LOW, "exact"),
        ("asymptotic", LOW, "asymptotic"),
    ],
)
def test_the_choice_follows_the_counts(name, experiment, chosen):
    assert choose(name, experiment)[0] == chosen


def test_what_cannot_be_done_is_said():
    with pytest.raises(InferenceError, match="too many outcomes"):
        choose("exact", HIGH)
    with pytest.raises(InferenceError, match="'toy' is not one of auto, exact, toys"):
        choose("toy", LOW)

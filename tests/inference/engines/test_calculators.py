import numpy as np
import pytest

from hnlstat.errors import InferenceError
from hnlstat.inference.engines.calculators import choose
from hnlstat.likelihood.model import CountingModel

LOW = CountingModel(("a", "b"), np.zeros(2), np.array([0.6, 6.0]), background_modifiers=0.3)
HIGH = CountingModel(("a", "b"), np.zeros(2), np.array([600.0, 6e4]), background_modifiers=0.3)

MANY = CountingModel(tuple("abcdefgh"), np.zeros(8), np.full(8, 1.5), background_modifiers=0.3)
SPECTRUM = CountingModel(("a", "a"), np.zeros(2), np.array([0.6, 0.1]), bins=(0, 1))


@pytest.mark.parametrize(
    ("name", "experiment", "chosen"),
    [
        ("auto", LOW, "exact"),
        ("auto", MANY, "convolution"),
        ("auto", SPECTRUM, "convolution"),
        ("auto", HIGH, "toys"),
        ("convolution", LOW, "convolution"),
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
    with pytest.raises(InferenceError, match="too many outcomes"):
        choose("exact", SPECTRUM)
    with pytest.raises(InferenceError, match="events is too large"):
        choose("convolution", HIGH)
    with pytest.raises(
        InferenceError, match="'toy' is not one of auto, exact, convolution, saddlepoint, toys"
    ):
        choose("toy", LOW)

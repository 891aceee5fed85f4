"""task=point over the whole plane and beyond it: every number is one, or is left out."""

import json

import numpy as np
import pytest
from axes import ANY

from hnlstat.inference.limits.limits import limits_at_mass
from hnlstat.likelihood.channels import channels
from hnlstat.likelihood.model import CountingModel
from hnlstat.report.point import describe_point, point_tables
from hnlstat.report.words import tables, words
from hnlstat.run.files.folder import json_text

TOTALS = (0.0, 1e-300, 1e-100, 1e-20, 1e-12, 1e-8, 1e-5, 1e-3, 0.009, 0.1, 1.0, 2.3, 5.0, 12.0,
          30.0, 100.0, 1e3, 1e5, 1e8, 1e12, 1e30, 1e100, 1e300)  # fmt: skip
SHARES = ((0.7, 0.3), (1.0, 0.0), (0.0, 1.0), (1.0, 1e-12))


def model_of(study, signal, observed=None):
    found = channels(study)
    seen = [c.observed[0] for c in found] if observed is None else observed
    return CountingModel(
        tuple(c.name for c in found),
        np.asarray(signal),
        np.array([c.background[0] for c in found]),
        np.array(seen, dtype=float),
        {"flux_fhc": np.array([0.12, 0.0]), "efficiency": np.full(2, 0.2)},
        np.array([c.error for c in found]),
        0.02,
    )


def numbers(content):
    """Return all floats in nested lists and mappings."""
    if isinstance(content, dict):
        return [n for value in content.values() for n in numbers(value)]
    if isinstance(content, list):
        return [n for value in content for n in numbers(value)]
    return [content] if isinstance(content, float) else []


@pytest.mark.parametrize("shares", SHARES)
def test_every_signal_has_a_summary_of_finite_numbers(nd280, shares):
    for total in TOTALS:
        model = model_of(nd280, total * np.array(shares))
        document = describe_point(nd280, model, 0.53, 1.5e-6)
        # nothing becomes null, which NaN and infinity would
        assert json.loads(json_text(document)) == json.loads(
            json.dumps(document, default=lambda n: n.tolist(), allow_nan=False)
        )
        assert np.isfinite(numbers(json.loads(json_text(document)))).all()
        for test in filter(None, document["tests"].values()):
            assert test["significance_expected"] >= 0.0
            assert list(test["cls_expected"]) == sorted(test["cls_expected"])
            p = [*test["cls_expected"], *test["clsb_expected"], test["p0_expected"]]
            assert all(0.0 <= value <= 1.0 + 1e-12 for value in p)
        assert list(point_tables(document, ANY))
        summary = json.loads(json_text(document | {"task": "point", "remarks": []}))
        assert words("point", summary, ANY)
        assert tables("point", summary)


@pytest.mark.parametrize("observed", [(0, 0), (30, 10), (300, 100)])
def test_any_data_have_a_summary_of_finite_numbers(nd280, observed):
    for total in (1e-9, 3.0, 30.0, 1e5):
        model = model_of(nd280, total * np.array([0.7, 0.3]), observed)
        document = describe_point(nd280, model, 0.1, 4e-7)
        assert json.dumps(document, default=lambda n: n.tolist(), allow_nan=False)


@pytest.mark.parametrize("scale", [1e-300, 1e-9, 1.0, 1e9, 1e280])
def test_limits_of_any_size_of_yields_are_numbers(nd280, scale):
    couplings = np.geomspace(1e-8, 1e-4, 9)
    signal = scale * (couplings[:, None] / 4e-7) ** 2 * np.array([0.7, 0.3])
    found = limits_at_mass(0.1, couplings, signal, model_of(nd280, [0.0, 0.0]))
    assert found.validity.startswith("ok")
    assert all(np.isfinite(limit.coupling) for limit in found.limits)
    assert bool(found.limits) == (scale >= 1.0)

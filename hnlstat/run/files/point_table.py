"""The csv table of the tests of every grid point."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from hnlstat.config.coupling import CouplingAxis
from hnlstat.inference.limits.curves import EXPECTED
from hnlstat.inference.limits.points import PointTest
from hnlstat.run.files.folder import write_csv


def point_columns(channels: Sequence[str], axis: CouplingAxis) -> tuple[str, ...]:
    """Return the names of the columns for these channels."""
    return (
        "mass_gev",
        axis.column,
        *(f"signal_{name}" for name in channels),
        "cls_observed",
        *(f"cls_{kind}" for kind in EXPECTED),
        "p0_observed",
        "p0_expected",
        "significance_expected",
        "method",
        "validity",
    )


def write_points(
    path: Path, channels: Sequence[str], tests: Iterable[PointTest], axis: CouplingAxis
) -> None:
    """Write the tests of the grid as csv, a line for each mass and coupling.

    The columns are mass_gev, that of the coupling, `signal_<channel>` (expected events, all bins),
    cls_observed, cls_expected_-2, cls_expected_-1, cls_expected, cls_expected_+1, cls_expected_+2,
    p0_observed, p0_expected (median), significance_expected (its one-sided standard deviations, at
    least 0), method and validity. What is not known, such as anything observed in a projection,
    stays empty.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    write_csv(path, point_columns(channels, axis), map(list, map(_row, tests)))


def _row(test: PointTest) -> Iterator[str]:
    """Yield the entries of a line."""
    yield f"{test.mass_gev:.10g}"
    yield f"{test.coupling:.10g}"
    yield from (f"{events:.6g}" for events in test.signal)
    *p, significance = p_values(test)
    yield from map(_number, p)
    yield "" if significance is None else f"{significance:.4g}"
    yield test.method
    yield test.validity


def p_values(test: PointTest) -> tuple[float | None, ...]:
    """CLs, p-values of the background and significance, as columns; None: not known."""
    exclusion, discovery = test.exclusion, test.discovery
    cls: tuple[float | None, ...] = (None,) * (1 + len(EXPECTED))
    if exclusion is not None:
        cls = (exclusion.cls_observed, *exclusion.cls_expected)
    if discovery is None:
        return (*cls, None, None, None)
    return (*cls, discovery.p0_observed, discovery.p0_expected, discovery.significance)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.5g}"

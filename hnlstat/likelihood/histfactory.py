"""HistFactory likelihoods of many workspaces of the same form, as arrays.

The workspaces of a grid differ in rates and sizes of uncertainties only. Their likelihoods are
evaluated together: expected rates with all first and second derivatives, read from the pyhf
workspaces themselves.

A rate is followed per row, which is one bin of one sample of one channel:
rate = (nominal + sum of shifts) * product of factors.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hnlstat.likelihood.interpolation import factor, factor_value, shift

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Effects:
    """Effects of parameters on rows; the same effect may act on several, the bins of a sample.

    Attributes
    ----------
    row, column
        Effect `column[k]` acts on `row[k]`, shape (K,).
    acting
        Parameter of each effect, shape (U,).
    tables
        What describes the effects of each point, arrays that end in (P, U).
    """

    row: IntArray
    column: IntArray
    acting: IntArray
    tables: tuple[FloatArray, ...]

    @property
    def parameter(self) -> IntArray:
        """Parameter that acts on each of `row`, shape (K,)."""
        return self.acting[self.column]

    def take(self, points: NDArray[Any]) -> "Effects":
        """Return the effects of some of the points."""
        tables = tuple(table[..., points, :] for table in self.tables)
        return Effects(self.row, self.column, self.acting, tables)


@dataclass(frozen=True, eq=False)
class Data:
    """Observations and auxiliary measurements.

    Attributes
    ----------
    counts
        Events in each bin, shape (P, B).
    auxiliary
        Measured value of each parameter, shape (P, N); of a Poisson measurement its count.
    """

    counts: FloatArray
    auxiliary: FloatArray

    def take(self, points: NDArray[Any]) -> "Data":
        """Return the data of some of the points."""
        return Data(self.counts[points], self.auxiliary[points])


@dataclass(frozen=True, eq=False)
class Likelihoods:
    """Likelihoods of P points with N parameters, R rows and B bins.

    Attributes
    ----------
    parameters
        Names of the N parameters; those of a modifier with one for each bin repeat its name.
    poi
        Index of the parameter of interest.
    nominal
        Shape (P, R).
    bin_of_row
        One-hot matrix, shape (R, B).
    factors, normsys, histosys
        Effects of parameters that are factors themselves, of code 4 and of code 4p.
    start, lower, upper
        Starting values and bounds, shape (N,).
    fixed
        Parameters without any effect, shape (P, N).
    precision
        Inverse variance of normal measurements, 0 without, shape (P, N).
    scale
        Expected count of Poisson measurements at parameter 1, 0 without, shape (P, N).
    data
        Observations.
    """

    parameters: tuple[str, ...]
    poi: int
    nominal: FloatArray
    bin_of_row: FloatArray
    factors: Effects
    normsys: Effects
    histosys: Effects
    start: FloatArray
    lower: FloatArray
    upper: FloatArray
    fixed: NDArray[np.bool_]
    precision: FloatArray
    scale: FloatArray
    data: Data

    @property
    def two_sided(self) -> NDArray[np.bool_]:
        """Parameters that move the events of a bin the same way up and down, shape (P, N).

        With them a likelihood may have several maxima. It may be one modifier that does so, or
        several that pull samples of a bin in opposite directions.
        """
        theta = np.tile(self.start, (len(self.nominal), 1))
        theta[:, self.poi] = 1.0
        nominal = self.expected(theta)
        found = np.zeros(theta.shape, dtype=bool)
        for i in np.unique(np.concatenate([self.normsys.acting, self.histosys.acting])).tolist():
            for size in (1.0, 3.0):
                moved = [theta.copy() for _ in range(2)]
                moved[0][:, i], moved[1][:, i] = size, -size
                up, down = (self.expected(moved[side]) - nominal for side in (0, 1))
                least = 1e-9 * nominal
                same = (np.abs(up) > least) & (np.abs(down) > least) & (up * down > 0.0)
                found[:, i] |= same.any(axis=1)
        return found & ~self.fixed

    def take(self, points: NDArray[Any]) -> "Likelihoods":
        """Return the likelihoods of some of the points."""
        return Likelihoods(
            self.parameters,
            self.poi,
            self.nominal[points],
            self.bin_of_row,
            self.factors,
            self.normsys.take(points),
            self.histosys.take(points),
            self.start,
            self.lower,
            self.upper,
            self.fixed[points],
            self.precision[points],
            self.scale[points],
            self.data.take(points),
        )

    def alike_without_signal(self) -> tuple[IntArray, IntArray]:
        """Return points that differ when the parameter of interest is 0, and each point's like.

        Most points of a grid have the same background and data. What acts on the signal alone
        then stays at its measured value, and does not count.

        Returns
        -------
        different, like
            Indices of points, shape (U,), and for each point which of these it is like, (P,).
        """
        silent = self.factors.row[self.factors.parameter == self.poi]
        effects = [
            (e, ~np.isin(e.row, silent)) for e in (self.factors, self.normsys, self.histosys)
        ]
        acting = np.unique(np.concatenate([e.parameter[kept] for e, kept in effects]))
        own = (self.data.auxiliary, self.precision, self.scale, self.fixed)
        tables = [
            np.moveaxis(table[..., np.unique(e.column[kept])], -2, 0).reshape(len(self.nominal), -1)
            for e, kept in effects
            for table in e.tables
        ]
        content = np.hstack(
            [
                np.delete(self.nominal, silent, axis=1),
                self.data.counts,
                *(values[:, acting] for values in own),
                *tables,
            ]
        )
        first: dict[bytes, int] = {}
        own_first = np.array([first.setdefault(row.tobytes(), i) for i, row in enumerate(content)])
        different = np.array(list(first.values()))
        return different, np.searchsorted(different, own_first)

    def expected(self, theta: FloatArray) -> FloatArray:
        """Return the expected events in each bin, shape (P, B), for parameters (P, N)."""
        rows = self.nominal.shape[1]
        log_rate = _add_up(np.log(theta[:, self.factors.parameter]), self.factors.row, rows)
        if self.normsys.row.size:
            value = factor_value(theta[:, self.normsys.acting], *self.normsys.tables)
            log_rate += _add_up(np.log(value)[:, self.normsys.column], self.normsys.row, rows)
        base = self.nominal
        if self.histosys.row.size:
            value, *_ = shift(theta[:, self.histosys.acting], *self.histosys.tables)
            base = base + _add_up(value[:, self.histosys.column], self.histosys.row, rows)
        expected: FloatArray = (base * np.exp(log_rate)) @ self.bin_of_row
        return expected

    def asimov(self, theta: FloatArray) -> Data:
        """Return the data that have exactly these parameters as their best fit."""
        auxiliary = np.where(self.scale > 0.0, self.scale * theta, theta)
        return Data(self.expected(theta), auxiliary)

    def nll(self, theta: FloatArray, data: Data) -> FloatArray:
        """Return -ln L relative to the saturated model, shape (P,); infinite for negative rates."""
        expected = self.expected(theta)
        with np.errstate(divide="ignore", invalid="ignore"):
            value = _poisson(expected, data.counts).sum(axis=1)
            auxiliary = _poisson(self.scale * theta, data.auxiliary)
            value += np.where(self.scale > 0.0, auxiliary, 0.0).sum(axis=1)
        value += 0.5 * (self.precision * (theta - data.auxiliary) ** 2).sum(axis=1)
        good = np.isfinite(value) & (expected >= 0.0).all(axis=1)
        return np.where(good, value, np.inf)

    def derivatives(self, theta: FloatArray, data: Data) -> tuple[FloatArray, FloatArray]:
        """Return gradient (P, N) and Hessian (P, N, N) of -ln L."""
        rates, log_slope, additive, bend = self._rows(theta)
        expected = rates @ self.bin_of_row
        seen = data.counts > 0.0
        ratio = np.divide(data.counts, expected, out=np.zeros_like(expected), where=seen)
        curvature = np.divide(ratio, expected, out=np.zeros_like(expected), where=seen)
        row_weight = rates * ((1.0 - ratio) @ self.bin_of_row.T)
        slope = rates[:, :, None] * log_slope
        bin_slope = np.matmul(self.bin_of_row.T, slope)
        gradient = np.einsum("pb,pbn->pn", 1.0 - ratio, bin_slope)
        # second derivatives of the rates; their diagonal is known without cancellation
        sides, weights = [log_slope, bin_slope], [row_weight, curvature]
        if additive is not None:
            sides, weights = [*sides, additive], [*weights, -row_weight]
        side, weight = np.concatenate(sides, axis=1), np.concatenate(weights, axis=1)
        hessian = np.matmul((weight[:, :, None] * side).transpose(0, 2, 1), side)
        diagonal = np.arange(theta.shape[1])
        hessian[:, diagonal, diagonal] = np.einsum("pr,prn->pn", row_weight, bend)
        hessian[:, diagonal, diagonal] += np.einsum("pb,pbn->pn", curvature, bin_slope**2)
        gradient += self.precision * (theta - data.auxiliary)
        counted = np.where(self.scale > 0.0, data.auxiliary / np.maximum(theta, 1e-300), 0.0)
        gradient += np.where(self.scale > 0.0, self.scale - counted, 0.0)
        hessian[:, diagonal, diagonal] += self.precision
        hessian[:, diagonal, diagonal] += counted / np.maximum(theta, 1e-300)
        return gradient, hessian

    def _rows(
        self, theta: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray | None, FloatArray]:
        """Return the rates of all rows and how they change, each divided by the rate.

        Rates (P, R), first derivatives (P, R, N), their additive part or None, and second
        derivatives by the same parameter (P, R, N).
        """
        points, rows = self.nominal.shape
        shape = (points, rows, theta.shape[1])
        slope, bend = np.zeros(shape), np.zeros(shape)
        plain = theta[:, self.factors.parameter]
        log_rate = _add_up(np.log(plain), self.factors.row, rows)
        slope[:, self.factors.row, self.factors.parameter] = 1.0 / plain
        if self.normsys.row.size:
            where = (slice(None), self.normsys.row, self.normsys.parameter)
            column = self.normsys.column
            value, first, second = factor(theta[:, self.normsys.acting], *self.normsys.tables)
            log_rate += _add_up(np.log(value)[:, column], self.normsys.row, rows)
            slope[where] = (first / value)[:, column]
            bend[where] = (second / value)[:, column]
        if not self.histosys.row.size:
            return self.nominal * np.exp(log_rate), slope, None, bend
        where = (slice(None), self.histosys.row, self.histosys.parameter)
        value, first, second = (
            jet[:, self.histosys.column]
            for jet in shift(theta[:, self.histosys.acting], *self.histosys.tables)
        )
        base = self.nominal + _add_up(value, self.histosys.row, rows)
        safe = np.where(base == 0.0, 1.0, base)[:, self.histosys.row]
        additive = np.zeros(shape)
        additive[where] = first / safe
        bend[where] += second / safe + 2.0 * slope[where] * additive[where]
        return base * np.exp(log_rate), slope + additive, additive, bend


def _poisson(expected: FloatArray, counts: FloatArray) -> FloatArray:
    """Return -ln of Poisson probabilities relative to those of what is seen."""
    excess: FloatArray = np.where(counts > 0.0, counts * np.log(counts / expected), 0.0)
    return expected - counts + excess


def _add_up(values: FloatArray, row: IntArray, rows: int) -> FloatArray:
    """Return the sums of the effects on each row, shape (P, R), from (P, K)."""
    matrix = np.zeros((len(row), rows))
    matrix[np.arange(len(row)), row] = 1.0
    total: FloatArray = values @ matrix
    return total

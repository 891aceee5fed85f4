"""From pyhf workspaces of the same form to arrays."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hnlstat.errors import InferenceError
from hnlstat.likelihood.histfactory import Data, Effects, Likelihoods
from hnlstat.likelihood.interpolation import factor_coefficients

FloatArray = NDArray[np.float64]
Spec = dict[str, Any]
Key = tuple[Any, ...]

_LEAST_FACTOR = 1e-100  # stands for zero: rates stay differentiable in their logarithm


@dataclass
class _Parameter:
    """Settings of one parameter; those that differ between points have shape (P,)."""

    start: float
    lower: float
    upper: float
    auxiliary: FloatArray | float = 0.0
    precision: FloatArray | float = 0.0
    scale: FloatArray | float = 0.0
    fixed: NDArray[np.bool_] | bool = False


@dataclass
class _Builder:
    """Everything found so far while walking through the workspaces."""

    parameters: dict[Key, _Parameter] = field(default_factory=dict)
    # of each kind of effect: row, parameter and the numbers of each point
    effects: dict[str, list[tuple[int, Key, tuple[FloatArray, ...]]]] = field(
        default_factory=lambda: {"factor": [], "normsys": [], "histosys": []}
    )
    # of each statistical uncertainty: sum of the rates and of the squared errors
    statistical: dict[Key, tuple[Any, Any]] = field(default_factory=dict)

    def add(self, kind: str, row: int, key: Key, *numbers: FloatArray) -> None:
        """Note that a parameter acts on a row."""
        self.effects[kind].append((row, key, numbers))

    def collected(self, kind: str) -> Effects:
        """Return the effects of one kind; those with the very same numbers are one."""
        index = {key: i for i, key in enumerate(self.parameters)}
        different: dict[tuple[Key, tuple[int, ...]], tuple[int, tuple[FloatArray, ...]]] = {}
        rows, columns = [], []
        for row, key, numbers in self.effects[kind]:
            column, _ = different.setdefault(
                (key, tuple(map(id, numbers))), (len(different), numbers)
            )
            rows.append(row)
            columns.append(column)
        tables = zip(*(numbers for _, numbers in different.values()), strict=True)
        return Effects(
            np.array(rows, dtype=np.intp),
            np.array(columns, dtype=np.intp),
            np.array([index[key] for key, _ in different], dtype=np.intp),
            tuple(np.stack(table, axis=-1) for table in tables),
        )


def same_form(specs: Sequence[Spec]) -> list[list[int]]:
    """Return groups of indices of the workspaces that differ in numbers only."""
    groups: dict[str, list[int]] = {}
    for index, spec in enumerate(specs):
        form = [
            (channel["name"], sample["name"], len(sample["data"]), part["type"], part["name"])
            for channel in spec["channels"]
            for sample in channel["samples"]
            for part in (*sample["modifiers"], {"type": "", "name": ""})
        ]
        groups.setdefault(repr((form, spec["measurements"])), []).append(index)
    return list(groups.values())


def read_likelihoods(specs: Sequence[Spec]) -> Likelihoods:
    """Return the likelihoods of pyhf workspaces that differ in numbers only.

    Parameters
    ----------
    specs
        Workspaces of the HistFactory JSON schema 1.0.0 with normfactor, lumi, normsys, histosys,
        staterror, shapesys and shapefactor modifiers; the first measurement counts.

    Raises
    ------
    InferenceError
        For a modifier, or numbers in it, that cannot be used.
    """
    builder = _Builder()
    settings = specs[0]["measurements"][0]["config"]
    nominal: list[FloatArray] = []
    bin_of_row: list[int] = []
    counts: list[FloatArray] = []
    for c, channel in enumerate(specs[0]["channels"]):
        first_bin = sum(table.shape[1] for table in counts)
        counts.append(np.array([_observed(spec, channel["name"]) for spec in specs], dtype=float))
        for s, sample in enumerate(channel["samples"]):
            all_points = [spec["channels"][c]["samples"][s] for spec in specs]
            rates = np.array([point["data"] for point in all_points], dtype=float)
            first_row = len(bin_of_row)
            bin_of_row += range(first_bin, first_bin + rates.shape[1])
            nominal.append(rates)
            for m, modifier in enumerate(sample["modifiers"]):
                numbers = [point["modifiers"][m]["data"] for point in all_points]
                site = _Site(modifier["name"], channel["name"], first_row, rates)
                if modifier["type"] not in _MODIFIERS:
                    raise InferenceError(
                        f"modifier {site.name} in {site.channel} has the unknown type "
                        f"{modifier['type']!r}"
                    )
                _MODIFIERS[modifier["type"]](builder, site, numbers)
    _statistical(builder)
    _configure(builder, settings.get("parameters", []))
    return _assemble(builder, np.concatenate(nominal, axis=1), bin_of_row, counts, settings["poi"])


def _observed(spec: Spec, channel: str) -> list[float]:
    """Return the observations of a channel."""
    return next(entry["data"] for entry in spec["observations"] if entry["name"] == channel)


@dataclass(frozen=True, eq=False)
class _Site:
    """Where a modifier acts: its name, the channel, the first row and the rates (P, bins)."""

    name: str
    channel: str
    first_row: int
    rates: FloatArray

    @property
    def bins(self) -> range:
        """Bins of the sample."""
        return range(self.rates.shape[1])


def _normfactor(builder: _Builder, site: _Site, _: list[Any]) -> None:
    """One free factor for all bins."""
    builder.parameters.setdefault((site.name,), _Parameter(1.0, 0.0, 10.0))
    for i in site.bins:
        builder.add("factor", site.first_row + i, (site.name,))


def _shapefactor(builder: _Builder, site: _Site, _: list[Any]) -> None:
    """A free factor for each bin."""
    for i in site.bins:
        builder.parameters.setdefault((site.name, i), _Parameter(1.0, 0.0, 10.0))
        builder.add("factor", site.first_row + i, (site.name, i))


def _normsys(builder: _Builder, site: _Site, numbers: list[Any]) -> None:
    """A factor for all bins that a normal measurement constrains."""
    high = np.array([n["hi"] for n in numbers], dtype=np.float64)
    low = np.array([n["lo"] for n in numbers], dtype=np.float64)
    if not (np.all(high > 0.0) and np.all(low > 0.0)):
        raise InferenceError(f"normsys {site.name} in {site.channel}: hi and lo must be positive")
    builder.parameters.setdefault((site.name,), _Parameter(0.0, -5.0, 5.0, 0.0, 1.0))
    for i in site.bins:
        builder.add("normsys", site.first_row + i, (site.name,), high, low)


def _histosys(builder: _Builder, site: _Site, numbers: list[Any]) -> None:
    """A shift of each bin that a common normal measurement constrains."""
    up = np.array([n["hi_data"] for n in numbers]) - site.rates
    down = site.rates - np.array([n["lo_data"] for n in numbers])
    if np.any((site.rates == 0.0) & ((up != 0.0) | (down != 0.0))):
        raise InferenceError(f"histosys {site.name} in {site.channel}: shifts a rate of zero")
    builder.parameters.setdefault((site.name,), _Parameter(0.0, -5.0, 5.0, 0.0, 1.0))
    for i in site.bins:
        builder.add("histosys", site.first_row + i, (site.name,), up[:, i], down[:, i])


def _staterror(builder: _Builder, site: _Site, numbers: list[Any]) -> None:
    """A factor for each bin, shared by samples, with the error of their sum."""
    errors = np.array(numbers, dtype=np.float64)
    for i in site.bins:
        key = (site.name, site.channel, i)
        builder.parameters.setdefault(key, _Parameter(1.0, 1e-10, 10.0, 1.0))
        total, squares = builder.statistical.get(key, (0.0, 0.0))
        builder.statistical[key] = (total + site.rates[:, i], squares + errors[:, i] ** 2)
        builder.add("factor", site.first_row + i, key)


def _shapesys(builder: _Builder, site: _Site, numbers: list[Any]) -> None:
    """A factor for each bin that a Poisson measurement constrains."""
    errors = np.array(numbers, dtype=np.float64)
    valid = (errors > 0.0) & (site.rates > 0.0)
    scale = np.where(valid, (site.rates / np.where(valid, errors, 1.0)) ** 2, 1.0)
    for i in site.bins:
        settings = _Parameter(1.0, 1e-10, 10.0, scale[:, i], 0.0, scale[:, i], ~valid[:, i])
        builder.parameters[site.name, i] = settings
        builder.add("factor", site.first_row + i, (site.name, i))


_MODIFIERS = {
    "normfactor": _normfactor,
    "lumi": _normfactor,
    "shapefactor": _shapefactor,
    "normsys": _normsys,
    "histosys": _histosys,
    "staterror": _staterror,
    "shapesys": _shapesys,
}


def _statistical(builder: _Builder) -> None:
    """Give the parameters of statistical uncertainties their relative size."""
    for key, (total, squares) in builder.statistical.items():
        relative = np.where(total > 0.0, np.sqrt(squares) / np.where(total > 0.0, total, 1.0), 0.0)
        parameter = builder.parameters[key]
        parameter.fixed = relative == 0.0
        parameter.precision = 1.0 / np.where(relative > 0.0, relative, 1.0) ** 2


def _configure(builder: _Builder, settings: Sequence[Spec]) -> None:
    """Apply the measurement's settings of parameters."""
    for entry in settings:
        matching = [p for key, p in builder.parameters.items() if key[0] == entry["name"]]
        for i, parameter in enumerate(matching):
            if "inits" in entry:
                parameter.start = float(entry["inits"][i])
            if "bounds" in entry:
                parameter.lower, parameter.upper = map(float, entry["bounds"][i])
            if "auxdata" in entry:
                parameter.auxiliary = float(entry["auxdata"][i])
            if "sigmas" in entry:
                parameter.precision = 1.0 / float(entry["sigmas"][i]) ** 2
            if entry.get("fixed", False):
                parameter.fixed = True


def _assemble(
    builder: _Builder,
    nominal: FloatArray,
    bin_of_row: list[int],
    counts: list[FloatArray],
    poi: str,
) -> Likelihoods:
    """Return the arrays of everything that was found."""
    if (poi,) not in builder.parameters:
        raise InferenceError(f"the parameter of interest {poi!r} acts on no sample")
    points = len(nominal)
    parameters = list(builder.parameters.values())
    factors, normsys, histosys = map(builder.collected, ("factor", "normsys", "histosys"))
    high, low = normsys.tables or [np.ones((points, 0))] * 2
    lower = np.array([p.lower for p in parameters])
    lower[factors.acting] = np.maximum(lower[factors.acting], _LEAST_FACTOR)

    def table(name: str) -> NDArray[Any]:
        return np.stack([np.broadcast_to(getattr(p, name), points) for p in parameters], axis=1)

    return Likelihoods(
        parameters=tuple(str(key[0]) for key in builder.parameters),
        poi=list(builder.parameters).index((poi,)),
        nominal=nominal,
        bin_of_row=np.eye(sum(table.shape[1] for table in counts))[bin_of_row],
        factors=factors,
        normsys=replace(
            normsys, tables=(factor_coefficients(high, low), np.log(high), np.log(low))
        ),
        histosys=histosys,
        start=np.array([p.start for p in parameters]),
        lower=lower,
        upper=np.array([p.upper for p in parameters]),
        fixed=table("fixed"),
        precision=table("precision"),
        scale=table("scale"),
        data=Data(np.concatenate(counts, axis=1), table("auxiliary")),
    )

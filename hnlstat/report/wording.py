"""How levels, couplings and ranges are written."""

from __future__ import annotations

import re
from dataclasses import dataclass

from scipy.special import ndtri

from hnlstat.config.coupling import CouplingAxis
from hnlstat.inference.limits.posterior import CREDIBLE

SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Shown:
    """A coupling as an axis shows it: noun, symbol and unit, and the factor to that unit."""

    noun: str
    symbol: str
    unit: str
    factor: float = 1.0


def level_text(level: float) -> str:
    """Write a confidence level as the field does: "90%", or "5σ" for a one-sided deviate."""
    sigma = -float(ndtri(1 - level))
    return _level_text(level, sigma)


def fit_level_text(level: float) -> str:
    """Write the level of a fit's contour: "90%", or "3σ" for a two-sided deviate."""
    sigma = -float(ndtri(0.5 * (1 - level)))
    return _level_text(level, sigma)


def _level_text(level: float, sigma: float) -> str:
    if level > 0.99 and abs(sigma - round(sigma)) < 1e-3:
        return f"{sigma:.0f}σ"
    text = f"{100 * level:.4g}%"
    return f"{sigma:.3g}σ" if text == "100%" else text


def plain(text: str) -> str:
    """Write a name in a figure as it is: dollars start no formula, and no legend passes it over."""
    return ("\u2009" if text.startswith("_") else "") + text.replace("$", r"\$")


def test_symbol(test: str) -> str:
    """Write the test of an exclusion for a figure: CLs, or credible with what its prior is flat in.

    Greek indices and powers of the latter are set as mathematics.
    """
    head, bracket, rest = test.partition("(")
    if not bracket:
        return "CL$_s$" if test == "CLs" else test
    flat = re.sub(r"_(mu|tau)\b", r"_{\\\1}", rest[:-1])
    flat = re.sub(r"\^([\d.]+)", r"^{\1}", flat)
    return f"{'cred.' if head == CREDIBLE else head} (${flat}$)"


def coupling_label(axis: CouplingAxis | Shown) -> str:
    """Write the label of an axis: noun, symbol and unit of the coupling."""
    noun, unit = axis.noun[:1].upper() + axis.noun[1:], unit_symbol(axis)
    return f"{noun} ${axis.symbol}$" + (f" [{unit}]" if unit else "")


def unit_text(axis: CouplingAxis | Shown) -> str:
    """Write the unit of a coupling, "GeV⁻¹"; empty for a plain number."""
    unit = axis.unit.replace("mu_B", "μ_B")
    return re.sub(r"\^(-?\d+)", lambda found: found[1].translate(SUPERSCRIPTS), unit)


def unit_symbol(axis: CouplingAxis | Shown) -> str:
    """Write the unit of a coupling in mathtext, with the dollars."""
    return re.sub(r"\^(-?\d+)", r"$^{\1}$", axis.unit).replace("mu_B", r"$\mu_\mathrm{B}$")


def bracketed(text: str, axis: CouplingAxis | Shown) -> str:
    """Write the head of a column of couplings, with the unit if there is one."""
    return f"{text} [{unit_text(axis)}]" if axis.unit else text


def mev_text(mass: float) -> str:
    """Write a mass [GeV] in MeV, to three digits or the whole number."""
    return f"{1e3 * mass:.0f}" if mass >= 0.1 else f"{1e3 * mass:.3g}"


def range_text(low: float, high: float, low_open: bool = False, high_open: bool = False) -> str:
    """Write a range of masses in MeV; ends of the grid carry ≤ and ≥."""
    return f"{'≤ ' * low_open}{mev_text(low)} – {'≥ ' * high_open}{mev_text(high)} MeV"


def length_text(length: float) -> str:
    """Write a length [m] in the unit that suits it, to three digits: "1 cm", "100 m", "10 km"."""
    for unit, size in (("km", 1e3), ("m", 1.0), ("cm", 1e-2), ("mm", 1e-3)):
        if length >= 0.9995 * size:
            return f"{float(f'{length / size:.3g}'):,g} {unit}"
    return f"{length * 1e6:.3g} µm"


def power_text(value: float) -> str:
    """Write a number to three digits with a power of ten: "4.59 × 10⁻⁷"."""
    mantissa, exponent = f"{value:.2e}".split("e")
    return f"{mantissa} × 10{str(int(exponent)).translate(SUPERSCRIPTS)}"


def power_symbol(value: float) -> str:
    """Write a number as `power_text` does, in mathtext, without the dollars."""
    mantissa, exponent = f"{value:.2e}".split("e")
    return rf"{mantissa} \times 10^{{{int(exponent)}}}"

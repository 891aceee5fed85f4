"""What a model says, looked at before it is believed: its shapes, signs and finite numbers.

A model may be a user's own. What it does wrong becomes one line that names its kind.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import is_dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hnlstat.config.model import Model
from hnlstat.errors import ConfigError
from hnlstat.physics.processes import Decay, Kaons, Product, Source, Upscattering
from hnlstat.physics.targets import target

Array = NDArray[np.float64]
T = TypeVar("T")

FLAVOURS = ("e", "mu", "tau")
UNCERTAINTIES = {"form_factor": 0.1, "pauli": 0.1}
"""Those of `Upscattering.variations`, of some size."""

TAKEN = ("n", "nu", "vertex", "decay", "target")
"""Beginnings of other columns of events."""

PHOTON = 22  # PDG code
MOST = 20  # masses and couplings that a check looks at
ROUNDING = 1e-6


def rates(model: Model, masses: Array, couplings: Array) -> tuple[Array, Array]:
    """Strength (D,) of the production, and inverse decay lengths (M, D) [1/m], both checked.

    Raises
    ------
    ConfigError
        If they cannot be.
    """
    strength = _numbers(model, "strength", couplings.shape, model.strength, couplings)
    kappa = _numbers(
        model, "inverse_decay_length", (masses.size, couplings.size),
        model.inverse_decay_length, masses, couplings,
    )  # fmt: skip
    for name, values in (("strength", strength), ("inverse_decay_length", kappa)):
        if not np.all(values > 0):
            raise _fault(model, f"{name} has {np.min(values):g}, which is not above 0")
    return strength, kappa


def branching_ratio(model: Model, masses: ArrayLike, final_state: str) -> Array:
    """Branching ratio to a final state, same shape as `masses`, checked; errors as in `rates`."""
    name = f"branching to {final_state}"
    found = _numbers(model, name, np.shape(masses), model.branching, masses, final_state)
    if not np.all((found >= 0) & (found <= 1 + ROUNDING)):
        worst = found.flat[np.argmax(np.abs(found - 0.5))]
        raise _fault(model, f"{name} has {worst:g}, which is not between 0 and 1")
    return found


def sampler(model: Model, final_state: str) -> Decay:
    """Sampler of the decays to a final state.

    Raises
    ------
    ConfigError
        If the model has none, or it is not right.
    """
    found: Any = _called(model, "decay", model.decay, final_state)
    if found is None:
        raise _fault(model, f"decays to {final_state} are not sampled, which is needed here")
    if not isinstance(found, Decay) or not is_dataclass(found):
        raise _fault(model, f"decay gives {_kind(found)}, not a dataclass derived from Decay")
    products = _called(model, "decay.products", lambda: found.products)
    if not products or not all(isinstance(product, Product) for product in products):
        raise _fault(model, f"decay to {final_state} has the products {products!r}")
    names = [product.name for product in products]
    if len({*names, *TAKEN}) < len(names) + len(TAKEN) or not all(map(str.isidentifier, names)):
        raise _fault(model, f"decay to {final_state} has products of the names {names}")
    return found


def pair_sampler(model: Model, final_state: str) -> Decay:
    """Sampler of decays to a pair of tracks; errors as in `sampler`."""
    found = sampler(model, final_state)
    try:
        assert found.tracks
    except ValueError as error:
        raise _fault(model, f"{final_state} is no final state to cut on tracks: {error}") from None
    return found


def photon_sampler(model: Model, final_state: str) -> Decay:
    """Sampler of decays to one photon; errors as in `sampler`."""
    found = sampler(model, final_state)
    if [product.code for product in found.products] != [PHOTON]:
        names = ", ".join(product.name for product in found.products)
        raise _fault(model, f"{final_state} is no single photon, but {names}")
    return found


def check_model(model: Model, masses: Array, couplings: Array, final_states: Sequence[str]) -> None:
    """Look at all that a simulation asks of a model, at some masses and couplings.

    Raises
    ------
    ConfigError
        Names the kind, what was asked and what is wrong with the answer.
    """
    masses, couplings = _some(masses), _some(couplings)
    rates(model, masses, couplings)
    weights = _called(model, "flavour_weights", model.flavour_weights)
    if not isinstance(weights, dict) or not set(weights) <= set(FLAVOURS):
        raise _fault(model, f"flavour_weights gives {weights!r}, not weights of e, mu, tau")
    if not all(_is_number(weight) and weight >= 0 for weight in weights.values()):
        raise _fault(model, f"flavour_weights gives {weights!r}, where numbers from 0 on belong")
    source(model, masses)
    for final_state in final_states:
        branching_ratio(model, masses, final_state)
        if _called(model, "decay", model.decay, final_state) is not None:
            _check_sampler(model, sampler(model, final_state), float(masses[-1]))


def made_by_kaons(model: Model) -> bool:
    """Tell whether N come from decays of kaons; errors as in `check_model`."""
    return isinstance(_called(model, "source", lambda: model.source), Kaons)


def from_neutrinos(model: Model) -> Upscattering:
    """How neutrinos of the beam become N.

    Raises
    ------
    ConfigError
        If the N of the model are made otherwise.
    """
    found = model.source
    if isinstance(found, Kaons):
        raise _fault(model, "N from decays of kaons are not sampled here, only their yields are")
    return found


def from_kaons(model: Model) -> Kaons:
    """Which decays of kaons make N; errors as in `from_neutrinos`."""
    found = model.source
    if not isinstance(found, Kaons):
        raise _fault(model, "N are not made by kaons")
    return found


def source(model: Model, masses: Array) -> Source:
    """How N are made, with cross sections that have been looked at; errors as in `check_model`."""
    found: Any = _called(model, "source", lambda: model.source)
    if isinstance(found, Kaons):
        for mode in found.modes:
            _numbers(model, f"source K -> {mode.lepton} N", masses.shape, mode.branching, masses)
        return found
    if not isinstance(found, Upscattering) or not is_dataclass(found):
        raise _fault(
            model, f"source is {_kind(found)}, not a dataclass derived from Upscattering, nor Kaons"
        )
    mass = float(masses[0])
    energy = np.geomspace(2 * mass + 1, 100 * mass + 10, 5)[:, None]
    q2 = np.geomspace(1e-4, 1e-2, 4)
    for name in ("C12", "p"):
        values = _numbers(
            model, f"source.cross_section on {name}", (5, 4),
            found.cross_section, q2, energy, mass, target(name),
        )  # fmt: skip
        if not np.all(values >= 0):
            raise _fault(model, f"source.cross_section on {name} has {np.min(values):g}, below 0")
        spin = _numbers(
            model, f"source.polarisation on {name}", (2, 5, 4),
            found.polarisation, q2, energy, mass, target(name),
        )  # fmt: skip
        if (size := np.max(np.linalg.norm(spin, axis=0))) > 1 + ROUNDING:
            raise _fault(model, f"source.polarisation on {name} has the size {size:g}, above 1")
    variations: Any = _called(model, "source.variations", found.variations, UNCERTAINTIES)
    for name, variation in variations.items():
        if not is_dataclass(variation) or not callable(variation):
            raise _fault(model, f"source.variations: {name} is no dataclass that can be called")
    return found


def _check_sampler(model: Model, decay: Decay, mass: float) -> None:
    """Sample some decays of an N, if it is heavy enough."""
    if mass <= sum(product.mass for product in decay.products):
        return
    size = 8
    dimensions: Any = decay.dimensions
    if not isinstance(dimensions, int) or dimensions < 1:
        raise _fault(model, f"decay.dimensions is {dimensions!r}, not a whole number above 0")
    points = np.random.default_rng(1).random((size, dimensions))
    momentum = np.array([[0.1, -0.2, 1.0]] * size)
    vectors = _called(model, "decay.sample", decay.sample, points, momentum, mass, 1.0)
    if len(vectors) != len(decay.products):
        raise _fault(
            model, f"decay.sample gives {len(vectors)} particles for {len(decay.products)} products"
        )
    for product, vector in zip(decay.products, vectors, strict=True):
        values = _numbers(model, f"decay.sample of {product.name}", (size, 4), np.asarray, vector)
        square = values[:, 0] ** 2 - np.sum(values[:, 1:] ** 2, axis=1)
        if np.any(np.abs(square - product.mass**2) > 1e-3 * ROUNDING * values[:, 0] ** 2):
            raise _fault(model, f"decay.sample of {product.name} is not of its mass")
    energy = np.sqrt(mass**2 + np.sum(momentum**2, axis=1))
    if np.any(sum(vector[:, 0] for vector in vectors) > energy * (1 + ROUNDING)):
        raise _fault(model, "decay.sample gives more energy than N has")
    shares = _called(model, "decay.neutrinos", decay.neutrinos, mass)
    if shares is not None and not (
        len(shares) == len(FLAVOURS)
        and all(_is_number(share) and share >= 0 for share in shares)
        and abs(sum(shares) - 1) < ROUNDING
    ):
        raise _fault(model, f"decay.neutrinos is {shares!r}, not shares of e, mu, tau")


def _numbers(
    model: Model, name: str, shape: tuple[int, ...], ask: Callable[..., Any], *given: object
) -> Array:
    """Ask for finite numbers of a shape."""
    found = _called(model, name, ask, *given)
    try:
        values = np.asarray(found, dtype=np.float64)
    except (TypeError, ValueError):
        raise _fault(model, f"{name} gives {_kind(found)}, not numbers") from None
    if values.shape != shape:
        raise _fault(model, f"{name} has the shape {values.shape}, where {shape} is asked for")
    if not np.all(np.isfinite(values)):
        raise _fault(model, f"{name} has numbers that are not finite")
    return values


def _called(model: Model, name: str, ask: Callable[..., T], *given: object) -> T:
    """Ask, and turn whatever goes wrong into a line."""
    try:
        with np.errstate(all="ignore"):
            return ask(*given)
    except ConfigError:
        raise
    except Exception as error:  # whatever a model does
        reason = str(error) or type(error).__name__
        raise _fault(model, f"{name} fails: {type(error).__name__}: {reason}") from error


def _fault(model: Model, text: str) -> ConfigError:
    return ConfigError(f"model.kind: {model.kind}: {text}")


def _kind(value: object) -> str:
    return f"a {type(value).__name__}"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and bool(np.isfinite(value))


def _some(values: Array) -> Array:
    """A few of rising values, the ends among them."""
    place = np.unique(np.linspace(0, values.size - 1, MOST).astype(int))
    return np.asarray(values[place])

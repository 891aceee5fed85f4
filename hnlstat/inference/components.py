"""Backgrounds with components of a covariance, where they are drawn or fitted.

Shifts by components are linear: far enough down they would make a background negative. Here it
falls exponentially below a tenth of what is expected, so that it stays positive, and tests say so
where that is within 3 sigma. HistFactory's shifts are linear all the way.
"""

import numpy as np
from numpy.typing import NDArray

from hnlstat.errors import InferenceError
from hnlstat.likelihood.model import CountingModel

FloatArray = NDArray[np.float64]

_LINEAR = 0.1  # share of its expectation down to which a background falls in a straight line
_LARGEST = 300.0  # change of ln(rate); fits may try parameters hundreds of sigma away
_NOTED = 3.0  # sigma of such a fall that is said


def shifted_background(
    model: CountingModel, zeta: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the background with its components, and its derivatives by the sum of their shifts.

    Parameters
    ----------
    model
        With K components.
    zeta
        Their standard normal parameters, shape (K, M).

    Returns
    -------
    background, slope, bend
        Shapes (C, M): slope and bend are 1 and 0 where the fall is linear. Without components
        they are (C, 1) whatever M is.
    """
    background = model.background[:, None]
    if not model.background_components:
        return background, np.ones_like(background), np.zeros_like(background)
    linear = background + model.component_matrix @ zeta
    least = _LINEAR * background
    slope = np.exp(np.clip(linear / least - 1.0, -_LARGEST, 0.0))
    return np.maximum(linear, least) * slope, slope, np.where(slope < 1.0, slope / least, 0.0)


def bent(model: CountingModel) -> str | None:
    """Return which background falls to a tenth within 3 sigma of its components, if any."""
    spread = np.sqrt((model.component_matrix**2).sum(axis=1))
    room = (1.0 - _LINEAR) * model.background - _NOTED * spread
    i = int(np.argmin(room))
    if room[i] >= 0.0:
        return None
    return (
        f"the background of {model.labels[i]} would be 0 at "
        f"-{model.background[i] / spread[i]:.2g} sigma of its components"
    )


def noted(validity: str, model: CountingModel) -> str:
    """Return a validity with what there is to say of a background that is bent, if anything."""
    if (remark := bent(model)) is None:
        return validity
    return f"ok: {remark}" if validity == "ok" else f"{validity}; {remark}"


def refuse_components(model: CountingModel, calculator: str) -> None:
    """Refuse a model whose backgrounds have a covariance that a calculator cannot take in.

    Raises
    ------
    InferenceError
        Names those that can.
    """
    if model.background_components:
        raise InferenceError(
            f"calculator={calculator}: takes no covariance of backgrounds (here "
            f"{next(iter(model.background_components))}, ...); use auto, toys or asymptotic"
        )

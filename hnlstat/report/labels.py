"""Direct labels: text set along a curve where it covers neither curves nor other labels."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.text import Text
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

SPACING = 3.0  # pixels between the points that stand for a curve
GAP = 0.75  # distance of a label's middle from its curve, in heights of the text
HALO = 1.6  # points around a label that covers a minor curve
NOWHERE = np.full((1, 2), np.nan)
CLEARANCE = np.array([6.0, 3.0])  # pixels kept free beside and above a label


def freeze_layout(figure: Figure) -> None:
    """Do the layout of a figure once and for all, so that labels can rely on its pixels.

    It would else be done anew for each file, and with "none" drawn once more, without effect.
    """
    if (engine := figure.get_layout_engine()) is not None:
        engine.execute(figure)
    figure.set_layout_engine(None)


@dataclass(frozen=True, eq=False)
class Label:
    """Text for a curve.

    Attributes
    ----------
    text, color : str
        What to write, and its colour.
    mass, coupling : array, shape (V,)
        The curve in data coordinates; NaN breaks it.
    """

    text: str
    color: str
    mass: FloatArray
    coupling: FloatArray


@dataclass(frozen=True, eq=False)
class _Place:
    """Middle of a label in pixels, shape (2,), and its angle [rad]."""

    middle: FloatArray
    angle: float


def place_labels(
    axes: Axes,
    labels: Sequence[Label],
    obstacles: Sequence[tuple[FloatArray, FloatArray]],
    *minor: Sequence[tuple[FloatArray, FloatArray]],
    size: float,
) -> list[Text]:
    """Write each label along its own curve, one after the other; a text occurs only once.

    Parameters
    ----------
    axes : Axes
        Axes with scales and limits set and the figure's layout done.
    labels : sequence of Label
        In order of precedence.
    obstacles : sequence of (mass, coupling)
        Curves that labels must not cover.
    *minor : sequence of (mass, coupling)
        Curves that a label covers only where there is no other place for it; the first ones first.
    size : float
        Font size [points].

    Returns
    -------
    list of Text
        The labels for which there was room.
    """
    frame = np.array(axes.get_window_extent().get_points())
    blocked = [_dense(axes, *curve) for curve in obstacles]
    shunned = [[_dense(axes, *curve) for curve in curves] for curves in minor]
    placed: list[Text] = []
    for label in labels:
        if label.text in [text.get_text() for text in placed]:
            continue
        text = axes.text(0, 0, label.text, color=label.color, fontsize=size, ha="center")
        text.set(va="center_baseline", rotation_mode="anchor", in_layout=False)
        extent = text.get_window_extent()
        box = np.array([extent.width, extent.height])
        curve = _dense(axes, label.mass, label.coupling)
        for given_up in range(len(shunned) + 1):
            kept = itertools.chain(blocked, *shunned[given_up:])
            place = _best_place(curve, box, np.vstack([*kept, NOWHERE]), frame)
            if place is not None:
                break
        if given_up:
            text.set_path_effects([withStroke(linewidth=HALO, foreground="white")])
        if place is None:
            text.remove()
            continue
        x, y = axes.transData.inverted().transform(place.middle)
        text.set(position=(x, y), rotation=np.degrees(place.angle))
        blocked.append(_box_points(place, box))
        placed.append(text)
    return placed


def _dense(axes: Axes, mass: FloatArray, coupling: FloatArray) -> FloatArray:
    """Points every few pixels along a curve, shape (P, 2), in pixels, NaN at its breaks."""
    points = axes.transData.transform(np.column_stack([mass, coupling]))
    steps = np.hypot(*np.diff(points, axis=0).T)
    parts = [
        start
        + (end - start) * np.linspace(0, 1, max(int(step / SPACING), 1), endpoint=False)[:, None]
        if np.isfinite(step)
        else start[None]
        for start, end, step in zip(points[:-1], points[1:], np.minimum(steps, 1e4), strict=True)
    ]
    return np.vstack([*parts, points[-1:]])


def _box_points(place: _Place, size: FloatArray) -> FloatArray:
    """Points that fill a label's box, shape (P, 2), in pixels."""
    across, up = (
        np.linspace(-length / 2, length / 2, max(int(length / SPACING), 2)) for length in size
    )
    grid = np.stack(np.meshgrid(across, up), axis=-1).reshape(-1, 2)
    return np.asarray(place.middle + grid @ _turn(place.angle).T)


def _turn(angle: float) -> FloatArray:
    """Rotation matrix, columns along and across a label."""
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def _best_place(
    curve: FloatArray, size: FloatArray, blocked: FloatArray, frame: FloatArray
) -> _Place | None:
    """Choose the place that covers none of the `blocked` points, the flattest one among them."""
    near = blocked[np.all((blocked > frame[0] - 2) & (blocked < frame[1] + 2), axis=1)]
    places = sorted(
        itertools.chain(_along(curve, size), _at_ends(curve, size)), key=lambda p: abs(p.angle)
    )
    middle, half = frame.mean(axis=0), 0.5 * np.ptp(frame, axis=0) - 2
    for place in places:
        turn = _turn(place.angle)
        corners = np.abs(place.middle - middle) + 0.5 * np.abs(turn) @ size
        if np.any(corners > half):
            continue
        along, up = (np.abs((near - place.middle) @ turn) < 0.5 * size + CLEARANCE).T
        if not np.any(along & up):
            return place
    return None


def _along(curve: FloatArray, size: FloatArray) -> list[_Place]:
    """Places on both sides of the curve, turned with it."""
    half = int(np.ceil(size[0] / SPACING / 2))
    if len(curve) < 2 * half + 1:
        return []
    x, y = (np.lib.stride_tricks.sliding_window_view(c, 2 * half + 1)[::3] for c in curve.T)
    centre = np.column_stack([x[:, half], y[:, half]])
    across, up = x[:, -1] - x[:, 0], y[:, -1] - y[:, 0]
    angle = np.arctan2(np.where(across < 0, -up, up), np.abs(across))
    normal = np.column_stack([-np.sin(angle), np.cos(angle)])
    # how far each point of a stretch lies beside the line through its middle
    beside = (x - centre[:, :1]) * normal[:, :1] + (y - centre[:, 1:]) * normal[:, 1:]
    above = beside.max(axis=1) + GAP * size[1]
    below = beside.min(axis=1) - GAP * size[1]
    # a break of the curve, or a bend too sharp for the text to follow
    usable = np.isfinite(above) & (np.hypot(across, up) >= 0.9 * size[0])
    return [
        _Place(centre[i] + away * normal[i], float(angle[i]))
        for i in np.flatnonzero(usable).tolist()
        for away in (above[i], below[i])
    ]


def _at_ends(curve: FloatArray, size: FloatArray) -> Iterator[_Place]:
    """Level places above and below the curve's ends."""
    for end in curve[[0, -1]]:
        for away in (GAP * size[1], -GAP * size[1]):
            yield _Place(end + np.array([0.0, away]), 0.0)

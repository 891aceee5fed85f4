"""Studies over the mixings of N: in a plane of two of them, or with others integrated over."""

from hnlstat.config.coupling import CouplingAxis
from hnlstat.config.study import Study
from hnlstat.errors import ConfigError
from hnlstat.models.mixed import Mixed, Mixing
from hnlstat.physics.mixing import FLAVOURS


def mixed_by(study: Study, shares: dict[str, float]) -> Study:
    """The same Study of N with other ratios of |U_a|^2; flavours that are left out do not mix."""
    assert isinstance(study.model, Mixed)  # else there is nothing to mix
    ratios = {name: shares.get(name, 0.0) for name in FLAVOURS}
    # not validated: ratios may be smaller than what users may write
    mixing = Mixing.model_construct(None, **ratios)
    model = study.model.model_copy(update={"mixing": mixing})
    return study.model_copy(update={"model": model})


def limited(study: Study) -> CouplingAxis:
    """Give the coupling that limits are on: of one flavour, where others are integrated over."""
    flavour = study.inference.marginal
    return (study if flavour is None else mixed_by(study, {flavour: 1.0})).model.axis


def check_plane(study: Study, plane: tuple[str, ...]) -> None:
    """
    Make sure that there is a plane of mixings to find limits in.

    Raises
    ------
    ConfigError
        Names the key, the value and what would be right.
    """
    key = f"scan.plane: [{', '.join(plane)}]"
    model = _mixed(study, key)
    if study.yields_from is not None:
        raise ConfigError(f"{key} takes yields of all ratios, which are simulated; yields_from is "
                          "of no use")  # fmt: skip
    if study.inference.prior_power is not None:
        raise ConfigError("inference.prior_power: cannot go with scan.plane, where priors are flat "
                          "in |U|^2")  # fmt: skip
    if study.inference.calculator == "bayesian":
        for name in plane:
            _check_bound(study, name)
    first, second = (getattr(model.mixing, name) for name in plane)
    if not 0 < first == second:
        raise ConfigError(
            f"{key} is of all ratios of its two mixings; model.mixing fixes {plane[0]}:{plane[1]} "
            f"at {first:g}:{second:g}, where 1:1 belongs, as in model=mixed"
        )
    if model.mass is None:
        raise ConfigError("model.mass: is missing; scan.plane needs it, as model.mass=0.25")


def mixing_flavours(study: Study) -> list[str]:
    """Flavours that the model mixes with; the others take no part."""
    assert isinstance(study.model, Mixed)  # else there is nothing to mix
    return [name for name, share in study.model.mixing if share]


def check_marginal(study: Study, flavour: str) -> None:
    """
    Make sure that there are mixings to integrate over.

    Raises
    ------
    ConfigError
        Names the key, the value and what would be right.
    """
    key = f"inference.marginal: {flavour}"
    model = _mixed(study, key)
    if study.scan.plane is not None:
        raise ConfigError(f"{key} is of one mixing by mass; leave scan.plane null")
    if study.yields_from is not None or study.scan.table is not None:
        raise ConfigError(f"{key} takes yields of all mixings, which are simulated on the grid "
                          "itself; yields_from and scan.table are of no use")  # fmt: skip
    mixing = dict(model.mixing)
    if not mixing[flavour] or not {*mixing.values()} <= {0.0, mixing[flavour]}:
        ratios = ":".join(f"{share:g}" for share in mixing.values())
        raise ConfigError(f"{key} is of all ratios of the mixings; model.mixing fixes e:mu:tau at "
                          f"{ratios}; write 1 for each that takes part, else 0")  # fmt: skip
    if len(mixing_flavours(study)) < 2:
        raise ConfigError(f"{key} has no other mixing to integrate over; choose model=mixed")
    _check_bound(study, flavour)


def _check_bound(study: Study, flavour: str) -> None:
    """Make sure that the prior of a mixing leaves something of the grid."""
    bound, least = getattr(study.inference.prior_max, flavour), study.scan.coupling.array()[0]
    if bound <= least:
        raise ConfigError(f"inference.prior_max.{flavour}: {bound:g} leaves nothing of the grid of "
                          f"couplings, which begins at {least:g}")  # fmt: skip


def _mixed(study: Study, key: str) -> Mixed:
    """Give the model, if it mixes and the task finds limits; else refuse a key and its value."""
    if not isinstance(study.model, Mixed):
        raise ConfigError(f"{key} is of N that mix; the model {study.model.kind} has no mixings")
    if study.task.kind != "contour":
        raise ConfigError(f"{key} is of task=contour; task={study.task.kind} needs null")
    return study.model

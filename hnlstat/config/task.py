"""What a run does, with the settings of its own that a task has."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    PlainValidator,
    SerializeAsAny,
    model_validator,
)

from hnlstat.config.base import Name, Section, UserPath, by_kind
from hnlstat.config.coupling import PositiveCoupling
from hnlstat.config.explained import OtherData
from hnlstat.config.finished import OfFinished, known_figures
from hnlstat.config.quantities import (
    Mass,
    NotEmpty,
    PositiveNumber,
    Seed,
    memory,
    whole,
)
from hnlstat.config.requirements import Requirements
from hnlstat.config.sections import Events, Level, Significance, check_levels, one_sided, two_sided

AT_A_POINT = ("point", "events", "coverage", "inject")
"""Tasks that work at model.mass and model.coupling in place of the grid."""

ON_FOLDERS = ("store", "figures", "hepdata", "collect")
"""Tasks that work on the files of earlier runs, and leave no folder of their own."""


def _at_least_two(value: tuple[Path, ...]) -> tuple[Path, ...]:
    if len(value) < 2:
        raise ValueError("names fewer than two folders of runs")
    return value


def _nuisances(value: object) -> object:
    """Check an entry of task.nuisances."""
    if value in ("drawn", "nominal"):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= 5.0:
        raise ValueError("is not drawn, nominal or a number of sigma from -5 to 5")
    return float(value)


TrueNuisances = Annotated[Literal["drawn", "nominal"] | float, PlainValidator(_nuisances)]


class Task(Section):
    """A task without settings: contours, only yields, only workspaces, one point or its events."""

    kind: Literal[
        "contour",
        "yields",
        "workspace",
        "point",
        "events",
        "coverage",
        "inject",
        "fit",
        "combine",
        "compare",
        "explained",
        "efficiency",
        "requirements",
        "store",
        "figures",
        "hepdata",
        "collect",
        "benchmark",
    ]


class CoverageTask(Task):
    """
    How often limits contain a true signal.

    Attributes
    ----------
    signals
        True signals, expected events in all channels together.
    levels
        Confidence levels of the limits.
    nuisances
        Of the pseudo-experiments: "drawn" from their priors, "nominal", or such that the total
        signal lies so many standard deviations of its uncertainty above the expected one.
    toys
        Pseudo-experiments for each signal and kind of nuisances.
    """

    kind: Literal["coverage"]
    signals: Annotated[tuple[Events, ...], NotEmpty]
    levels: Annotated[tuple[Level, ...], NotEmpty]
    nuisances: Annotated[tuple[TrueNuisances, ...], NotEmpty]
    toys: Annotated[int, whole(100, 10**7, memory(200))]

    @model_validator(mode="after")
    def _levels_differ(self) -> Self:
        check_levels(self.levels, (), one_sided)
        return self


class InjectTask(Task):
    """
    Pseudo-data with the signal of a point.

    Attributes
    ----------
    data, seed
        "asimov": the expected events themselves; "poisson": one experiment drawn with this seed.
    """

    kind: Literal["inject"]
    data: Literal["asimov", "poisson"]
    seed: Seed


class FitTask(Task):
    """
    Best fit and contours of mass and coupling.

    Attributes
    ----------
    levels, sigmas
        Confidence levels and two-sided standard deviations of the contours.
    points
        Masses, and couplings, of the grid that contours are drawn on.
    """

    kind: Literal["fit"]
    levels: tuple[Level, ...]
    sigmas: tuple[Significance, ...]
    points: Annotated[int, whole(10, 2000, lambda n: f"{n**2 * 1e-4 / 3600:.3g} h")]

    @model_validator(mode="after")
    def _levels_differ(self) -> Self:
        check_levels(self.levels, self.sigmas, two_sided)
        return self


class ExplainedTask(FitTask):
    """What a fit prefers, and which part of it the data of `tests`, by name, test."""

    kind: Literal["explained"]  # type: ignore[assignment]
    tests: dict[Name, OtherData]


class CombineTask(Task):
    """
    One likelihood from those of several runs.

    Attributes
    ----------
    folders
        Folders of finished runs, each with workspace/BkgOnly.json and patchset.json.
    """

    kind: Literal["combine"]
    folders: Annotated[tuple[UserPath, ...], AfterValidator(_at_least_two)]


class EfficiencyTask(Task):
    """
    Events that the searches keep over those that others keep, by mass.

    Attributes
    ----------
    reference
        The study whose searches are compared with: overrides of the default.
    coupling
        At which to compare; None: 1e-7 GeV^-1 of dipoles, of others the first of the grid.
    events
        And again at the coupling where the reference first expects so many events.
    """

    kind: Literal["efficiency"]
    reference: tuple[str, ...]
    coupling: PositiveCoupling | None
    events: PositiveNumber


class RequirementsTask(Requirements, Task):
    """What efficiency and background it would take to exclude or discover N at some points."""

    kind: Literal["requirements"]


class StoreTask(Task):
    """
    Look after a shared store of results.

    Attributes
    ----------
    action, days
        "list" says what it holds, "verify" reads every entry, "prune" deletes the damaged ones and
        those that were not used for so many days.
    """

    kind: Literal["store"]
    action: Literal["list", "verify", "prune"]
    days: PositiveNumber


class CollectTask(Task):
    """
    One table, one figure and one report of the jobs of a sweep.

    Attributes
    ----------
    folder
        The sweep's, `runs/multirun/<date>_<time>`; results go there, too.
    """

    kind: Literal["collect"]
    folder: UserPath


class FiguresTask(OfFinished, Task):
    """
    Figures of a finished run, in its `figures/`, and its report with them.

    Attributes
    ----------
    figures
        Which ones; "all": those of the run's task, and further ones that its files are there for.
    mass, coupling
        Where CLs and the vertices are drawn, and what materials and momenta are for; None: where
        the run's first limit is strongest.
    masses
        At which production is sampled, over the run's grid.
    number
        Of events sampled at each of these.
    """

    kind: Literal["figures"]
    figures: Annotated[Literal["all"] | tuple[str, ...], BeforeValidator(known_figures)]
    mass: Mass | None
    coupling: PositiveCoupling | None
    masses: Annotated[int, whole(2, 10_000)]
    number: Annotated[int, whole(100, 10**8, memory(300))]


class HepdataTask(OfFinished, Task):
    """Limits, contours, yields and likelihood of a finished run, as a submission to HEPData."""

    kind: Literal["hepdata"]


class BenchmarkTask(Task):
    """
    How fast this machine is with this study.

    Attributes
    ----------
    workers
        Numbers of processes, with each of which the whole study is run.
    scaling
        Run it also with half of the masses, of the couplings, and so on.
    """

    kind: Literal["benchmark"]
    workers: Annotated[tuple[Annotated[int, whole(1, 4096)], ...], NotEmpty]
    scaling: bool


TASKS: dict[str, type[Task]] = {
    "coverage": CoverageTask,
    "inject": InjectTask,
    "fit": FitTask,
    "explained": ExplainedTask,
    "combine": CombineTask,
    "efficiency": EfficiencyTask,
    "requirements": RequirementsTask,
    "store": StoreTask,
    "figures": FiguresTask,
    "hepdata": HepdataTask,
    "collect": CollectTask,
    "benchmark": BenchmarkTask,
}


AnyTask = Annotated[SerializeAsAny[Task], by_kind(TASKS, Task, "task")]

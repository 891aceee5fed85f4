"""What task=compare shows: two studies and the steps between them."""

from typing import Annotated, Self

from pydantic import ConfigDict, Field, model_validator

from hnlstat.config.base import Section, problem
from hnlstat.config.coupling import PositiveCoupling
from hnlstat.config.quantities import Apart, Mass, NotEmpty

REST = "rest"
"""Name of the step that takes over what no other one names."""


class Step(Section):
    """
    Keys of the configuration whose values are taken over together.

    Attributes
    ----------
    name, keys
        What the step is called; "*" in a key stands for each dataset, or each search.
    """

    name: str
    keys: Annotated[tuple[str, ...], NotEmpty]


class Point(Section):
    """
    A point of the plane.

    Attributes
    ----------
    mass, coupling
        [GeV] and the unit of the model.
    """

    mass: Mass
    coupling: PositiveCoupling


class Compare(Section):
    """
    Two studies and the way from the first to the second.

    Attributes
    ----------
    from_
        The first study (key `from`): overrides of the default, as on the command line.
    to
        The second study, likewise; None: the one that holds this section.
    masses
        Masses [GeV] to show limits at.
    point
        Where to show the expected events.
    steps
        What is taken over from the second study, in this order.
    """

    model_config = ConfigDict(populate_by_name=True)

    from_: tuple[str, ...] = Field(alias="from")
    to: tuple[str, ...] | None
    masses: Annotated[tuple[Mass, ...], NotEmpty, Apart]
    point: Point
    steps: tuple[Step, ...]

    @model_validator(mode="after")
    def _step_names_differ(self) -> Self:
        names = [step.name for step in self.steps]
        for i, name in enumerate(names):
            if name == REST or names.count(name) > 1:
                raise problem(f"steps.{i}.name", f"{name} is the name of another step")
        return self

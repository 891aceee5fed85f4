"""What task=events writes."""

from typing import Annotated, Literal, Self

from pydantic import model_validator

from hnlstat.config.base import Section, problem
from hnlstat.config.coupling import PositiveCoupling
from hnlstat.config.quantities import whole


class EventFile(Section):
    """
    What task=events writes.

    Attributes
    ----------
    number
        Events to sample, about; they are weighted.
    couplings
        Further couplings for which each event gets a weight.
    format
        Of the file; auto: parquet if pyarrow is installed, else hepmc if pyhepmc is, else npz.
    """

    number: Annotated[int, whole(1, 10**8, lambda n: f"{n * 300 / 1e9:.3g} GB on disk")]
    couplings: tuple[PositiveCoupling, ...]
    format: Literal["auto", "npz", "parquet", "hepmc"]

    @model_validator(mode="after")
    def _columns_differ(self) -> Self:
        columns = [f"{coupling:.6g}" for coupling in self.couplings]
        if repeated := [column for column in columns if columns.count(column) > 1]:
            raise problem("couplings", f"{repeated[0]} appears twice, to six digits")
        return self

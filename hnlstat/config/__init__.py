"""The typed Study, validated and immutable."""

from hnlstat.config.channels import Channels
from hnlstat.config.dataset import Dataset, Exposure
from hnlstat.config.detector import Detector
from hnlstat.config.events import EventFile
from hnlstat.config.executor import Executor, Processes
from hnlstat.config.flux import Flux, KaonFlux
from hnlstat.config.model import Model
from hnlstat.config.photons import Photons
from hnlstat.config.scan import CouplingGrid, Grid, MassGrid, Scan
from hnlstat.config.search import Recast, Search
from hnlstat.config.sections import (
    Inference,
    Simulation,
    Systematics,
)
from hnlstat.config.shapes import Box, FiducialBox, Layer, Stack
from hnlstat.config.study import Study
from hnlstat.config.task import CombineTask, CoverageTask, FitTask, InjectTask, Task
from hnlstat.config.tracks import Tracks

__all__ = [
    "Box",
    "Channels",
    "CombineTask",
    "CouplingGrid",
    "CoverageTask",
    "Dataset",
    "Detector",
    "EventFile",
    "Executor",
    "Exposure",
    "FiducialBox",
    "FitTask",
    "Flux",
    "Grid",
    "Inference",
    "InjectTask",
    "KaonFlux",
    "Layer",
    "MassGrid",
    "Model",
    "Photons",
    "Processes",
    "Recast",
    "Scan",
    "Search",
    "Simulation",
    "Stack",
    "Study",
    "Systematics",
    "Task",
    "Tracks",
]

"""What a plugin author imports: contracts, helpers and hooks. Loads no TensorFlow, NumPy or pandas."""

from zoo_registry.api_version import API_VERSION
from zoo_registry.architecture import (
    Architecture,
    LossContext,
    LossFunction,
    TrainingDefaults,
)
from zoo_registry.building import SequenceInputs, head, last_observed, recurrent_layer, sequence_inputs
from zoo_registry.discovery import Discovery, discover
from zoo_registry.exporter import ExportContext, Exporter
from zoo_registry.hookspecs import hookimpl
from zoo_registry.hyperparameters import (
    L1,
    L2,
    Dropout,
    Hyperparameters,
    Layers,
    RecurrentDropout,
    RecurrentHyperparameters,
    Search,
    Units,
)
from zoo_registry.loss import BUILT_IN_LOSSES, OWN_LOSS, Loss
from zoo_registry.plugin import OWN, Plugin
from zoo_registry.problem import Problem, Step, Tensor
from zoo_registry.reference import Reference
from zoo_registry.registry import Entry, Registry
from zoo_registry.runtime import BUILT_IN_RUNTIMES, Runtime, Session
from zoo_registry.scaler import BUILT_IN_SCALERS, Scaler, TensorForm, UnscalableColumnError
from zoo_registry.schedule import (
    SCHEDULES,
    ConstantSchedule,
    CosineSchedule,
    CyclicalSchedule,
    ExponentialSchedule,
    OneCycleSchedule,
    PlateauSchedule,
    Schedule,
)
from zoo_registry.shape import SequenceShape, Task, TaskName

__all__ = [
    "API_VERSION",
    "BUILT_IN_LOSSES",
    "BUILT_IN_RUNTIMES",
    "BUILT_IN_SCALERS",
    "L1",
    "L2",
    "OWN",
    "OWN_LOSS",
    "SCHEDULES",
    "Architecture",
    "ConstantSchedule",
    "CosineSchedule",
    "CyclicalSchedule",
    "Discovery",
    "Dropout",
    "Entry",
    "ExponentialSchedule",
    "ExportContext",
    "Exporter",
    "Hyperparameters",
    "Layers",
    "Loss",
    "LossContext",
    "LossFunction",
    "OneCycleSchedule",
    "PlateauSchedule",
    "Plugin",
    "Problem",
    "RecurrentDropout",
    "RecurrentHyperparameters",
    "Reference",
    "Registry",
    "Runtime",
    "Scaler",
    "Schedule",
    "Search",
    "SequenceInputs",
    "SequenceShape",
    "Session",
    "Step",
    "Task",
    "TaskName",
    "Tensor",
    "TensorForm",
    "TrainingDefaults",
    "Units",
    "UnscalableColumnError",
    "discover",
    "head",
    "hookimpl",
    "last_observed",
    "recurrent_layer",
    "sequence_inputs",
]

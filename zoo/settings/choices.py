"""The closed sets of names that a user chooses from; imports nothing, so that every command can check them."""

from typing import Literal

Missing = Literal["error", "drop", "ffill", "interpolate", "mask"]
Errors = Literal["raise", "report"]
Gaps = Literal["error", "break", "ignore"]
ShortSeries = Literal["error", "drop", "pad"]
Aggregate = Literal["mean", "last", "sum"]
TableLayout = Literal["auto", "long", "wide", "files"]
CalendarField = Literal["minute", "hour", "weekday", "day", "month"]
ServingDtype = Literal["auto", "float32", "float64"]
OptimizerName = Literal["adam", "adamw", "rmsprop", "sgd", "nadam", "lion"]
NormalizeWindow = Literal[
    "auto",
    "none",
    "last",
    "instance",
    "seasonal",
    "mean",
    "last+asinh",
    "instance+asinh",
    "seasonal+asinh",
    "mean+asinh",
]
ScalerPerSeries = Literal["off", "refuse", "window"]
Channels = Literal["joint", "shared"]
Keep = Literal["best", "last"]
SampleBy = Literal["windows", "series"]
Engine = Literal["auto", "keras", "fused"]
ClassWeights = Literal["none", "balanced"]
SamplerName = Literal["tpe", "random", "grid"]
PrunerName = Literal["median", "halving", "none"]
FoldKind = Literal["expanding", "sliding"]
Backend = Literal["loky", "dask"]

FRAME, ARRAYS = "DataFrame", "arrays"  # what a configuration calls tables of a program, instead of a file's name

"""Settings that are no run's: of an export, a study, a backtest, and the workers that they may have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from zoo.settings.choices import Backend, FoldKind, PrunerName, SamplerName, ServingDtype
from zoo.settings.setting import Setting


class ExportSettings(BaseModel):
    """What a run is exported as."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    export: Annotated[bool, Setting()] = Field(False, description="Export the run at the end")
    exported: Annotated[Path, Setting()] = Field(Path("exported"), description="Folder of all models")
    name: Annotated[str | None, Setting(unset="by architecture and data")] = Field(
        None, description="The exported model's name"
    )
    serving_dtype: Annotated[ServingDtype, Setting()] = Field(
        "auto",
        description="Numbers of the bundle's input and output: auto (as published, else by the columns), float32 or"
        " float64",
    )
    sign: Annotated[Path | None, Setting(unset="no signature", metavar="KEY")] = Field(
        None, description="Sign the bundle with this private key (PEM; its password in $ZOO_SIGN_PASSWORD)"
    )
    formats: Annotated[tuple[str, ...], Setting(flag="--format", many=True, metavar="FORMAT")] = Field(
        (), description="Another format too: litert, openvino, or a plugin's; repeat it for more"
    )
    batch: Annotated[int | None, Setting(unset="1 for litert, else any")] = Field(
        None, description="Windows that the other format takes at once"
    )
    warmup: Annotated[bool, Setting()] = Field(False, description="Add warm-up requests for TensorFlow Serving")


class StudySettings(BaseModel):
    """How a study samples, measures and ends; the table ``study`` of a TOML file."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    sampler: Annotated[SamplerName, Setting()] = Field("tpe", description="What chooses the trials")
    grid_points: Annotated[int, Setting()] = Field(
        3, ge=1, le=100, description="Grid: how many values of a range LOW..HIGH"
    )
    pruner: Annotated[PrunerName, Setting(unset="median; grid: none")] = Field(
        "median", description="What ends bad trials early"
    )
    trials: Annotated[int | None, Setting(unset="50; grid: all; with `minutes`: any")] = Field(
        None, ge=1, description="Trials, over all sessions"
    )
    minutes: Annotated[float | None, Setting(unset="no limit")] = Field(
        None, gt=0, allow_inf_nan=False, description="Start no trial after so many minutes"
    )
    folds: Annotated[int, Setting()] = Field(3, ge=2, le=100, description="Folds of each trial")
    fold_kind: Annotated[FoldKind, Setting()] = Field(
        "expanding", description="Folds that train on all rows before (expanding), or on as many in each (sliding)"
    )
    fold_rows: Annotated[int | None, Setting(unset="folds of equal length")] = Field(
        None, ge=1, description="Test rows of each fold"
    )
    fold_train_rows: Annotated[int | None, Setting(unset="as many as in the first")] = Field(
        None, ge=1, description="Sliding folds: train rows of each"
    )


class BacktestSettings(BaseModel):
    """Where the origins of a backtest lie, and whether it trains at them."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    refit: Annotated[bool, Setting()] = Field(False, description="Retrain at each origin, on the rows up to it")
    refit_every: Annotated[int | None, Setting(unset="1 with `refit`, else never", metavar="ORIGINS")] = Field(
        None, ge=1, description="Retrain each time after so many origins"
    )
    train_rows: Annotated[int | None, Setting(unset="all", metavar="ROWS")] = Field(
        None, ge=1, description="Train on so many rows before an origin"
    )
    start: Annotated[str | None, Setting(unset="the test part's", metavar="TIME")] = Field(
        None, description="First time, or row, that is forecast"
    )
    stride: Annotated[int | None, Setting(unset="the horizon", metavar="ROWS")] = Field(
        None, ge=1, description="Rows from one origin to the next"
    )
    origins: Annotated[int | None, Setting(unset="all", metavar="N")] = Field(
        None, ge=1, description="Only so many origins of each series, the last ones"
    )
    season: Annotated[int | None, Setting(unset="by the times")] = Field(
        None, ge=1, description="Rows in a season, for the seasonal naive baseline and MASE; 1: none"
    )


class WorkerSettings(BaseModel):
    """How many processes work, and where."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    jobs: Annotated[int | None, Setting(unset="1; dask: as many as workers")] = Field(
        None, ge=1, description="How many processes work at a time"
    )
    threads: Annotated[int | None, Setting(unset="the cores divided among them")] = Field(
        None, ge=1, description="Threads of each process"
    )
    backend: Annotated[Backend, Setting()] = Field(
        "loky", description="Where they work: loky (processes of this host) or dask (a cluster)"
    )
    address: Annotated[str | None, Setting(metavar="tcp://HOST:PORT")] = Field(
        None, description="With `backend='dask'`: its scheduler"
    )

"""Records of schema 1 brought to this one: of runs, of unfinished trainings, and of bundles. Plain data in and out.

Checksums are of the bytes that were written, and are checked before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from pydantic import ValidationError

from zoo.provenance import first_fault
from zoo_registry import Step

SCHEMA_VERSION: Final = 2

Values = dict[str, Any]

_DATA = ("source", "fingerprint", "rows", "time_column", "series_column", "gaps", "calendar", "repairs")
_LATER_DATA = ("time_format", "named_zone", "series", "ignored")
_TRAINING = ("epochs", "best_epoch", "seconds", "loss", "val_loss", "parameters")
_LATER_TRAINING = ("engine", "started_from")


def migrate(values: Any, upgrade: Callable[[Values], Values]) -> Any:
    """Values of this schema; those of schema 1 go through ``upgrade``, any others are for the reader to refuse.

    Raises ValueError where values of schema 1 lack what every record has.
    """
    if not isinstance(values, dict) or values.get("schema_version") != 1:
        return values
    try:
        return upgrade(values) | {"schema_version": SCHEMA_VERSION}
    except ValidationError as error:
        raise ValueError(first_fault(error)) from error
    except KeyError as error:
        raise ValueError(f"expected {error}, found no such field") from error
    except (TypeError, AttributeError) as error:
        raise ValueError(f"expected a record of schema 1, found {error}") from error


def upgrade_run(values: Values) -> Values:
    """``run.json``, whose data named the columns, and whose configuration alone knew the sizes.

    Its loss was of scaled targets, whichever way windows were normalized.

    Its engine may say how many processes shared the training, as in :func:`upgrade_unfinished`.
    """
    from zoo.settings.schema import RunConfig
    from zoo.tasks import find_task

    config, data = RunConfig.model_validate(values["config"]), values["data"]
    step = None if data["step"] is None else Step.model_validate(data["step"])
    columns = (data["features"], data["targets"], data.get("classes", ()))
    told = {"step": step, "zone": data["zone"], "season": values.get("evaluation", {}).get("season")}
    problem = find_task(config.task).state(config.data, *columns, config.network.quantiles, **told)
    training = _picked(values["training"], _TRAINING, _LATER_TRAINING)
    if training.get("engine") is not None:
        training["engine"] = _without("processes", training["engine"])
    return values | {
        "problem": problem.model_dump(mode="json"),
        "data": _picked(data, (*_DATA, "split"), _LATER_DATA),
        "training": training,
        "loss_scale": "scaled",
    }


def upgrade_unfinished(values: Values) -> Values:
    """``config.json``, which could say how many processes shared a training; it goes on in one, with its own loss."""
    return _without("distribute", values) | {"loss_scale": "scaled"}


def upgrade_manifest(values: Values) -> Values:
    """``manifest.json``, whose interface is part of the problem, and whose split had numbers of rows alone."""
    interface, data = values["interface"], values["data"]
    columns = {
        "window": interface["features"],
        "forecast": interface["targets"],
        "probabilities": interface.get("classes", ()),
    }
    problem = {key: value for key, value in interface.items() if key not in ("window", "features")}
    for end in ("inputs", "outputs"):
        problem[end] = [tensor | {"columns": columns.get(tensor["name"], ())} for tensor in interface[end]]
    split = {name: {"rows": rows} for name, rows in data["split"].items()}
    split["train"] |= {"first": data["train_first"], "last": data["train_last"]}
    return _without("interface", values) | {
        "problem": problem | {"step": data["step"], "zone": data["zone"], "season": values["metrics"].get("season")},
        "data": _picked(data, _DATA, _LATER_DATA) | {"split": split},
    }


def _picked(values: Mapping[str, Any], names: tuple[str, ...], later: tuple[str, ...]) -> Values:
    """The values of these names, and those that not every record of schema 1 has."""
    return {name: values[name] for name in names} | {name: values[name] for name in later if name in values}


def _without(name: str, values: Mapping[str, Any]) -> Values:
    return {key: value for key, value in values.items() if key != name}

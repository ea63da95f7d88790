"""Runs and bundles in MLflow, on a tracking server or in a local database."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from zoo.tracking.concealing import conceal
from zoo.tracking.flattening import flat_metrics, flat_settings, measured_on_test
from zoo_registry import hookimpl
from zoo_registry.discovery import sentence_of
from zoo_registry.errors import ConfigError

EXPERIMENT = "lstm-zoo"
MAX_PARAMETER, MAX_TAG = 6000, 8000  # characters that MLflow takes
MAX_PARAMETERS, MAX_METRICS = 100, 1000  # that it takes in one request
MAX_REASON = 200  # characters of MLflow's own sentence, which may go on for lines
RUN_TAG, CONFIG_TAG, DATA_TAG, ERROR_TAG = "zoo.run_id", "zoo.config", "zoo.data.fingerprint", "zoo.error"


def require_mlflow() -> None:
    """Raise ConfigError where MLflow is not installed; quick, as nothing is imported."""
    if find_spec("mlflow") is None:
        raise ConfigError("`mlflow` needs MLflow, which is not installed; run: pip install 'lstm-zoo[mlflow]'")


class MlflowTracker:
    """Logs a run's parameters, metrics, artifacts and bundle; raises ConfigError where the store cannot be reached.

    The experiment is ``lstm-zoo``, or what MLFLOW_EXPERIMENT_NAME says. An MLflow run bears the run's id as its name
    and as the tag ``zoo.run_id``, by which a resumed training and a later export find it again.
    """

    name = "MLflow"

    def __init__(self, uri: str) -> None:
        require_mlflow()
        if not uri.strip():  # MLflow would write where it likes
            raise ConfigError("`mlflow`: expected a URI such as sqlite:///mlflow.db, found none; name one")
        # MLflow's own patience with a server that does not answer is four minutes for each call
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "30")
        self._uri = uri
        experiment = os.environ.get("MLFLOW_EXPERIMENT_NAME", EXPERIMENT)
        try:
            from mlflow.tracking import MlflowClient

            self._client: Any = MlflowClient(tracking_uri=uri)
            found = self._client.get_experiment_by_name(experiment)
            if found is not None and found.lifecycle_stage != "active":
                raise ValueError(f"the experiment {experiment} is deleted there; restore it")
            self._experiment = self._client.create_experiment(experiment) if found is None else found.experiment_id
        except Exception as error:  # MLflow raises its own, SQLAlchemy's, requests' and more
            reason = _cut(self.conceal(sentence_of(error)).split(". ")[0], MAX_REASON)
            raise ConfigError(
                f"`mlflow` {self.conceal(uri)}: expected MLflow's tracking server or database, found {reason}; name one"
                " such as http://127.0.0.1:5000 or sqlite:///mlflow.db"
            ) from error
        self._run: str | None = None  # MLflow's own id
        self._known = 0
        self._over = False

    @hookimpl
    def zoo_run_started(self, run_id: str, config: dict[str, Any]) -> None:
        # ids are unique in one folder of runs; with the same configuration too it is the same training, resumed
        digest = hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()
        unfinished = "attributes.status != 'FINISHED'"
        self._run = self._find(unfinished, **{RUN_TAG: run_id, CONFIG_TAG: digest})
        if self._run is not None:
            self._client.update_run(self._run, status="RUNNING")
            if ERROR_TAG in self._client.get_run(self._run).data.tags:
                self._client.delete_tag(self._run, ERROR_TAG)
            self._known = max((point.step for point in self._client.get_metric_history(self._run, "loss")), default=0)
            return
        self._run = self._create(run_id, {CONFIG_TAG: digest, "zoo.architecture": config["architecture"]})
        self._log_parameters(config)

    @hookimpl
    def zoo_epoch_ended(self, epoch: int, metrics: dict[str, float]) -> None:
        if epoch > self._known:  # a resumed training comes by epochs again that a killed one had told of
            self._log_metrics(flat_metrics(metrics), epoch)

    @hookimpl
    def zoo_run_finished(self, folder: str, record: dict[str, Any]) -> None:
        self._log_metrics(measured_on_test(record), record["training"]["epochs"])
        self._tag(
            {
                "zoo.verdict": (record["evaluation"] or {}).get("verdict", "trained on all rows"),
                DATA_TAG: record["data"]["fingerprint"],
                "zoo.distribution": f"{record['plugin']['distribution']} {record['plugin']['version']}",
                "zoo.folder": str(Path(folder).resolve()),
            }
        )
        self._client.log_artifacts(self._run, folder, "run")
        self._client.set_terminated(self._run, "FINISHED")
        self._over = True

    @hookimpl
    def zoo_bundle_written(self, run_id: str, folder: str, manifest: dict[str, Any]) -> None:
        if self._run is None:  # an export of an earlier training
            data = {DATA_TAG: manifest["data"]["fingerprint"]}
            self._run = self._find("attributes.status = 'FINISHED'", **{RUN_TAG: run_id}, **data)
            if self._run is None:  # which MLflow was not told of
                self._run = self._create(run_id, data | {"zoo.architecture": manifest["architecture"]["name"]})
                self._client.set_terminated(self._run, "FINISHED")
            self._over = True
        bundle = Path(folder).resolve()
        # each version apart: a bundle's hashes hold only while it is whole
        self._client.log_artifacts(self._run, str(bundle), f"bundle/{manifest['model']}/{bundle.name}")
        self._tag(
            {
                "zoo.bundle": str(bundle),
                "zoo.bundle.version": bundle.name,
                "zoo.bundle.parity": json.dumps(manifest["parity"]),
            }
        )

    def conceal(self, text: str) -> str:
        """A text without the password of this store."""
        return conceal(text, self._uri)

    def abandon(self, error: BaseException) -> None:
        """End an MLflow run that is not over: FAILED, or KILLED after Ctrl-C or a signal."""
        if self._run is not None and not self._over:
            self._tag({ERROR_TAG: self.conceal(sentence_of(error))})
            self._client.set_terminated(self._run, "FAILED" if isinstance(error, Exception) else "KILLED")

    def _find(self, status: str, **tags: str) -> str | None:
        wanted = " and ".join([status, *(f"tags.`{key}` = '{value}'" for key, value in tags.items())])
        found = self._client.search_runs([self._experiment], wanted, max_results=1)  # the newest is first
        return found[0].info.run_id if found else None

    def _create(self, run_id: str, tags: dict[str, str]) -> str:
        created = self._client.create_run(self._experiment, run_name=run_id, tags={RUN_TAG: run_id} | tags)
        return str(created.info.run_id)

    def _log_parameters(self, config: dict[str, Any]) -> None:
        from mlflow.entities import Param

        settings = flat_settings(config)
        # an empty value is refused by some stores
        shown = {name: _cut(value, MAX_PARAMETER) or '""' for name, value in settings.items()}
        for some in _slices([Param(name, value) for name, value in shown.items()], MAX_PARAMETERS):
            self._client.log_batch(self._run, params=some)
        if cut := [name for name, value in settings.items() if len(value) > MAX_PARAMETER]:
            self._tag({"zoo.cut": f"{', '.join(cut)}: whole in run/run.json"})

    def _log_metrics(self, metrics: dict[str, float], step: int) -> None:
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        for some in _slices([Metric(name, value, now, step) for name, value in metrics.items()], MAX_METRICS):
            self._client.log_batch(self._run, metrics=some)

    def _tag(self, tags: dict[str, str]) -> None:
        for name, value in tags.items():
            self._client.set_tag(self._run, name, _cut(value, MAX_TAG))


def _slices(items: list[Any], most: int) -> Iterator[list[Any]]:
    for start in range(0, len(items), most):
        yield items[start : start + most]


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"

"""Records of schema 1: read as those of this one, and refused in one sentence where they lack something."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from zoo.bundle.manifest import Manifest
from zoo.migrations import migrate, upgrade_run
from zoo.runs.record import read_record
from zoo.runs.unfinished import UnfinishedRun
from zoo_registry.errors import BundleError, RunError

FIXTURES = Path(__file__).parents[1] / "fixtures" / "version-1"
KINDS = {
    kind: told["run"]
    for kind, told in json.loads((FIXTURES / "expected.json").read_text(encoding="utf-8")).items()
    if not kind.startswith("unfinished")
}
UNFINISHED = sorted(path.name for path in (FIXTURES / "runs" / "unfinished").iterdir())


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_and_its_bundle_have_one_problem(kind):
    record = read_record(FIXTURES / "runs" / KINDS[kind])
    manifest = Manifest.read(FIXTURES / "exported" / kind / "1")
    assert manifest.problem.interface() == record.problem.served(manifest.problem.dtype, "raw").interface()
    assert (manifest.problem.step, manifest.problem.zone) == (record.problem.step, record.problem.zone)
    assert manifest.data.fingerprint == record.data.fingerprint
    assert {name: part.rows for name, part in manifest.data.split.items()} == {
        name: part.rows for name, part in record.data.split.items()
    }
    assert type(record).model_validate_json(record.model_dump_json()) == record


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda told: told.pop("config"), "'config'"),
        (lambda told: told["config"]["data"].update(window=0), "data.window"),
        (lambda told: told["data"].pop("features"), "'features'"),
        (lambda told: told["data"].update(features=[]), "inputs"),
        (lambda told: told["data"].update(split=[]), "data.split"),
        (lambda told: told.update(data=3), "schema 1"),
        (lambda told: told["training"].pop("best_epoch"), "'best_epoch'"),
        (lambda told: told.pop("versions"), "versions"),
    ],
)
def test_a_run_that_lacks_something(tmp_path, change, place):
    told = json.loads((FIXTURES / "runs" / KINDS["huber"] / "run.json").read_text(encoding="utf-8"))
    change(told)
    (tmp_path / "run.json").write_text(json.dumps(told), encoding="utf-8")
    with pytest.raises(RunError, match="not a valid record of this version") as caught:
        read_record(tmp_path)
    assert place in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "Value error" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda told: told.pop("interface"), "'interface'"),
        (lambda told: told["interface"].update(window=None, novel=1), "problem.novel"),
        (lambda told: told["interface"]["features"].pop(), "problem.inputs.0"),
        (lambda told: told["interface"].update(inputs=3), "schema 1"),
        (lambda told: told["data"].pop("train_first"), "'train_first'"),
        (lambda told: told["data"]["split"].pop("test"), "data.split"),
    ],
)
def test_a_manifest_that_lacks_something(tmp_path, change, place):
    told = json.loads((FIXTURES / "exported" / "huber" / "1" / "manifest.json").read_bytes())
    told.pop("checksum")
    change(told)
    body = json.dumps(told, indent=2).removesuffix("\n}").encode()
    seal = f',\n  "checksum": "{hashlib.sha256(body).hexdigest()}"\n}}\n'.encode()
    (tmp_path / "manifest.json").write_bytes(body + seal)
    with pytest.raises(BundleError, match=r"manifest\.json: not a valid manifest") as caught:
        Manifest.read(tmp_path)
    assert place in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", UNFINISHED)
def test_an_unfinished_run_that_several_processes_shared_goes_on_in_one(tmp_path, name):
    folder = FIXTURES / "runs" / "unfinished" / name
    shutil.copytree(folder, tmp_path / folder.name)
    (tmp_path / folder.name / "files.sha256").unlink(missing_ok=True)
    path = tmp_path / folder.name / "config.json"
    told = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(told | {"distribute": 2}), encoding="utf-8")
    assert UnfinishedRun.read(path.parent).record == UnfinishedRun.read(folder).record
    assert UnfinishedRun.read(folder).record.loss_scale == "scaled"


def test_a_run_that_several_processes_shared_is_read(tmp_path):
    folder = FIXTURES / "runs" / KINDS["huber"]
    told = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    told["training"]["engine"]["processes"] = 2
    (tmp_path / "run.json").write_text(json.dumps(told), encoding="utf-8")
    assert read_record(tmp_path).training == read_record(folder).training


def test_what_is_of_no_earlier_schema_stays_as_it_is():
    for values in ({"schema_version": 2}, {"schema_version": 3}, {}, [], None, "text"):
        assert migrate(values, upgrade_run) is values

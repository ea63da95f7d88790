"""A trial in a worker: it reads the table once, tells how it goes, stops where asked, and never raises."""

from __future__ import annotations

import numpy as np
import pytest

from zoo.training.preparation import read_data
from zoo.tuning.cross_validation import cross_validate
from zoo.tuning.folds import time_folds
from zoo.tuning.trial import TrialTask, run_trial, write_data
from zoo.tuning.trial_record import COMPLETE, FAILED, PRUNED
from zoo.workers.process_pool import FileReporter, LocalFile
from zoo.workers.sharing import read_value


class Told(FileReporter):
    """Keeps what it is told, and stops after so many messages."""

    def __init__(self, most: int = 99) -> None:
        super().__init__("", "")
        object.__setattr__(self, "messages", [])
        object.__setattr__(self, "most", most)

    def send(self, message):
        self.messages.append(message)

    def stopped(self):
        return len(self.messages) >= self.most


@pytest.fixture
def data(make_config, series, tmp_path):
    config = make_config()
    table = read_data(config.data, series)
    folds = time_folds(config, table, folds=2)
    path = tmp_path / "data.joblib"
    write_data(path, table, folds)
    return LocalFile(str(path)), table, folds


def test_the_table_is_mapped_into_memory_and_read_once(data):
    file, table, folds = data
    read, again = read_value(file.path), read_value(file.path)
    assert read is again
    assert isinstance(read[0].values, np.memmap)
    assert not read[0].values.flags.writeable
    np.testing.assert_array_equal(read[0].values, table.values)
    assert (read[0].fingerprint(), read[1]) == (table.fingerprint(), folds)


def test_a_trial_gives_what_a_cross_validation_gives_and_tells_each_epoch(make_config, data):
    config, reporter = make_config(epochs=2), Told()
    outcome = run_trial(TrialTask(config, data[0], reporter, tell_epochs=True))
    assert outcome.state == COMPLETE
    expected = cross_validate(config, *data[1:]).plain()
    assert (outcome.result["error"], outcome.result["spread"]) == (expected["error"], expected["spread"])
    assert {message["epochs"] for message in reporter.messages if "epoch" in message} == {2}
    places = [(message["fold"], message.get("epoch", "measured")) for message in reporter.messages]
    assert places == [(1, 1), (1, 2), (1, "measured"), (2, 1), (2, 2), (2, "measured")]
    assert reporter.messages[2]["measured"] == expected["folds"][0]["error"]


@pytest.mark.full
def test_a_trial_stops_where_it_is_asked_to(make_config, data):
    for most, tell_epochs in ((2, True), (1, False)):
        reporter = Told(most)
        assert run_trial(TrialTask(make_config(epochs=3), data[0], reporter, tell_epochs)).state == PRUNED
        assert len(reporter.messages) == most


def test_what_goes_wrong_is_a_reason(make_config, data, monkeypatch):
    long = run_trial(TrialTask(make_config(window=200), data[0], Told(), tell_epochs=False))
    assert (long.state, long.result) == (FAILED, None)
    assert "the train part has 168 of 240 rows, but window + horizon need 203" in long.reason

    def broken(*_, **__):
        raise ZeroDivisionError("of a plugin")

    monkeypatch.setattr("zoo.tuning.cross_validation.cross_validate", broken)
    found = run_trial(TrialTask(make_config(), data[0], Told(), tell_epochs=False))
    assert (found.state, found.reason) == (FAILED, "ZeroDivisionError: of a plugin")

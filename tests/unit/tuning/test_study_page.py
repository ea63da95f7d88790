"""The page of a study tells all of its trials, and shows no user's text as markup."""

from __future__ import annotations

from html import escape

import pytest

from zoo.tuning.study_page import study_page, trial_rows
from zoo.tuning.trial_record import COMPLETE, FAILED, PRUNED, TrialRecord, TuningError


def record(number, architecture="basic", error=None, state=COMPLETE, reason=None, **parameters):
    result = {}
    if error is not None:
        folds = [{"best_epoch": 3}, {"best_epoch": 6}]
        result = {"measure": "MAE", "error": error, "spread": 0.5, "epochs": 12, "seconds": 2.0, "folds": folds}
    return TrialRecord(number, state, architecture, parameters, number, error, result.get("spread"), reason, result)


@pytest.fixture
def plan(make_study_plan):
    search = {"window": [8, 16, 24], "learning_rate": {"low": 1e-3, "high": 1e-1, "log": True}}
    return make_study_plan(("basic", "stacked"), search=search, only=["layers"], fingerprint="abc")


TRIALS = [
    record(0, error=3.0, window=8, learning_rate=0.01),
    record(1, "stacked", error=2.5, window=16, learning_rate=0.001, layers=3),
    record(2, state=PRUNED, reason="in fold 1, epoch 4, behind the others", window=8, learning_rate=0.1),
    record(3, "stacked", state=FAILED, reason="<b>no & room</b>", window=24, learning_rate=0.1, layers=2),
    record(4, error=2.75, window=16, learning_rate=0.02),
]


def test_what_the_page_says(plan):
    config = plan.configure(plan.space.point({"architecture": "stacked", **TRIALS[1].parameters}), 1)
    text = study_page("mine", plan, TRIALS, config, {"": {"window": 0.8, "learning_rate": 0.2}, "basic": {}})
    assert "Trial 1, stacked, is the best of 3 complete ones: an MAE of 2.5, with a spread of 0.5 over 3 folds." in text
    for head in ("History", "Importance", "Parallel coordinates", "Error by window length", "Trials", "Search"):
        assert f"<h2>{head}</h2>" in text
    assert text.count("<svg") == 1 + 1 + 2 + 1
    assert escape("<b>no & room</b>") in text
    assert "<b>no" not in text
    assert "in fold 1, epoch 4, behind the others" in text
    assert "architecture = &#34;stacked&#34;" in text
    assert "<td>16</td><td>2</td><td>2.5</td><td>2.625</td>" in text, "window, trials, least, median"
    assert "0.001 to 0.1, logarithmic" in text
    assert "<script" not in text


def test_without_windows_to_compare_there_is_no_such_section(plan):
    config = plan.configure(plan.space.point({"architecture": "basic", **TRIALS[0].parameters}), 1)
    text = study_page("mine", plan, TRIALS[:1], config, {})
    assert "Error by window length" not in text
    assert "Too few complete trials" in text
    with pytest.raises(TuningError, match="none of its 1 trials is complete"):
        study_page("mine", plan, TRIALS[2:3], config, {})


def test_the_best_trial_stands_first():
    assert [row[0] for row in trial_rows(TRIALS)] == ["1", "4", "0"]
    assert trial_rows(TRIALS)[1] == ("4", "basic", "2.75", "0.5", "12", "2.0", "window=16, learning_rate=0.02")

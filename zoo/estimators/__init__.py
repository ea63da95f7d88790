"""The zoo as scikit-learn estimators: forecasts and classes of a table's rows."""

from zoo.estimators.classifier import SequenceClassifier
from zoo.estimators.regressor import SequenceRegressor

__all__ = ["SequenceClassifier", "SequenceRegressor"]

"""What the columns that a task names are to it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Roles:
    """What targets are, told to whoever reads and scales them; without any flag they are columns of numbers.

    ``ahead``: they are asked for in the rows behind a window, else in its last one. ``classes``: the one target is a
    column of classes. ``apart``: targets are no features, so that a network is not told their past. ``judged``: targets
    are features, all of them unless named, and compared with what is made of them. ``label_remedy`` is what to do about
    a column of labels that holds none.
    """

    ahead: bool = False
    classes: bool = False
    apart: bool = False
    judged: bool = False
    label_remedy: str = "name another column, or take `task='regress'`"


NUMBERS = Roles()

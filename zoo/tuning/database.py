"""The database that a study is kept in, by its URL, and what databases say as sentences."""

from __future__ import annotations

import sqlite3
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import optuna

from zoo.tuning.trial_record import TuningError
from zoo_registry.errors import first_line

_PATIENCE = 100.0  # seconds until SQLite gives up, as several may write
_OPENINGS, _MOMENT = 5, 1.0  # times that a database is opened which others are making, and seconds between them


def open_database(place: str | Path) -> optuna.storages.RDBStorage:
    """Open a database, making its tables where there are none; raises TuningError where it cannot be used.

    ``place`` is a URL, or the path of a file of SQLite's, in which any characters may stand, as no URL is made of it.
    Where several hosts begin a study at once, all but one find tables that were not there a moment ago, and look again.
    No connection stays open between two questions, between which hours may lie, but one to a database in memory, which
    ends with the storage.
    """
    import sqlalchemy  # whole, before its parts: threads that import those at once find some half made

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    url = "sqlite:///study.db" if isinstance(place, Path) else place
    with database_errors(None if isinstance(place, Path) else url):
        options = _engine_options(place)
        for again in reversed(range(_OPENINGS)):
            try:
                storage = optuna.storages.RDBStorage(url, engine_kwargs=options)
                weakref.finalize(storage, storage.engine.dispose)
                return storage
            except sqlalchemy.exc.SQLAlchemyError as error:
                raced = (sqlalchemy.exc.IntegrityError, sqlalchemy.exc.ProgrammingError)
                made_by_others = isinstance(error, raced) or "already exists" in str(error)
                if not again or not made_by_others:
                    raise
                time.sleep(_MOMENT)
    raise AssertionError("the last attempt returns or raises")


def _engine_options(place: str | Path) -> dict[str, Any]:
    """How SQLAlchemy connects: several may write, and a database in memory is lost with its connection."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.pool import NullPool, SingletonThreadPool

    if isinstance(place, Path):
        connect = partial(sqlite3.connect, place.absolute(), timeout=_PATIENCE, check_same_thread=False)
        return {"creator": connect, "poolclass": NullPool}
    options: dict[str, Any] = {"connect_args": {"timeout": _PATIENCE}} if place.startswith("sqlite") else {}
    url = make_url(place)
    dialect: Any = url.get_dialect()
    in_memory = dialect.get_pool_class(url) is SingletonThreadPool
    return options if in_memory else options | {"poolclass": NullPool}


@contextmanager
def database_errors(url: str | None) -> Iterator[None]:
    """Raise TuningError for what a database says, without its password; no URL: a study's own one."""
    from sqlalchemy.exc import ArgumentError, SQLAlchemyError

    try:
        yield
    except ArgumentError as error:
        raise TuningError(
            "`storage`: expected a database's URL, such as sqlite:///study.db or"
            " postgresql+psycopg://user@host/database; mend it"
        ) from error
    except ImportError as error:
        missing = getattr(error.__cause__, "name", None)
        raise TuningError(
            f"`storage` {shown_url(url or '')}: the driver of this database{f' ({missing})' if missing else ''} is not"
            " installed; run: pip install 'psycopg[binary]' (PostgreSQL, as postgresql+psycopg://…), or pip install"
            " pymysql (MySQL, as mysql+pymysql://…)"
        ) from error
    except (SQLAlchemyError, optuna.exceptions.StorageInternalError) as error:
        cause = error.__cause__ or error
        reason = first_line(getattr(cause, "orig", None) or cause)
        where = "the study's database" if url is None else f"`storage` {shown_url(url)}"
        raise TuningError(
            f"{where}: cannot be used ({reason}); check that it is there, and that it is yours"
        ) from error


def shown_url(url: str) -> str:
    """A storage's URL without its password."""
    from sqlalchemy.engine import make_url

    return make_url(url).render_as_string(hide_password=True)

"""A signal during a training is answered between two batches, once, by who answers it otherwise."""

from __future__ import annotations

import signal
import sys
import threading

import pytest

from zoo.training.interrupts import Interrupts


@pytest.fixture(autouse=True)
def terminating():
    """SIGTERM and SIGHUP end Python, as in the command."""
    usual = {number: signal.signal(number, lambda *_: sys.exit(9)) for number in (signal.SIGTERM, signal.SIGHUP)}
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, *usual)]
    yield
    assert [signal.getsignal(number) for number in (signal.SIGINT, *usual)] == handlers, "all is as before"
    for number, handler in usual.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("moment", ["on_train_batch_end", "on_test_batch_end"])
@pytest.mark.parametrize(
    ("number", "error"),
    [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, SystemExit), (signal.SIGHUP, SystemExit)],
)
def test_repair_06_the_end_of_a_batch_answers(moment, number, error):
    interrupts = Interrupts()
    with interrupts.noted():
        getattr(interrupts, moment)(0)
        signal.raise_signal(number)
        with pytest.raises(error):
            getattr(interrupts, moment)(1)
        getattr(interrupts, moment)(2)


def test_a_second_signal_is_answered_at_once():
    interrupts = Interrupts()
    with interrupts.noted():
        signal.raise_signal(signal.SIGTERM)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        with pytest.raises(SystemExit):
            interrupts.on_train_batch_end(0)


@pytest.mark.parametrize("error", [None, ValueError("the loss became nan")])
def test_without_another_batch_the_end_answers(error):
    @Interrupts().noted()
    def train():
        signal.raise_signal(signal.SIGINT)
        if error is not None:
            raise error

    with pytest.raises(KeyboardInterrupt) as told:
        train()
    assert told.value.__context__ is error


def test_what_is_ignored_stays_ignored():
    usual = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        interrupts = Interrupts()
        with interrupts.noted():
            signal.raise_signal(signal.SIGINT)
            interrupts.on_train_batch_end(0)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, usual)


def test_other_threads_note_nothing():
    found = []

    def train():
        with Interrupts().noted():
            found.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=train)
    thread.start()
    thread.join()
    assert found == [signal.getsignal(signal.SIGINT)]

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable

import pytest

from udfs.runtime.errors import PolarAIError
from udfs.runtime.interrupts import Operation, run, run_many


def no_poll() -> None:
    pass


class Cancelled(Exception):
    pass


def cancel_after(seconds: float) -> Callable[[], None]:
    end = time.monotonic() + seconds

    def poll() -> None:
        if time.monotonic() >= end:
            raise Cancelled

    return poll


class Waiting:
    """An exchange that waits until it is broken off, if it can be."""

    def __init__(self, seconds: float, breakable: bool = True) -> None:
        self.deadline = time.monotonic() + seconds
        self.description = "waiting for nothing"
        self.breakable = breakable
        self.ended = threading.Event()

    def abort(self) -> None:
        if self.breakable:
            self.ended.set()

    def work(self, operation: Operation) -> str:
        operation.enter(self)
        self.ended.wait(20)
        operation.leave(self)
        return "ended"


def test_work_runs_beside_the_main_thread_and_returns_its_result() -> None:
    assert run(threading.current_thread, Operation(), no_poll) is not threading.current_thread()


def test_what_the_work_raises_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        run(lambda: 1 / 0, Operation(), no_poll)


def test_a_cancel_ends_the_wait_and_breaks_off_what_is_under_way() -> None:
    operation, waiting = Operation(), Waiting(60)
    start = time.monotonic()

    with pytest.raises(Cancelled):
        run(lambda: waiting.work(operation), operation, cancel_after(0.2))

    assert time.monotonic() - start < 1
    assert operation.aborted.is_set() and waiting.ended.wait(1)


def test_a_cancel_ends_a_pause_between_tries() -> None:
    operation, woken = Operation(), threading.Event()

    def work() -> None:
        operation.sleep(60)
        woken.set()

    with pytest.raises(Cancelled):
        run(work, operation, cancel_after(0.1))
    assert woken.wait(1)


def test_past_its_deadline_an_exchange_is_broken_off() -> None:
    operation, waiting = Operation(), Waiting(0.2)
    start = time.monotonic()
    assert run(lambda: waiting.work(operation), operation, no_poll) == "ended"
    assert 0.2 <= time.monotonic() - start < 1


def test_an_exchange_that_cannot_be_broken_off_is_given_up() -> None:
    operation, waiting = Operation(), Waiting(0.1, breakable=False)
    with pytest.raises(PolarAIError, match="waiting for nothing did not end in time") as error:
        run(lambda: waiting.work(operation), operation, no_poll)
    assert (error.value.sqlstate, error.value.scope) == ("08006", "batch")
    waiting.ended.set()


def test_what_begins_after_a_cancel_is_broken_off_at_once() -> None:
    operation, late = Operation(), Waiting(60)
    operation.abort()
    operation.enter(late)
    assert late.ended.is_set()


def test_results_come_with_their_positions_and_no_more_run_at_once_than_allowed() -> None:
    running, most, lock = 0, 0, threading.Lock()

    def work(number: int) -> int:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.01)
        with lock:
            running -= 1
        return number * number

    works = [lambda number=number: work(number) for number in range(20)]
    assert sorted(run_many(works, Operation(), no_poll, 4)) == [(n, n * n) for n in range(20)]
    assert most == 4


def test_the_first_failure_ends_the_others_and_starts_no_more() -> None:
    operation, waiting = Operation(), Waiting(60)
    started: list[int] = []

    def fail() -> str:
        time.sleep(0.1)
        raise ZeroDivisionError

    works = [lambda: waiting.work(operation), fail, lambda: started.append(1) or "started"]
    with pytest.raises(ZeroDivisionError):
        list(run_many(works, operation, no_poll, 2))
    assert waiting.ended.wait(1) and not started


def test_no_work_is_no_result() -> None:
    assert list(run_many([], Operation(), no_poll, 4)) == []


def test_worker_threads_take_no_signals_and_the_main_thread_keeps_taking_them() -> None:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    masks = list(run_many([lambda: signal.pthread_sigmask(signal.SIG_BLOCK, [])] * 8, Operation(), no_poll, 8))
    for _, mask in masks:
        assert {signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGALRM, signal.SIGHUP} <= set(mask)
    assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == before

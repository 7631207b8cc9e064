"""Background programs: which process counts as theirs, how they start and end, and where they listen."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from scripts.common.errors import UserError
from scripts.common.service import PORTS, Service, end, free_port, is_alive, wait_for


@pytest.fixture
def service(tmp_path: Path) -> Service:
    return Service("The example", tmp_path, "example")


def start(service: Service, program: str) -> subprocess.Popen[bytes]:
    return service.start([sys.executable, "-c", program], os.environ)


def test_the_recorded_process_is_found_until_it_ends(service: Service) -> None:
    assert service.process() is None and not service.stop()
    process = start(service, "import time; time.sleep(60)")
    service.record(process.pid, port=4711)
    assert json.loads(service.state_file.read_text()) == {"pid": process.pid, "port": 4711}
    assert service.state_file.stat().st_mode & 0o777 == 0o600
    found = service.process()
    assert found is not None and found.pid == process.pid
    assert service.stop()
    # Nobody has reaped it yet.
    assert psutil.pid_exists(process.pid) and service.process() is None
    process.wait()


def test_another_process_with_the_recorded_number_does_not_count(service: Service) -> None:
    service.record(os.getpid())
    assert service.process() is not None
    os.utime(service.state_file, (0, 0))
    assert service.process() is None
    assert not service.stop()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"port": 1}', '{"pid": null}'])
def test_a_record_that_says_nothing_is_no_process(service: Service, text: str) -> None:
    service.state_file.write_text(text)
    assert service.process() is None


def test_stopping_ends_the_children_too_and_those_that_do_not_listen() -> None:
    program = (
        "import signal, subprocess, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']); print('ready', flush=True);"
        "time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdout.readline()
        parent = psutil.Process(process.pid)
        (child,) = parent.children()
        assert end(parent, 0.3)
        assert not is_alive(parent) and not is_alive(child)


def test_a_start_that_fails_shows_the_log_and_leaves_nothing_behind(service: Service) -> None:
    process = start(service, "print('no such setting'); raise SystemExit(1)")
    with pytest.raises(UserError, match="The example ended while it was starting") as raised:
        service.wait_until_ready(process, lambda: False, 20)
    assert "no such setting" in str(raised.value) and str(service.log_file) in str(raised.value)
    process = start(service, "import time; time.sleep(60)")
    with pytest.raises(UserError, match="was not ready after 0 s"):
        service.wait_until_ready(process, lambda: False, 0.2)
    assert process.returncode is not None


def test_a_remembered_port_is_taken_again_if_it_is_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        taken = listener.getsockname()[1]
        assert free_port(taken) != taken
    assert free_port(taken) == taken
    assert free_port() in PORTS
    with pytest.raises(UserError, match=r"Cannot listen on 203\.0\.113\.1"):
        free_port(host="203.0.113.1")


def test_waiting_ends_with_the_first_true_value_or_the_last_false_one() -> None:
    values = iter([None, 0, "ready"])
    assert wait_for(lambda: next(values), 20, 0.01) == "ready"
    began = time.monotonic()
    assert wait_for(lambda: 0, 0.05, 0.01) == 0
    assert time.monotonic() - began < 5

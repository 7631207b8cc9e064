#!/usr/bin/env python3
"""Start, stop and ask about the embedded PostgreSQL server. See scripts/local_postgres.py --help."""

import importlib.util
import os
import runpy
import sys

SCRIPTS = os.path.dirname(os.path.realpath(__file__))  # noqa: PTH120 - runs in any Python 3

PACKAGES = ("pg0", "psycopg", "psutil", "filelock", "platformdirs")

# An interpreter that has the packages runs the program itself; scripts/run finds one for the others.
if sys.version_info >= (3, 11) and all(map(importlib.util.find_spec, PACKAGES)):
    sys.path[0] = os.path.dirname(SCRIPTS)  # noqa: PTH120
    runpy.run_module("scripts.programs.local_postgres", run_name="__main__", alter_sys=True)
else:
    os.execv(f"{SCRIPTS}/run", ["run", "local_postgres", *sys.argv[1:]])  # noqa: S606 - no shell is wanted

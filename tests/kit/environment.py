"""Loaded before Django reads its settings: nothing from the shell, and a data folder thrown away at the end."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

KEPT = {"ADSUM_DATABASE_URL"}

worker = os.environ.get("PYTEST_XDIST_WORKER")
if worker:  # inside the folder of the process that started us, which removes it
    DATA = Path(os.environ["ADSUM_DATA"]) / worker
    DATA.mkdir(exist_ok=True)
else:
    DATA = Path(tempfile.mkdtemp(prefix="adsum-tests-"))
    atexit.register(shutil.rmtree, DATA, ignore_errors=True)

for name in [name for name in os.environ if name.startswith("ADSUM_") and name not in KEPT]:
    del os.environ[name]
os.environ["ADSUM_DATA"] = str(DATA)
# Each process collects static files for itself; a server warns when it has no folder of them at all.
STATIC = DATA / "static"
STATIC.mkdir(exist_ok=True)
os.environ["ADSUM_STATIC"] = str(STATIC)
os.environ.setdefault("ADSUM_DATABASE_URL", "")  # an empty one outweighs the developer's .env file

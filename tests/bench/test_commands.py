"""Every benchmark can be started by hand: nothing else notices one that no longer can."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BY_HAND = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for path in (ROOT / "bench").rglob("*.py")
    if 'if __name__ == "__main__"' in path.read_text()
)


@pytest.mark.once
@pytest.mark.parametrize("module", BY_HAND)
def test_a_benchmark_starts_without_anything_set_up_before(module: str) -> None:
    bare = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    loading = [sys.executable, "-c", f"import {module}"]
    done = subprocess.run(loading, cwd=ROOT, env=bare, stdin=subprocess.DEVNULL, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()

"""An `adsum` command on a machine whose clock is wrong: `python -m tests.faults.skewed SECONDS serve …`."""

import sys
from datetime import UTC, datetime, timedelta

import time_machine

from adsum.ops.cli import main

if __name__ == "__main__":
    wrong = datetime.now(UTC) + timedelta(seconds=float(sys.argv[1]))
    time_machine.travel(wrong, tick=True).start()  # the workers are forked from here, and have the same clock
    sys.exit(main(sys.argv[2:]))

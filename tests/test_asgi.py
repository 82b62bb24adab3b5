"""What a server does once, before it answers."""

import gc
import time

from adsum.asgi import keep_what_is_loaded


def test_no_request_waits_while_garbage_is_looked_for_in_what_is_loaded():
    gc.unfreeze()
    try:
        gc.collect()
        began = time.process_time()
        gc.collect()
        whole = time.process_time() - began
        keep_what_is_loaded()
        began = time.process_time()
        gc.collect()
        assert time.process_time() - began < whole / 4
    finally:
        gc.unfreeze()

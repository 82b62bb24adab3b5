"""What a server does once, before it answers."""

import gc

from adsum.asgi import make_ready


def test_garbage_is_not_looked_for_in_what_is_loaded():
    gc.unfreeze()
    try:
        looked_at = len(gc.get_objects())
        make_ready()
        assert len(gc.get_objects()) < looked_at / 10
    finally:
        gc.unfreeze()

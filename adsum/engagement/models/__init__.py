"""The tables of engagement: a file for each thing."""

from adsum.engagement.models.alert import Alert, AlertClass, Closure, Tick, Told, WelfareHold

__all__ = ["Alert", "AlertClass", "Closure", "Tick", "Told", "WelfareHold"]

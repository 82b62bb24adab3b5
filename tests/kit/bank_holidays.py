"""The file of bank holidays that Adsum comes with, as text."""

from django.conf import settings

TEXT: str = settings.BANK_HOLIDAYS.read_text(encoding="utf-8")

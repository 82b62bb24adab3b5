"""How a code looks: the QR as SVG, the typed code in two groups."""

import io

from django.conf import settings

from adsum.checkin.symbol import symbol_of

TYPED_ADDRESS = settings.ORIGIN.partition("://")[2] + "/in"
"""What a student types into any browser, to type the code."""


def code_svg(code: str) -> str:
    """The QR of a code: level M, quiet zone of 4 modules, black on white, sized by the page.

    It names its namespace: the display reads it as XML, where an `svg` without one is drawn by no browser.
    """
    drawn = io.BytesIO()
    symbol_of(settings.ORIGIN, code).save(
        drawn,
        kind="svg",
        xmldecl=False,
        nl=False,
        border=4,
        dark="#000",
        light="#fff",
        omitsize=True,
        svgclass=None,
        lineclass=None,
    )
    return drawn.getvalue().decode()


def spaced(digits: str) -> str:
    """`48210937` as people read it aloud: `4821 0937`."""
    return f"{digits[:4]} {digits[4:]}"

"""What can be read on a page."""

import html
import re
from typing import Any


def words(page: str) -> str:
    """What can be read on a page: its main part without tags."""
    main = page.split("<main", 1)[1].split("</main>", maxsplit=1)[0].partition(">")[2]
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<svg.*?</svg>|<[^>]+>", " ", main, flags=re.DOTALL))).strip()


def text_of(answer: Any) -> str:
    """All of an answer's page without its tags."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())).split())

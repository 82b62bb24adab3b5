"""Build the HTML of letters from MJML: adsum/web/templates/adsum/mail/*.mjml, each beside the template that ships.

python scripts/letters.py            writes them: make letters
python scripts/letters.py --check    says which are no longer what their MJML says: make check

What differs from letter to letter is Django's, and goes through MJML as it stands; so running Adsum needs no MJML.
"""

import re
import sys
from pathlib import Path

import mrml

ROOT = Path(__file__).resolve().parent.parent
LETTERS = ROOT / "adsum/web/templates/adsum/mail"
MADE = "{{% load i18n %}}{{# Made of {name} by make letters; change that. #}}"


def built(source: Path) -> str:
    """The template that this MJML makes. No font is fetched: letters load nothing."""
    made = mrml.to_html(source.read_text(), render_options=mrml.RenderOptions(disable_comments=True, fonts={}))
    if made.warnings:
        raise SystemExit(f"{source.name}: {', '.join(one.kind for one in made.warnings)}")
    lines = (
        line.rstrip() for line in re.sub(r">(?=<(?:table|tbody|tr|td|div|h1|h2|p|/table)\b)", ">\n", made.content).splitlines()
    )
    return MADE.format(name=source.name) + "\n".join(line for line in lines if line) + "\n"


def main() -> int:
    wrong = []
    for source in sorted(LETTERS.glob("*.mjml")):
        target, made = source.with_suffix(".html"), built(source)
        if "--check" not in sys.argv:
            target.write_text(made)
        elif target.read_text() != made:
            wrong.append(f"{target.relative_to(ROOT)} is not what {source.name} makes: run make letters")
    print(*wrong, sep="\n", end="\n" if wrong else "")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())

"""Copy the front-end files Adsum serves from their npm packages into the tree, at the versions package-lock.json pins.

Run by `make vendor` (needs npm; running Adsum does not). Writes `adsum/web/static/vendor/`, the icon sprite
`adsum/web/static/icons.svg`, `tests/browser/axe.min.js`, and `adsum/web/static/vendor/SHA256SUMS`, which a test checks.
"""

import hashlib
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MODULES = ROOT / "node_modules"
STATIC = ROOT / "adsum/web/static"
VENDOR = STATIC / "vendor"
SPRITE = STATIC / "icons.svg"
AXE = ROOT / "tests/browser/axe.min.js"
SUMS = VENDOR / "SHA256SUMS"

FONT = "@fontsource-variable/atkinson-hyperlegible-next"
COPIES = {
    "bootstrap/dist/css/bootstrap-reboot.min.css": VENDOR / "bootstrap/reboot.min.css",
    "bootstrap/dist/css/bootstrap-grid.min.css": VENDOR / "bootstrap/grid.min.css",
    "bootstrap/dist/css/bootstrap-utilities.min.css": VENDOR / "bootstrap/utilities.min.css",
    "bootstrap/LICENSE": VENDOR / "bootstrap/LICENSE",
    "bootstrap-icons/LICENSE": VENDOR / "bootstrap-icons/LICENSE",
    f"{FONT}/files/atkinson-hyperlegible-next-latin-wght-normal.woff2": VENDOR / "font/latin.woff2",
    f"{FONT}/files/atkinson-hyperlegible-next-latin-ext-wght-normal.woff2": VENDOR / "font/latin-ext.woff2",
    f"{FONT}/LICENSE": VENDOR / "font/LICENSE",
    "barcode-detector/dist/iife/ponyfill.js": VENDOR / "barcode-detector/ponyfill.js",
    "barcode-detector/LICENSE": VENDOR / "barcode-detector/LICENSE",
    "zxing-wasm/dist/reader/zxing_reader.wasm": VENDOR / "zxing-wasm/zxing_reader.wasm",
    "zxing-wasm/LICENSE": VENDOR / "zxing-wasm/LICENSE",
    "axe-core/axe.min.js": AXE,
}

# Bootstrap Icons that the pages use; each becomes <symbol id="name">.
ICONS = """
    arrow-left arrow-repeat arrow-right arrows-fullscreen box-arrow-right building calendar-check calendar-week camera
    chat-left-text check-lg chevron-down chevron-right circle-half clock clock-history download envelope
    exclamation-triangle eye file-earmark-arrow-up file-earmark-text gear hourglass-split house info-circle key
    keyboard list-check lock moon mortarboard pencil people person person-check person-circle phone plus-lg printer
    qr-code qr-code-scan question-circle search send shield-check sun three-dots trash upload wifi-off x-lg
""".split()

# The shape of each status: a Bootstrap icon, or a drawing of ours where none says it (see adsum_ui.STATUSES).
STATUS_ICONS = {
    "present": "check-circle-fill",
    "absent": "x-circle",
    "authorised": "diamond-fill",
    "pending": "diamond",
    "other-group": "check-circle",
    "remote": "check-square",
    "left-early": "arrow-right-circle",
    "cancelled": "slash-circle",
    "under-query": "question-circle-fill",
    "held": "question-circle",
}
OWN_SHAPES = {
    "late": '<circle cx="8" cy="8" r="7.25" fill="none" stroke="currentColor" stroke-width="1.5"/>'
    '<path d="M8 .75a7.25 7.25 0 0 1 0 14.5z" fill="currentColor"/>',
    "not-observed": '<circle cx="8" cy="8" r="7" fill="none" stroke="currentColor" stroke-width="1.6" '
    'stroke-dasharray="2.75 2.75"/>',
    "expected": '<circle cx="8" cy="8" r="2.5" fill="currentColor"/>',
    "not-expected": '<path d="M4 8h8" stroke="currentColor" stroke-width="1.6" stroke-linecap="round"/>',
    "swapped": '<path d="M2 5h11.5m-3-3 3 3-3 3M14 11H2.5m3 3-3-3 3-3" fill="none" stroke="currentColor" '
    'stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round"/>',
}


def symbol(name: str, drawing: str) -> str:
    return f'<symbol id="{name}" viewBox="0 0 16 16">{drawing}</symbol>'


def bootstrap_icon(name: str) -> str:
    svg = (MODULES / f"bootstrap-icons/icons/{name}.svg").read_text()
    inner = re.sub(r"\s*\n\s*", "", svg[svg.index(">") + 1 : svg.rindex("</svg>")])
    return f'<g fill="currentColor">{inner}</g>'


def sprite() -> str:
    parts = [symbol(name, bootstrap_icon(name)) for name in ICONS]
    parts += [symbol(f"status-{name}", bootstrap_icon(icon)) for name, icon in STATUS_ICONS.items()]
    parts += [symbol(f"status-{name}", drawing) for name, drawing in OWN_SHAPES.items()]
    return '<svg xmlns="http://www.w3.org/2000/svg">\n' + "\n".join(parts) + "\n</svg>\n"


def copied(source: Path) -> bytes:
    """The file's bytes, without the pointer to a source map we do not ship (hashed static names would look for it)."""
    data = source.read_bytes()
    if source.suffix in {".css", ".js"}:
        data = re.sub(rb"\n?/[/*]# sourceMappingURL=[^\n]*", b"", data).rstrip() + b"\n"
    return data


def main() -> None:
    subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=ROOT, check=True)
    written = {target: copied(MODULES / source) for source, target in COPIES.items()}
    written[SPRITE] = sprite().encode()
    for target, data in written.items():
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    lines = [f"{hashlib.sha256(data).hexdigest()}  {target.relative_to(ROOT)}\n" for target, data in written.items()]
    SUMS.write_text("".join(sorted(lines, key=lambda line: line.split()[1])))
    print(f"{len(written)} files vendored")


if __name__ == "__main__":
    main()

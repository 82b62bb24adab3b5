"""Front-end files of others: exactly those the lockfile pins, and nothing that says where they were fetched."""

import hashlib
import json
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SUMS = ROOT / "adsum/web/static/vendor/SHA256SUMS"


def test_every_vendored_file_is_the_one_that_was_vendored():
    said = {name: digest for digest, name in (line.split() for line in SUMS.read_text().splitlines())}
    found = {name: hashlib.sha256((ROOT / name).read_bytes()).hexdigest() for name in said}
    assert found == said


def test_nothing_lies_beside_them_unlisted():
    listed = {line.split()[1] for line in SUMS.read_text().splitlines()}
    there = {str(path.relative_to(ROOT)) for path in SUMS.parent.rglob("*") if path.is_file() and path != SUMS}
    assert there <= listed


def test_the_lockfile_pins_each_package_and_names_no_place():
    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    assert len(packages) > 5
    for name, package in packages.items():
        assert "resolved" not in package
        assert not name or package["integrity"].startswith("sha512-")


def test_versions_are_exact():
    package = json.loads((ROOT / "package.json").read_text())
    versions = [*package["dependencies"].values(), *package["devDependencies"].values()]
    assert [version for version in versions if not version[0].isdigit()] == []

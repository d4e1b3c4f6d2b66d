#!/usr/bin/env python3
"""Checks the layers and the bans of the house over a source tree.

usage: tidy.py ROOT            layers, bans; warns of long files
       tidy.py ROOT --format   clang-format 14 over the same files
"""

import pathlib
import subprocess
import sys

import bans
import layers

FOLDERS = ("include", "src", "apps", "examples", "tests")
LINES_MAX = 400


def sources(root):
    """{path below root: text} of all C++ files."""
    files = (file for folder in FOLDERS for file in sorted((root / folder).rglob("*")))
    return {
        file.relative_to(root).as_posix(): file.read_text(encoding="utf-8")
        for file in files
        if file.suffix in {".hpp", ".cpp"} and file.is_file()
    }


def problems(files):
    """All problems of {path: text}, one line each."""
    private = frozenset(path[len("src/") :] for path in files if path.startswith("src/") and path.endswith(".hpp"))
    found = []
    for path, text in files.items():
        found += [f"{path}:{line}: {message} [layers]" for line, message in layers.check(path, text, private)]
        found += [f"{path}:{line}: {message} [{rule}]" for line, rule, message in bans.check(path, text)]
    ring = layers.cycle(layers.header_graph(files))
    if ring:
        found.append(f"headers include each other: {' -> '.join(ring)} [layers]")
    return found


def long_files(files):
    counts = ((text.count("\n"), path) for path, text in files.items())
    return [f"{path}: {count} lines, more than {LINES_MAX}" for count, path in sorted(counts, reverse=True) if count > LINES_MAX]


def check(root):
    files = sources(root)
    if not files:
        print(f"{root}: no sources")
        return 1
    for warning in long_files(files):
        print(f"warning: {warning}")
    found = problems(files)
    for problem in found:
        print(problem)
    print(f"{len(files)} files, {len(found)} problems")
    return 1 if found else 0


def check_format(root):
    paths = [str(root / path) for path in sources(root)]
    return subprocess.run(["clang-format-14", "--dry-run", "--Werror", *paths], check=False).returncode


def main(arguments):
    if len(arguments) not in (1, 2) or arguments[1:] not in ([], ["--format"]):
        print(__doc__)
        return 2
    root = pathlib.Path(arguments[0]).resolve()
    return check_format(root) if arguments[1:] else check(root)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""What the rules of CONTRIBUTING.md ban, as functions from (path, text) to problems: (line, message)."""

import fnmatch
import re

import layers
from source_text import closing, code_only, full_expression, line_of, opening, without_lambda_bodies

_core = {"base", "model", "async", "placement", "controllers", "store", "link", "scheduler", "primary", "node", "cluster", "sim"}
_roles = {"primary", "scheduler", "node", "store", "placement", "controllers"}
_adapters = ("*/store/sqlite*", "*/link/grpc*")


def _is_core(path, folders):
    return layers.folder_of(path) in folders and not any(fnmatch.fnmatch(path, each) for each in _adapters)


def _in(path, *prefixes):
    return path.startswith(prefixes)


def _words(pattern, message, applies):
    """A ban on whatever `pattern` matches in code, in the files for which `applies(path)`."""

    def check(path, text):
        if not applies(path):
            return []
        code = code_only(text)
        return [(line_of(code, m.start()), message.format(m[0].strip())) for m in re.finditer(pattern, code)]

    return check


def await_with_braces(path, text):
    """g++ 12 destroys a brace-built aggregate, or a lambda's captures, twice inside an expression with co_await."""
    code, found = code_only(text), []
    for match in re.finditer(r"\bco_await\b", code):
        start, end = full_expression(code, match.start())
        if "{" in code[start:end]:
            found.append((line_of(code, match.start()), "braces or a lambda in an expression with co_await: name it first and move it in"))
    return found


def several_awaits(path, text):
    code, found, seen = code_only(text), [], set()
    for match in re.finditer(r"\bco_await\b", code):
        start, end = full_expression(code, match.start())
        if start in seen:
            continue
        seen.add(start)
        if len(re.findall(r"\bco_await\b", without_lambda_bodies(code[start:end]))) > 1:
            found.append((line_of(code, match.start()), "more than one co_await in a statement"))
    return found


def await_in_range_for(path, text):
    code, found = code_only(text), []
    for match in re.finditer(r"\bfor\s*\(", code):
        header = code[match.start() : closing(code, match.end() - 1)]
        if ";" not in without_lambda_bodies(header) and re.search(r"\bco_await\b", header):
            found.append((line_of(code, match.start()), "co_await in the header of a range-for"))
    return found


def _parameter_lists_of_awaitables(code):
    """(opening parenthesis, closing parenthesis) of every function that is declared to return an awaitable."""
    for match in re.finditer(r"\bawaitable\s*<", code):
        at, depth = match.end(), 1
        while at < len(code) and depth:
            depth += {"<": 1, ">": -1}.get(code[at], 0)
            at += 1
        name = re.match(r"\s+[\w:~]+(?:<[^;{}()]*>)?\s*\(", code[at:])
        if name:
            yield at + name.end() - 1, closing(code, at + name.end() - 1)
        trailing = re.search(r"\)[\s\w]*->\s*(?:\w+::)*$", code[: match.start()])
        if trailing:
            yield opening(code, trailing.start()), trailing.start()


def aggregate_default(path, text):
    """The second face of the same defect: nothing shows where such a function is called."""
    code = code_only(text)
    return [
        (line_of(code, start), "a coroutine's default argument is built with braces: overload it, or use a constructor")
        for start, end in _parameter_lists_of_awaitables(code)
        if re.search(r"=[^,]*\{", code[start:end])
    ]


def header_form(path, text):
    if not path.endswith(".hpp"):
        return []
    found = []
    if not re.match(r"// \S", text):
        found.append((1, "the first line of a header says what it is, as a // comment"))
    if not re.search(r"^#pragma once$", text, re.MULTILINE):
        found.append((1, "no #pragma once"))
    return found


def todo_without_issue(path, text):
    found = re.finditer(r"\b(TODO|FIXME|XXX)\b(?!\s*\(?#\d+)", text)
    return [(line_of(text, m.start()), f"{m[1]} without the number of an issue, as in {m[1]}(#12)") for m in found]


def _is_library(path):
    return _in(path, "include/", "src/", "apps/")


def _may_keep_time(path):
    return not _is_library(path) or layers.folder_of(path) in {"async", "sim"}


def _may_spawn(path):
    """`all` is a door, too: it serves programs without coroutines from a thread of its own."""
    return not _in(path, "include/", "src/") or layers.folder_of(path) in {"async", "sim", "all"}


BANS = {
    "await_with_braces": await_with_braces,
    "several_awaits": several_awaits,
    "await_in_range_for": await_in_range_for,
    "aggregate_default": aggregate_default,
    "header_form": header_form,
    "todo_without_issue": todo_without_issue,
    "detached": _words(r"\basio::detached\b|\basio/detached\.hpp|,\s*detached\s*\)", "a coroutine without an owner: {}", lambda path: True),
    "co_spawn": _words(
        r"\bco_spawn\b(?!\.hpp)", "co_spawn outside of async, sim and apps: use a task_group", lambda path: not _may_spawn(path)
    ),
    "timers": _words(
        r"\b(?:steady|system|high_resolution|deadline)_timer\b|(?<![.>\w])(?:\w+::)*sleep_(?:for|until)\s*\("
        r"|::now\s*\(|\b(?:u|nano)?sleep\s*\(|\b(?:clock_gettime|gettimeofday)\s*\(",
        "time comes from the clock port: {}",
        lambda path: not _may_keep_time(path),
    ),
    "mutexes": _words(
        r"\bstd::(?:\w*mutex|condition_variable\w*|lock_guard|unique_lock|scoped_lock|shared_lock)\b",
        "one strand per role, so no {}",
        lambda path: _is_core(path, _roles),
    ),
    "unordered": _words(
        r"\bunordered_\w+", "the order of {} differs between builds", lambda path: _is_core(path, _core)
    ),
    "randomness": _words(
        r"\bstd::(?:ranges::)?(?:\w+_distribution|shuffle|sample|random_device|default_random_engine|hash)\b|(?<![.\w>])s?rand\s*\(",
        "{} differs between libraries: use the entropy port",
        lambda path: _is_core(path, _core),
    ),
    "fork": _words(r"(?<![.\w])v?fork\s*\(", "{}: child processes come from runtime/process", lambda path: True),
    "catch_skip": _words(r"\bSKIP\s*\(", "Catch2 2.13 has no SKIP", lambda path: True),
}

# Files that break a rule because they are about it.
EXEMPT = {
    "await_with_braces": ("tests/unit/compiler_traps*",),
    "several_awaits": ("tests/unit/compiler_traps*",),
    "aggregate_default": ("tests/unit/compiler_traps*",),
    # docs/adr/0005-child-processes.md, docs/adr/0022-machines.md: small programs of their own, and what measures a clock
    "timers": (
        "src/runtime/run_process.cpp",
        "src/runtime/microvm/guest/*",
        "src/runtime/microvm/machine_parts.cpp",
        "apps/rik_machine/*",
    ),
    # What comes out of them is sorted.
    "unordered": ("include/rik/base/id_table.hpp", "include/rik/store/rows.hpp", "src/store/rows.cpp"),
    "fork": ("tests/bench/*", "tests/unit/rik_log*", "src/runtime/microvm/guest/*", "apps/rik_machine/*", "tests/support/last_will*"),
}


def check(path, text):
    """Every problem of one file: (line, rule, message)."""
    found = []
    for rule, function in BANS.items():
        if any(fnmatch.fnmatch(path, pattern) for pattern in EXEMPT.get(rule, ())):
            continue
        found += [(line, rule, message) for line, message in function(path, text)]
    return found

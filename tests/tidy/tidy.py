#!/usr/bin/env python3
"""Holds the house rules that a program can check (libs/ARCHITECTURE.md). A rule is here or it is advice.

Usage: tidy.py ROOT     prints one line a violation, exits 1 when there is one.

exceptions.txt beside this file lists what may still break a rule, one `rule path` a line; it only shrinks: an entry
that is no longer needed is a violation too.
"""
import re
import subprocess
import sys
from pathlib import Path

# Who may use whom. Adapters never know each other; only connector knows two of them.
ALLOWED = {
    "base": set(),
    "change": {"base"},
    "pgoutput": {"base", "change"},
    "codec": {"base", "change"},
    "log": {"base"},
    "pipeline": {"base", "change", "log"},
    "documents": {"base", "change", "codec", "pipeline"},
    "postgres": {"base", "change", "pgoutput", "pipeline", "log"},
    "kafka": {"base", "change", "pipeline", "log"},
    "elastic": {"base", "pipeline", "log"},
    "offsets": {"base", "change", "pipeline", "log"},
    "config": {"base"},
    "admin": {"base", "change", "pipeline", "log"},
}
PURE = ("base", "change", "pgoutput", "codec", "documents")
PURE_BANNED = ("<thread>", "<mutex>", "<condition_variable>", "<iostream>", "<fstream>", "<filesystem>", "<fcntl.h>",
               "<sys/socket.h>", "<unistd.h>", "spdlog", "sluice/log/")
# base declares the clocks that others use, and the back-off's seed; the rest of the pure is told the time. time() of C is
# known by its argument: a parser may have a piece of that name.
TIMELESS = tuple(lib for lib in PURE if lib != "base")
ASKS_THE_TIME = re.compile(r"\w*[Cc]lock::now\b|\bWallClock\b|\b(?:system|steady|high_resolution)_clock\b"
                           r"|\bstd::time\s*\(|(?<![\w.>])time\s*\(\s*(?:nullptr|NULL|0|&)|\b(?:clock_gettime|gettimeofday)\b")
# The one library that knows each of these, sources included; connector and the programs know none of them.
ROOMS = {
    "librdkafka/": {"kafka"},
    "curl/": {"elastic"},
    "libpq": {"postgres"},
    "lmdb": {"offsets"},
    "sqlite3": {"log"},
    "spdlog/": {"log"},
    "httplib": {"admin"},
    "yaml-cpp/": {"config"},
    "simdjson": {"documents", "elastic"},
}
THIRD_PARTY_IN_HEADERS = ("<nlohmann", "<simdjson", "<curl", "<librdkafka", "<libpq", "<lmdb", "<sqlite3", "<yaml-cpp", "<httplib")
MAX_LINE = 120
MAX_FILE_LINES = 600
MAX_FUNCTION_LINES = 70
BANNED_NAMES = re.compile(r"(^|_)(manager|helper|helpers|util|utils|common|data|info|process)(_|$)")
BANNED_TYPE_NAMES = re.compile(r"\b(?:class|struct)\s+\w*(Manager|Helper|Utils?|Common)\b")
BANNED_TEXT = {
    "todo": re.compile(r"\b(TODO|FIXME|XXX)\b"),
    "machine-path": re.compile(r"(?<![\w/.])/(?:work|root)/"),
    "sleep-in-test": re.compile(r"\b(sleep_for|sleep_until|usleep|nanosleep)\s*\("),
}


class Report:
    def __init__(self, root):
        self.root = root
        self.violations = []
        listing = root / "tests/tidy/exceptions.txt"
        lines = listing.read_text().splitlines() if listing.exists() else []
        self.exceptions = {line.strip() for line in lines if line.strip() and not line.startswith("#")}
        self.used = set()

    def add(self, rule, path, message, line=None):
        entry = f"{rule} {path}"
        if entry in self.exceptions:
            self.used.add(entry)
            return
        place = f"{path}:{line}" if line else str(path)
        self.violations.append(f"{place}: {rule}: {message}")

    def finish(self):
        for entry in sorted(self.exceptions - self.used):
            self.violations.append(f"tests/tidy/exceptions.txt: exception: '{entry}' is no longer needed, delete it")
        return self.violations


def tracked_files(root):
    listed = subprocess.run(["git", "-C", str(root), "ls-files", "-co", "--exclude-standard"], capture_output=True, text=True)
    names = listed.stdout.splitlines() if listed.returncode == 0 else [
        str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()]
    return [Path(name) for name in names if (root / name).is_file()]


def check_includes(report, path, text):
    lib = path.parts[1]
    for number, line in enumerate(text.splitlines(), 1):
        found = re.match(r'\s*#include\s+([<"][^>"]+[>"])', line)
        if not found:
            continue
        included = found.group(1)
        ours = re.match(r'"sluice/(\w+)/', included)
        if ours and lib in ALLOWED and ours.group(1) != lib and ours.group(1) not in ALLOWED[lib]:
            report.add("dependency", path, f"{lib} may not use {ours.group(1)}", number)
        if lib in PURE and any(banned in included for banned in PURE_BANNED):
            report.add("pure", path, f"{lib} does no I/O, no threads, no logging: {included}", number)
        for name, rooms in ROOMS.items():
            if included[1:].startswith(name) and lib not in rooms:
                report.add("room", path, f"{included} belongs into {' and '.join(sorted(rooms))} alone", number)
        if "include" in path.parts and included.startswith(THIRD_PARTY_IN_HEADERS):
            report.add("third-party-header", path, f"{included} belongs into src", number)


def check_time(report, path, text):
    if path.parts[1] not in TIMELESS:
        return
    for number, line in enumerate(text.splitlines(), 1):
        found = ASKS_THE_TIME.search(line.split("//")[0])
        if found:
            report.add("time", path, f"{path.parts[1]} is told the time: {found.group(0).strip()}", number)


def check_header(report, path, text):
    if "#pragma once" not in text:
        report.add("pragma-once", path, "a header begins with #pragma once behind its comment")
    if "include" in path.parts and path.parts[0] == "libs":
        if not text.startswith("//"):
            report.add("header-comment", path, "a public header begins with what it is")
        head = text.split("#pragma once")[0]
        is_free_of_state = "Thread rule" not in head
        if is_free_of_state and re.search(r"^(class|struct) \w+[^;]*{", text, re.M):
            report.add("thread-rule", path, "a public header says who may call it: 'Thread rule: …'")


def function_lengths(text):
    """Start line and length of each function body: a line that ends in '{' behind ')' at depth of a definition."""
    lines = text.splitlines()
    opening = re.compile(r"\)\s*(const|noexcept|override|final|mutable|->\s*[\w:<>*&, ]+|\s)*{$|^\s+:.*{$|\)\s*:\s.*{$")
    number = 0
    while number < len(lines):
        line = lines[number]
        control = re.match(r"\s*(if|for|while|switch|catch|}\s*else|do)\b", line)
        if opening.search(line.rstrip()) and not control and not line.lstrip().startswith(("//", "*")):
            indent = len(line) - len(line.lstrip())
            end = number + 1
            while end < len(lines) and not re.match(r"^ {0,%d}}" % indent, lines[end]):
                end += 1
            yield number + 1, end - number + 1
        number += 1


def check_sizes(report, path, text):
    lines = text.splitlines()
    if len(lines) > MAX_FILE_LINES:
        report.add("file-length", path, f"{len(lines)} lines, the law is {MAX_FILE_LINES}")
    for number, line in enumerate(lines, 1):
        if len(line) > MAX_LINE:
            report.add("line-length", path, f"{len(line)} columns, the limit is {MAX_LINE}", number)
    for number, length in function_lengths(text):
        if length > MAX_FUNCTION_LINES:
            report.add("function-length", path, f"{length} lines, the law is {MAX_FUNCTION_LINES}", number)


def check_text(report, path, text):
    for rule, pattern in BANNED_TEXT.items():
        if rule == "sleep-in-test" and path.parts[0] != "tests":
            continue
        if path.parts[:2] == ("tests", "tidy"):
            continue
        for number, line in enumerate(text.splitlines(), 1):
            if pattern.search(line):
                report.add(rule, path, line.strip()[:80], number)


def check_names(report, path, text):
    if path.parts[0] in ("libs", "apps") and BANNED_NAMES.search(path.stem):
        report.add("name", path, "a name says what a thing is: no manager, helper, util, common, data, info, process")
    found = BANNED_TYPE_NAMES.search(text)
    if found:
        report.add("name", path, f"{found.group(0)} says nothing")


def check_unit_tests(report, root, files):
    headers = {(path.parts[1], path.stem) for path in files if path.parts[0] == "libs" and path.suffix == ".h"}
    for path in files:
        if path.parts[:2] != ("tests", "unit") or len(path.parts) != 4 or not path.name.endswith("_test.cpp"):
            continue
        lib, tested = path.parts[2], path.name[: -len("_test.cpp")]
        if not any(owner == lib and tested.startswith(header) for owner, header in headers):
            report.add("test-name", path, f"no header of {lib} begins this name: <header>_test.cpp")


AREAS = "admin|change|codec|config|es|es_consumer|internal|kafka|log|offsets|pg|pgoutput|replicator"
# A whole literal, or the last line of a program that ends by a bug, which has no Error: "ERROR internal.reason: …".
ERROR_ID = re.compile(r'"(?:((?:%s)\.[a-z0-9_]+)"|ERROR ((?:%s)\.[a-z0-9_]+):)' % (AREAS, AREAS))
# Literals of this form that are something else.
NO_ERROR_IDS = {"config.yaml": "a file", "log.queue": "a property of librdkafka",
                "kafka.control_topic": "a setting", "kafka.create_topics": "a setting"}


def error_ids(path, text):
    """The ids that a source file makes. libs/config names settings (kafka.topic) and makes config.* only."""
    lines = [line for line in text.splitlines() if not re.match(r"\s*#\s*include\b", line)]
    found = {whole or ended for whole, ended in ERROR_ID.findall("\n".join(lines))} - set(NO_ERROR_IDS)
    is_config = path.parts[:2] == ("libs", "config")
    return {one for one in found if one.startswith("config.") or not is_config}


def check_error_ids(report, root, files):
    readme = root / "README.md"
    text = readme.read_text() if readme.exists() else ""
    documented = re.findall(r"^\| `([a-z_]+\.[a-z0-9_]+)`", text, re.M)
    for twice in sorted({one for one in documented if documented.count(one) > 1}):
        report.add("error-id", Path("README.md"), f"{twice} stands more than once in the operations table")
    made = {}
    for path in files:
        if path.parts[0] in ("libs", "apps") and path.suffix in (".cpp", ".h"):
            for one in error_ids(path, (root / path).read_text(errors="replace")):
                made.setdefault(one, path)
    for one in sorted(set(made) - set(documented)):
        report.add("error-id", made[one], f"{one} is missing in the README's operations table")
    for one in sorted(set(documented) - set(made)):
        report.add("error-id", Path("README.md"), f"{one} is documented, but nothing makes it")


RULE_ID = re.compile(r"\b[PKES]-\d+(?:\.\d+[a-z]?)?\b")


def check_rule_ids(report, root, files):
    """An id that a comment quotes is explained to whoever reads it."""
    rules = root / "libs/RULES.md"
    known = set(re.findall(r"^\| (\S+) \|", rules.read_text(), re.M)) if rules.exists() else set()
    for path in files:
        if path.suffix not in (".cpp", ".h", ".sh", ".py") or path.parts[:2] == ("tests", "tidy"):
            continue
        for number, line in enumerate((root / path).read_text(errors="replace").splitlines(), 1):
            for rule in sorted(set(RULE_ID.findall(line)) - known):
                report.add("rule-id", path, f"{rule} is not in libs/RULES.md", number)


def check_limits(report, root):
    for name, limit in (("CMakeLists.txt", 100), ("apps/replicator/main.cpp", 40), ("apps/es_consumer/main.cpp", 40)):
        path = root / name
        if path.exists() and len(path.read_text().splitlines()) >= limit:
            report.add("file-length", Path(name), f"must stay below {limit} lines")


def check(root):
    report = Report(root)
    files = tracked_files(root)
    for path in files:
        is_code = path.suffix in (".cpp", ".h")
        is_text = is_code or path.suffix in (".py", ".sh", ".cmake", ".yaml", ".yml", ".md", ".txt") or not path.suffix
        if path.parts[:2] in (("tests", "data"), ("tests", "fuzz")) and not is_code:
            continue
        if not is_text:
            continue
        text = (root / path).read_text(errors="replace")
        check_text(report, path, text)
        if is_code:
            check_sizes(report, path, text)
            check_names(report, path, text)
            if path.parts[0] in ("libs", "apps"):
                check_includes(report, path, text)
                check_time(report, path, text)
        if path.suffix == ".h":
            check_header(report, path, text)
    check_unit_tests(report, root, files)
    check_error_ids(report, root, files)
    check_rule_ids(report, root, files)
    check_limits(report, root)
    return report.finish()


if __name__ == "__main__":
    found = check(Path(sys.argv[1]).resolve())
    print("\n".join(found))
    sys.exit(1 if found else 0)

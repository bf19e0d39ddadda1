#!/usr/bin/python3
"""clang-tidy, as `.clang-tidy` says, over every source file of the libraries and the programs.

  tests/tidy/clang_tidy.py [ROOT] [FILE…]

Reads how files are compiled from the newest build/*/compile_commands.json, or that of SLUICE_BUILD_DIR.
"""
import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

# g++ knows -ftrivial-auto-var-init=zero without more, clang 15 wants to be told that it is meant.
EXTRA = ["--extra-arg=-enable-trivial-auto-var-init-zero-knowing-it-will-be-removed-from-clang",
         "--extra-arg=-Wno-unknown-warning-option"]


def program():
    for name in ("clang-tidy-15", "clang-tidy"):
        if shutil.which(name):
            return name
    sys.exit("clang-tidy is not there; install it: Docker_Files/native/install --lint")


def compile_commands(root):
    told = os.environ.get("SLUICE_BUILD_DIR")
    found = [Path(told) / "compile_commands.json"] if told else list(root.glob("build/*/compile_commands.json"))
    found = [path for path in found if path.exists()]
    if not found:
        sys.exit("there is no build/*/compile_commands.json; build first: cmake --preset release")
    return max(found, key=lambda path: path.stat().st_mtime)


def sources(commands, root):
    files = {Path(entry["file"]) for entry in json.loads(commands.read_text())}
    return sorted(f for f in files if f.is_relative_to(root / "libs") or f.is_relative_to(root / "apps"))


def look_at(tidy, build, file):
    done = subprocess.run([tidy, "--quiet", "-p", build, *EXTRA, file], capture_output=True, text=True)
    return file, done.returncode, done.stdout + (done.stderr if done.returncode else "")


def main():
    root = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parents[2]).resolve()
    commands = compile_commands(root)
    files = [Path(name).resolve() for name in sys.argv[2:]] or sources(commands, root)
    if not files:
        sys.exit(f"{commands} names no file of libs or apps")
    tidy = program()
    failed = 0
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        looks = [pool.submit(look_at, tidy, commands.parent, file) for file in files]
        for number, look in enumerate(looks, 1):
            file, code, said = look.result()
            print(f"[{number}/{len(files)}] {file.relative_to(root)}{': not clean' if code else ''}", flush=True)
            if code:
                failed += 1
                print(said, flush=True)
    print(f"{len(files) - failed} of {len(files)} files are clean")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

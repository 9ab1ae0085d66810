# SPDX-License-Identifier: Apache-2.0
"""What the gates share: the layers and their ranks, the files, C text without its comments, and the way
a gate tells its findings. A gate is a program that prints each finding with its place and, once, what to
do about it; its exit status is 0 when nothing was found."""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

RANK = {
    "base": 0, "wire": 1, "cc": 2, "tcp": 3, "sched": 4, "pm": 4, "mp": 5, "stack": 6,
    "driver": 7, "sim": 7, "sock": 8, "tools": 9, "gateway": 9, "preload": 9,
}
CORE = [layer for layer, rank in RANK.items() if rank <= 6]


class Gate:
    """Collects findings and ends the program with the right status."""

    def __init__(self, name, advice):
        self.name, self.advice, self.findings = name, advice, []

    def found(self, place, text):
        self.findings.append(f"{place}: {text}")

    def end(self, note=""):
        for line in self.findings:
            print(line)
        if self.findings:
            print(f"gate {self.name}: {len(self.findings)} finding(s). {self.advice}")
            sys.exit(1)
        print(f"gate {self.name}: ok{' ' + note if note else ''}")
        sys.exit(0)


def rel(path):
    return str(path.relative_to(ROOT))


def c_files(*dirs, suffixes=(".c", ".h")):
    """The C files below the given directories of the tree, sorted."""
    files = []
    for d in dirs:
        files += [p for p in (ROOT / d).rglob("*") if p.suffix in suffixes and p.is_file()]
    return sorted(files)


def read(path):
    return path.read_text(encoding="utf-8", errors="replace")


_TOKEN = re.compile(
    r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)


def code_only(text):
    """C text with comments and the insides of literals blanked; lines keep their numbers."""
    def blank(match):
        token = match.group(0)
        if token[0] in "\"'":
            return token[0] + token[0]
        return re.sub(r"[^\n]", " ", token)
    return _TOKEN.sub(blank, text)


def no_comments(text):
    """C text with its comments blanked and its literals kept."""
    def blank(match):
        token = match.group(0)
        return token if token[0] in "\"'" else re.sub(r"[^\n]", " ", token)
    return _TOKEN.sub(blank, text)


_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+([<"])([^>"]+)[>"]', re.MULTILINE)


def includes(path):
    """(line, "<" or '"', name) of each #include of a file."""
    text = no_comments(read(path))
    return [(text.count("\n", 0, m.start()) + 1, m.group(1), m.group(2))
            for m in _INCLUDE.finditer(text)]


def layer_of(path):
    """The layer that a file of src/ or tests/unit/ belongs to, or None."""
    parts = path.relative_to(ROOT).parts
    if parts[0] == "src" and len(parts) > 2:
        return parts[1]
    if parts[:2] == ("tests", "unit") and len(parts) > 3:
        return parts[2]
    return None


def has_sources(layer):
    return any((ROOT / "src" / layer).glob("*.c"))


def archive(build, layer):
    return pathlib.Path(build) / f"lib{layer}.a"


def run(*command):
    return subprocess.run([str(c) for c in command], check=True, text=True,
                          stdout=subprocess.PIPE).stdout


def symbols(path):
    """The symbol table of an object or archive: (object, binding, section, name) by objdump. The binding
    is 'g' (seen by others), 'l' (local) or 'u' (undefined)."""
    rows, member = [], path.name
    for line in run("objdump", "-t", path).splitlines():
        head = re.match(r"(\S+):\s+file format", line)
        if head:
            member = head.group(1).split("/")[-1]
            continue
        row = re.match(r"[0-9a-f]{8,16} (.{7}) (\S+)\t[0-9a-f]+\s+(?:\.hidden |\.protected |\.internal )?(\S+)",
                       line)
        if not row or "d" in row.group(1) or "f" in row.group(1):
            continue
        flags, section, name = row.groups()
        binding = "u" if section == "*UND*" else "l" if flags[0] == "l" else "g"
        rows.append((member, binding, section, name))
    return rows


def build_dir(gate):
    """The build directory named on the command line, default build/gcc."""
    build = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "build/gcc"
    for layer in CORE:
        if has_sources(layer) and not archive(build, layer).exists():
            gate.found(f"src/{layer}", f"no {archive(build, layer)}: run `make` first, and list the files "
                       f"in src/{layer}/meson.build")
    return build

"""Refuse what the project has agreed not to have. Run by `./run lint` and by a test; takes a second or two.

    python tools/check-tree.py [ROOT]

Each refusal is one line, `file:line: what is wrong; what to do`, and the exit code is 1 if there is one. Refused are:

layering    a room that includes another's header which it may not (see ALLOWED)
passes      a pass without a .cpp of its flag's name, a lit file of its name, or with another DEBUG_TYPE
checks      a CHECK line whose prefix no RUN line of its file uses: it checks nothing
length      a source file of more than 800 lines
links       a link in the documents that leads nowhere
names       a file called util, helper, misc, common or manager
labels      a verifier rule (C1, C2, ...) that stands in an op's description, but not in its verifier or in a negative
            test, or in its verifier only
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

FOUNDATION = ("Numerics", "Dialect", "Reference")  # each sits on those before it
STAGES = ("Import", "Prepare", "Calibrate", "Quantize", "Optimize", "Lower", "Kernels", "Codegen", "Emit", "Verify")
ALLOWED: dict[str, frozenset[str]] = {
    **{room: frozenset(FOUNDATION[: i + 1]) for i, room in enumerate(FOUNDATION)},
    **{stage: frozenset((*FOUNDATION, stage)) for stage in STAGES},
    "Pipeline": frozenset((*FOUNDATION, *STAGES, "Pipeline")),
}

LONGEST_FILE = 800
SOURCE_SUFFIXES = (".cpp", ".h", ".c", ".td", ".def", ".inc", ".py", ".mlir", ".test", ".cmake", ".sh")
SOURCE_NAMES = ("CMakeLists.txt", "run")
FORBIDDEN_WORDS = {"util", "utils", "helper", "helpers", "misc", "common", "manager"}
LIT_KEYWORDS = {"RUN", "REQUIRES", "UNSUPPORTED", "XFAIL", "DEFINE", "REDEFINE", "END", "ALLOW_RETRIES"}
LIT_SUFFIXES = (".mlir", ".test", ".ll", ".py", ".c", ".cpp", ".onnxtxt")
INCLUDE = re.compile(r'^\s*(?:#\s*)?include\s+["<](?P<path>[^">]+)[">]')
PASS_RECORD = re.compile(r'^def\s+\w+\s*:\s*\w*Pass\w*<\s*"(?P<flag>[^"]+)"', re.MULTILINE)
DEBUG_TYPE = re.compile(r'^#define\s+DEBUG_TYPE\s+"(?P<name>[^"]*)"', re.MULTILINE)
DIRECTIVE = re.compile(r"^\s*(?://|#|;)\s*(?P<word>[A-Z][A-Z0-9_]*(?:-[A-Z0-9_]+)*)(?:\{[A-Z,]+\})?:")
DIRECTIVE_SUFFIX = re.compile(r"-(?:NEXT|SAME|NOT|DAG|LABEL|EMPTY|COUNT-\d+)$")
PREFIX_OPTION = re.compile(r"-check-prefix(?:es)?[= ]\s*(?P<names>[\w,-]+)")
LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)(?:\s+\"[^\"]*\")?\)")
HEADING = re.compile(r"^#{1,6}\s+(?P<text>.+?)\s*#*$")
RECORD = re.compile(
    r"^(?:def|class)\s+Qnet_(?P<name>\w+)\s*(?:<[^{;]*?>\s*)?:\s*Qnet_(?P<parent>\w+)<\s*(?:\"(?P<mnemonic>[^\"]+)\")?",
    re.MULTILINE,
)
RULE = re.compile(r"^\s*- (?P<label>C\d+)\b", re.MULTILINE)
LABEL_USE = re.compile(r'\[(?P<inside>C\d+)\]|"(?P<before>C\d+)(?=[:"])')
FUNCTION = re.compile(r"^(?![ #/}])[^;{}=]*?(?P<name>[\w:~]+)\((?P<parameters>[^{};]*)\)[^;{}]*\{", re.MULTILINE)


@dataclass(frozen=True, order=True)
class Refusal:
    """One thing to put right."""

    file: Path
    line: int
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what}; {self.remedy}"


@dataclass
class Tree:
    """The project's files, read once. Paths are relative to the root."""

    root: Path
    files: list[Path]
    _texts: dict[Path, str] = field(default_factory=dict)

    def text(self, path: Path) -> str:
        """Give a file's text."""
        if path not in self._texts:
            self._texts[path] = (self.root / path).read_text(encoding="utf-8", errors="replace")
        return self._texts[path]

    def lines(self, path: Path) -> Iterator[tuple[int, str]]:
        """Give a file's lines, numbered from 1."""
        return enumerate(self.text(path).splitlines(), start=1)

    def under(self, folder: str, *suffixes: str) -> list[Path]:
        """Give the files in a folder, at any depth, with one of the suffixes where there are any."""
        parts = Path(folder).parts
        return [f for f in self.files if f.parts[: len(parts)] == parts and (not suffixes or f.suffix in suffixes)]

    @cached_property
    def folders(self) -> set[Path]:
        """All folders that hold a file, at any depth."""
        return {parent for file in self.files for parent in file.parents}


def read_tree(root: Path) -> Tree:
    """Give the files that git knows or would take; all of them, where there is no repository."""
    listed = subprocess.run(
        ["git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    if listed.returncode == 0:
        files = [Path(name) for name in listed.stdout.decode().split("\0") if name]
    else:
        files = [path.relative_to(root) for path in root.rglob("*")]
    return Tree(root, sorted({f for f in files if (root / f).is_file()}))


def line_of(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def check_layering(tree: Tree) -> Iterable[Refusal]:
    for path in (*tree.under("include/quantc"), *tree.under("lib")):
        room = path.parts[2 if path.parts[0] == "include" else 1]
        if room not in ALLOWED:
            continue
        for number, line in tree.lines(path):
            match = INCLUDE.match(line)
            if match is None:
                continue
            parts = Path(match["path"]).parts
            if ".." in parts:
                yield Refusal(path, number, f'"{match["path"]}" leaves the room', "include quantc/ROOM/NAME.h")
            elif len(parts) > 2 and parts[0] == "quantc" and parts[1] in ALLOWED and parts[1] not in ALLOWED[room]:
                allowed = ", ".join(sorted(ALLOWED[room] - {room})) or "no other room"
                remedy = f"{room} may include {allowed}; let Pipeline bring the two together"
                yield Refusal(path, number, f"{room} includes {parts[1]}'s {parts[-1]}", remedy)


def same_name(flag: str, stem: str) -> bool:
    """Whether a file is named as a flag is: convert-qnet-to-linalg is ConvertQnetToLinalg."""
    return flag.replace("-", "").lower() == stem.lower() and "-" not in stem and "_" not in stem


def check_passes(tree: Tree) -> Iterable[Refusal]:
    for path in tree.files:
        if path.parts[:2] != ("include", "quantc") or path.name != "Passes.td":
            continue
        room, text = path.parts[2], tree.text(path)
        for match in PASS_RECORD.finditer(text):
            flag, number = match["flag"], line_of(text, match.start())
            camel = "".join(word.capitalize() for word in flag.split("-"))
            sources = [f for f in tree.under(f"lib/{room}", ".cpp") if same_name(flag, f.stem)]
            if not sources:
                remedy = f"write lib/{room}/{camel}.cpp"
                yield Refusal(path, number, f"the pass '{flag}' has no .cpp of its name", remedy)
            if not any(f.stem == flag for f in tree.under(f"test/{room}", *LIT_SUFFIXES)):
                remedy = f"write test/{room}/{flag}.mlir"
                yield Refusal(path, number, f"the pass '{flag}' has no lit file of its name", remedy)
            for source in sources:
                debug = DEBUG_TYPE.search(tree.text(source))
                if debug is not None and debug["name"] != flag:
                    what = f"DEBUG_TYPE is '{debug['name']}' in the pass '{flag}'"
                    yield Refusal(source, line_of(tree.text(source), debug.start()), what, f'make it "{flag}"')


def check_checks(tree: Tree) -> Iterable[Refusal]:
    for path in tree.under("test", *LIT_SUFFIXES):
        if path.parts[1] == "python" or "Inputs" in path.parts or path.suffix == ".cpp":
            continue
        run_lines = [line for _, line in tree.lines(path) if "RUN:" in line]
        used = {name for line in run_lines for m in PREFIX_OPTION.finditer(line) for name in m["names"].split(",")}
        if any("FileCheck" in command and "-check-prefix" not in command for command in commands(run_lines)):
            used.add("CHECK")
        for number, line in tree.lines(path):
            match = DIRECTIVE.match(line)
            if match is None or match["word"] in LIT_KEYWORDS or match["word"] in used:
                continue
            prefix = DIRECTIVE_SUFFIX.sub("", match["word"])
            if prefix in used or not ("CHECK" in prefix or prefix != match["word"]):
                continue
            what = f"dead line: no RUN line uses the prefix {prefix}"
            remedy = f"run FileCheck with --check-prefix={prefix}" if used else "add a RUN line with FileCheck"
            yield Refusal(path, number, what, f"{remedy}, or remove the line")


def commands(run_lines: Sequence[str]) -> Iterator[str]:
    """Single commands of RUN lines: lines that end in a backslash joined, pipelines taken apart."""
    parts = [line.partition("RUN:")[2].strip() for line in run_lines]
    script = "\n".join(parts).replace("\\\n", " ")
    yield from re.split(r"\||&&|;|\n", script)


def check_length(tree: Tree) -> Iterable[Refusal]:
    for path in tree.files:
        if path.suffix in SOURCE_SUFFIXES or path.name in SOURCE_NAMES:
            count = len(tree.text(path).splitlines())
            if count > LONGEST_FILE:
                remedy = f"split it: {LONGEST_FILE} is the most"
                yield Refusal(path, LONGEST_FILE + 1, f"{count} lines in one file", remedy)


def headings(text: str) -> set[str]:
    """Anchors of a Markdown file, as its readers make them from the headings."""
    anchors: set[str] = set()
    for line in outside_code(text):
        match = HEADING.match(line)
        if match:
            slug = re.sub(r"[^\w\- ]", "", match["text"].replace("`", "").lower()).replace(" ", "-")
            count = 0
            while (candidate := slug if not count else f"{slug}-{count}") in anchors:
                count += 1
            anchors.add(candidate)
        anchors.update(re.findall(r'<a (?:id|name)="([^"]+)"', line))
    return anchors


def outside_code(text: str) -> Iterator[str]:
    """Lines of a Markdown file; those inside fences are given empty, so that numbers stay right."""
    fence = ""
    for line in text.splitlines():
        mark = re.match(r"\s*(```+|~~~+)", line)
        if mark and (not fence or mark[1].startswith(fence)):
            fence = "" if fence else mark[1]
            yield ""
        else:
            yield "" if fence else line


def check_links(tree: Tree) -> Iterable[Refusal]:
    known = {*tree.files, *tree.folders}
    for path in tree.files:
        if path.suffix != ".md":
            continue
        for number, line in enumerate(outside_code(tree.text(path)), start=1):
            for match in LINK.finditer(re.sub(r"`[^`]*`", "``", line)):
                target, _, anchor = match["target"].partition("#")
                if re.match(r"[a-z][a-z0-9+.-]*:", target):
                    continue
                goal = resolve(path.parent, target) if target else path
                if goal is None or goal not in known:
                    what = f"the link to {match['target']} leads to no file of the project"
                    yield Refusal(path, number, what, "correct or remove it")
                elif anchor and goal.suffix == ".md" and anchor not in headings(tree.text(goal)):
                    yield Refusal(path, number, f"{goal} has no heading #{anchor}", "correct the link")


def resolve(folder: Path, target: str) -> Path | None:
    """`target` as seen from `folder`, relative to the root; None if it leaves the tree."""
    parts = list(folder.parts)
    for part in Path(target).parts:
        if part == "..":
            if not parts:
                return None
            parts.pop()
        else:
            parts.append(part)
    return Path(*parts)


def check_names(tree: Tree) -> Iterable[Refusal]:
    for path in tree.files:
        words = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", path.name.partition(".")[0])
        for word in words:
            if word.lower() in FORBIDDEN_WORDS:
                yield Refusal(path, 1, f"'{word}' in a file's name says nothing", "name the file after what it does")


@dataclass
class Op:
    """A record of the dialect: an op, or a class that ops share. `ops` are the ops that its rules are of."""

    cls: str
    parent: str
    file: Path
    line: int
    rules: dict[str, int]
    ops: dict[str, str] = field(default_factory=dict)  # C++ class -> mnemonic


def read_ops(tree: Tree) -> dict[str, Op]:
    """Read the dialect's records, each with the ops that are it or inherit from it."""
    records: dict[str, Op] = {}
    mnemonics: dict[str, str] = {}
    for path in tree.under("include/quantc/Dialect", ".td"):
        text = tree.text(path)
        starts = [*(m.start() for m in re.finditer(r"^(?:def|class|include)\b", text, re.MULTILINE)), len(text)]
        for match in RECORD.finditer(text):
            end = next(start for start in starts if start > match.start())
            rules = {
                rule["label"]: line_of(text, rule.start("label")) for rule in RULE.finditer(text, match.start(), end)
            }
            name = match["name"]
            records[name] = Op(name, match["parent"], path, line_of(text, match.start()), rules)
            if match["mnemonic"] and text.startswith("def", match.start()):
                mnemonics[name] = match["mnemonic"]
    for name, mnemonic in mnemonics.items():
        ancestor: str | None = name
        while ancestor in records and name not in records[ancestor].ops:
            records[ancestor].ops[name] = mnemonic
            ancestor = records[ancestor].parent
    return records


def labels_in(text: str) -> set[str]:
    return {match["inside"] or match["before"] for match in LABEL_USE.finditer(text)}


class Functions:
    """The functions of the dialect's sources, and the labels that each gives, itself and through those it calls."""

    def __init__(self, tree: Tree) -> None:
        self.bodies: dict[str, list[str]] = {}
        self.of_class: dict[str, list[str]] = {}
        for path in tree.under("lib/Dialect", ".cpp", ".h"):
            text = tree.text(path)
            for match in FUNCTION.finditer(text):
                line_end = text.find("\n", match.end())
                one_line = text[match.end() : line_end].rstrip().endswith("}")
                end = line_end if one_line else text.find("\n}", match.end())
                body = text[match.end() : end if end >= 0 else len(text)]
                self.bodies.setdefault(match["name"].rpartition("::")[2], []).append(body)
                for cls in set(re.findall(r"\b(\w+Op)\b", match["name"] + " " + match["parameters"])):
                    self.of_class.setdefault(cls, []).append(body)

    def labels(self, cls: str) -> tuple[set[str], set[str]]:
        """Labels in the functions that take the op, and labels in those or in anything they call."""
        own = {label for body in self.of_class.get(cls, []) for label in labels_in(body)}
        reached, seen, queue = set(own), set[str](), list(self.of_class.get(cls, []))
        while queue:
            for name in set(re.findall(r"\b(\w+)(?:<[^<>()]*>)?\(", queue.pop())) - seen:
                seen.add(name)
                if name == "checkRules":  # every op's; the ones of this op are the start
                    continue
                for body in self.bodies.get(name, []):
                    reached |= labels_in(body)
                    queue.append(body)
        return own, reached


def tested_labels(tree: Tree) -> set[tuple[str, str]]:
    """Pairs of op and label that a negative test expects."""
    pairs = set()
    for path in tree.under("test/Dialect", ".mlir"):
        for chunk in re.split(r"^// -----.*$", tree.text(path), flags=re.MULTILINE):
            expected = "\n".join(line for line in chunk.splitlines() if "expected-error" in line)
            labels = set(re.findall(r"\b(C\d+)(?:\\?\]|:)", expected))
            for mnemonic in set(re.findall(r"\bqnet\.(\w+)", chunk)):
                pairs |= {(mnemonic, label) for label in labels}
    return pairs


def check_labels(tree: Tree) -> Iterable[Refusal]:
    functions, tested, records = Functions(tree), tested_labels(tree), read_ops(tree)
    for record in records.values():
        for label, number in record.rules.items():
            missing = [mnemonic for cls, mnemonic in record.ops.items() if label not in functions.labels(cls)[1]]
            if missing:
                what = f"rule {label} of qnet.{missing[0]} is not in its verifier"
                yield Refusal(record.file, number, what, f"check it in lib/Dialect and end the message in [{label}]")
            # One path of code, one test: a rule that ops share is tested on one of them.
            if record.ops and not any((mnemonic, label) in tested for mnemonic in record.ops.values()):
                what = f"rule {label} of qnet.{', qnet.'.join(record.ops.values())} has no negative test"
                remedy = f"add a case to test/Dialect that expects an error with [{label}]"
                yield Refusal(record.file, number, what, remedy)
        if record.cls in record.ops:
            described: set[str] = set()
            ancestor = record.cls
            while ancestor in records:
                described |= records[ancestor].rules.keys()
                ancestor = records[ancestor].parent
            for label in sorted(functions.labels(record.cls)[0] - described):
                what = f"the verifier of qnet.{record.ops[record.cls]} has a rule {label} that its description lacks"
                yield Refusal(record.file, record.line, what, f"describe it in the op's record: `- {label}: ...`")


CHECKS: Sequence[Callable[[Tree], Iterable[Refusal]]] = (
    check_layering,
    check_passes,
    check_checks,
    check_length,
    check_links,
    check_names,
    check_labels,
)


def refusals(root: Path) -> list[Refusal]:
    """Everything that is wrong under `root`, in the order of the files."""
    tree = read_tree(root)
    return sorted({refusal for check in CHECKS for refusal in check(tree)})


def main(arguments: Sequence[str]) -> int:
    if len(arguments) > 1:
        print("usage: check-tree.py [ROOT]", file=sys.stderr)
        return 2
    root = Path(arguments[0]) if arguments else Path(__file__).resolve().parent.parent
    found = refusals(root)
    for refusal in found:
        print(refusal)
    if found:
        print(f"{len(found)} to put right")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

# SPDX-License-Identifier: Apache-2.0
"""What scripts/rfc is made of: sentences of an RFC text, citations of the tree, and the records of doc/rfc."""
import dataclasses
import pathlib
import re
import tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent
RECORDS = ROOT / "doc/rfc"
QUOTES = RECORDS / "quotes.toml"
EXCEPTIONS = RECORDS / "exceptions.toml"
SHORT = 12  # letters of a quotation that are too few to tell one sentence from another
CONFORMANCE = ROOT / "CONFORMANCE.md"

# ---------------------------------------------------------------- sentences of an RFC text

_PAGE = re.compile(r"\n*\n[^\n]*\[Page \d+\]\s*\n\f?\n?(?:RFC \d+[^\n]*\n)?")
_HEADING = re.compile(r"(?:Appendix )?((?:\d+|[A-Z])(?:\.\d+)*)\.?  ?(?=\S)")
_END = re.compile(r"(?<=[.?!])(?<!e\.g\.)(?<!i\.e\.)(?<!vs\.)(?<!cf\.)(?<!et al\.)(?<!Fig\.)[\"')]*\s+(?=[A-Z(\[\"*])")
_AFTER = re.compile(r"^\((?:MUST|SHLD|MAY|REC)-\d+\)\.?$")
_ITEM = re.compile(r"\s*[*o+-]\s+(?=\S)")
_MARK = re.compile(r"^\s*(?:[*o+-]|\d{1,2}\))\s+")
_SKIPPED = {"References", "Normative References", "Informative References", "Acknowledgments", "Acknowledgements",
            "Contributors", "Authors' Addresses", "Author's Address", "Index"}


def squeeze(text):
    """Text for comparison: line breaks, the hyphens at them and the marks of lists make no difference."""
    return re.sub(r"\s+", "", re.sub(r"(?<!\S)(?:[o+*-]|R?\d\))(?!\S)", "", text))


def tidy(text):
    """Text on one line, hyphens at line breaks closed."""
    return re.sub(r"(?<=\w-) (?=[a-z])", "", " ".join(text.split()))


def is_figure(lines):
    return any(re.match(r"\s*(\|.*\|\s*$|\+[-+=])", x) for x in lines)


def paragraphs(text):
    """(section, paragraph) of an RFC text, without page breaks, tables of contents and figures."""
    text = _PAGE.sub("\n@@\n", text.replace("\r", "")).replace("\f", "")
    # A page break inside a paragraph joins its halves; one between paragraphs stays a blank line.
    text = re.sub(r"(?<=[^.:\s])\s*\n@@\s*\n+(?=   +[a-z0-9(])", "\n", text)
    text = re.sub(r"\n@@\s*\n", "\n\n", text)
    text = re.sub(r"\b(MUST|SHLD|MAY|REC)-\s+(?=\d)", r"\1-", text)
    section, skipped, lines = "", False, []
    for line in text.split("\n") + [""]:
        heading = _HEADING.match(line)
        title = line.strip()
        starts = bool(_ITEM.match(line)) and bool(lines)
        if line.strip() and not heading and not starts and (line[0] == " " or not section):
            lines.append(line)
            continue
        if lines and section and not skipped and not is_figure(lines):
            lines[0] = _MARK.sub("", lines[0])
            yield section, tidy(" ".join(re.sub(r"^\s*\|", " ", x) for x in lines))
        lines = [line] if starts else []
        if heading:
            section, skipped = heading.group(1), line[heading.end():].strip() in _SKIPPED
        elif title and line[0] != " ":
            section, skipped = (section, True) if title in _SKIPPED else (section, skipped)


def sentences(text):
    """(section, sentence) in order. A label in brackets behind the full stop belongs to its sentence."""
    for section, paragraph in paragraphs(text):
        parts = []
        for part in _END.split(paragraph):
            if parts and _AFTER.match(part):
                parts[-1] += " " + part
            else:
                parts.append(part)
        for part in parts:
            yield section, part


# ---------------------------------------------------------------- requirements

_KEYWORD = re.compile(r"\b(MUST|SHALL|REQUIRED|SHOULD|RECOMMENDED|MAY|OPTIONAL)( NOT)?\b(?!-\d)")
_LABEL = re.compile(r"\b(MUST|SHLD|MAY|REC)-\s*(\d+)\b")
_OF_LABEL = {"MUST": "MUST", "SHLD": "SHOULD", "MAY": "MAY", "REC": "SHOULD"}
_OF_KEYWORD = {"MUST": "MUST", "SHALL": "MUST", "REQUIRED": "MUST", "SHOULD": "SHOULD", "RECOMMENDED": "SHOULD",
               "MAY": "MAY", "OPTIONAL": "MAY"}


@dataclasses.dataclass
class Requirement:
    rfc: int
    id: str
    level: str
    section: str = ""
    texts: list = dataclasses.field(default_factory=list)  # a label may stand at several sentences
    code: list = dataclasses.field(default_factory=list)
    tests: list = dataclasses.field(default_factory=list)
    exception: dict = None


def labels(text):
    return [f"{kind}-{number}" for kind, number in _LABEL.findall(text)]


def extract(text, without=""):
    """(id, level, section, sentence) of each normative sentence; those that the text `without` has as well,
    word for word, are left out. The ids are labels as RFC 9293 has them, else section-number."""
    known = {squeeze(s) for _, s in sentences(without)}
    count = {}
    for section, sentence in sentences(text):
        found = labels(sentence)
        for label in dict.fromkeys(found):
            yield label, _OF_LABEL[label.split("-")[0]], section, sentence
        keywords = [w for w, _ in _KEYWORD.findall(sentence)]
        if found or not keywords or '"MUST"' in sentence or squeeze(sentence) in known:
            continue
        count[section] = count.get(section, 0) + 1
        levels = {_OF_KEYWORD[w] for w in keywords}
        level = next(x for x in ("MUST", "SHOULD", "MAY") if x in levels)
        yield f"{section}-{count[section]}", level, section, sentence


def load_requirements():
    """{rfc: (header, {id: Requirement})} of doc/rfc/rfcNNNN.toml."""
    rfcs = {}
    for path in sorted(RECORDS.glob("rfc*.toml"), key=lambda p: int(p.stem[3:])):
        with path.open("rb") as file:
            data = tomllib.load(file)
        rfc, table = int(path.stem[3:]), {}
        for record in data.get("requirement", []):
            one = table.setdefault(record["id"], Requirement(rfc, record["id"], record["level"], record["section"]))
            one.texts.append(tidy(record["text"]))
        rfcs[rfc] = (data, table)
    return rfcs


def load_quotes():
    """{(rfc, section): [sentence]} of doc/rfc/quotes.toml."""
    quotes = {}
    if QUOTES.exists():
        for record in tomllib.loads(QUOTES.read_text()).get("quote", []):
            quotes.setdefault((record["rfc"], record["section"]), []).append(tidy(record["text"]))
    return quotes


def load_exceptions():
    return tomllib.loads(EXCEPTIONS.read_text()).get("exception", []) if EXCEPTIONS.exists() else []


# ---------------------------------------------------------------- citations


@dataclasses.dataclass
class Citation:
    path: str
    line: int
    rfc: int
    where: str  # a section, or ids with commas between
    text: str   # the sentence, empty where ids are cited
    place: str  # path, and the function

    @property
    def is_test(self):
        return self.path.startswith("tests/")

    @property
    def ids(self):
        return [] if self.text else [i.strip() for i in self.where.split(",")]

    def at(self):
        return f"{self.path}:{self.line}"


_C = re.compile(r"/\*= RFC (\d+) (.*?)\*/", re.DOTALL)
_SCRIPT = re.compile(r"^[ \t]*#= RFC (\d+) (.*(?:\n[ \t]*#(?!=)[^\n]*)*)", re.MULTILINE)
_FUNCTION = re.compile(r"^(?:[a-z][\w \*]*?\b(\w+)\((?![^\n]*;$)|def (\w+)|#define (\w+)|(?:struct|enum) (\w+) \{)",
                       re.MULTILINE)
_IDS = re.compile(r"^(?:(?:MUST|SHLD|MAY|REC)-\d+|[\dA-Z][\d.]*-\d+)(?:, ?(?:(?:MUST|SHLD|MAY|REC)-\d+|[\dA-Z][\d.]*-\d+))*$")


def place_of(path, text, start, end):
    """The path and the function that a citation stands in, or above."""
    inside = start > 0 and text[start - 1] in " \t"
    found = None
    if inside:
        for found in _FUNCTION.finditer(text, 0, start):
            pass
    else:
        found = _FUNCTION.search(text, end)
    name = next((g for g in found.groups() if g), None) if found else None
    return f"{path} {name}" if name else path


def citations_of(path, text):
    pattern, mark = (_C, r"\n[ \t]*\*") if path.endswith((".c", ".h")) else (_SCRIPT, r"\n[ \t]*#")
    for match in pattern.finditer(text):
        body = " ".join(re.sub(mark, "\n", match.group(2)).split())
        where, _, sentence = body.partition(" ")
        if _IDS.match(body):
            where, sentence = body, ""
        yield Citation(path, text.count("\n", 0, match.start()) + 1, int(match.group(1)), where, sentence,
                       place_of(path, text, match.start(), match.end()))


def pieces(text):
    """The sentences of a quotation."""
    return [p for p in _END.split(text) if p] if text else []


def quotes_requirement(section, piece, one):
    """Whether a sentence quoted from a section is this requirement, or a part of it that tells it apart.
    Of a sentence with several labels a part counts for the labels that it contains."""
    if section != one.section and len(one.texts) == 1:
        return False
    short = squeeze(piece)
    for text in map(squeeze, one.texts):
        if text in short or (short in text and len(short) > SHORT):
            named = labels(piece)
            return one.id in named if named and one.id in labels(text) else True
    return False


def find(sentence_list, section, piece):
    """The sentences of a section, in one string, that a quotation lies in; None where it is not there."""
    short, parts = squeeze(piece), [(s, squeeze(s)) for at, s in sentence_list if at == section]
    whole = "".join(p for _, p in parts)
    start = whole.find(short)
    if start < 0:
        return None
    found, at = [], 0
    for text, part in parts:
        if at < start + len(short) and start < at + len(part):
            found.append(text)
        at += len(part)
    return " ".join(found)


def citations(root=ROOT):
    """All citations of src, include and tests, in order."""
    return list(_citations(root))


def _citations(root):
    for top in ("include", "src", "tests"):
        for path in sorted((root / top).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts and path.stat().st_size < 1 << 20:
                data = path.read_bytes()
                if b"= RFC " in data and b"\0" not in data:
                    yield from citations_of(str(path.relative_to(root)), data.decode("utf-8", "replace"))

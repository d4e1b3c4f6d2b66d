"""C++ as text: comments and literals blanked out, lines, includes, and the extents of expressions."""

import re

_token = re.compile(
    r"""(?P<comment>//[^\n]*|/\*.*?\*/)
      | (?P<raw>(?:u8|[uUL])?R"(?P<mark>[^\s()\\"]{0,16})\(.*?\)(?P=mark)")
      | (?P<string>"(?:\\.|[^"\\\n])*")
      | (?P<number>\b[0-9][0-9a-zA-Z_.']*)
      | (?P<char>'(?:\\.|[^'\\\n])+')""",
    re.VERBOSE | re.DOTALL,
)


def _blank(text):
    return re.sub(r"[^\n]", " ", text)


def without_comments(text):
    """The same text, at the same offsets, with spaces for comments."""
    return _token.sub(lambda m: _blank(m[0]) if m["comment"] else m[0], text)


def code_only(text):
    """The same text, at the same offsets, with spaces for comments and for the insides of literals."""

    def replace(match):
        if match["comment"]:
            return _blank(match[0])
        if match["number"]:
            return match[0]
        return match[0][0] + _blank(match[0][1:-1]) + match[0][-1]

    return _token.sub(replace, text)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def includes(text):
    """(line, path, is_angled) of every #include."""
    found = re.finditer(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"\n]+)[>"]', without_comments(text), re.MULTILINE)
    return [(line_of(text, m.start()), m[2], m[1] == "<") for m in found]


_closer_of = {"(": ")", "[": "]", "{": "}"}
_opener_of = {closer: opener for opener, closer in _closer_of.items()}


def closing(code, opener_at):
    """Offset of what closes the bracket at `opener_at`; the end of the text if nothing does."""
    depth = 0
    for at in range(opener_at, len(code)):
        if code[at] in _closer_of:
            depth += 1
        elif code[at] in _opener_of:
            depth -= 1
            if depth == 0:
                return at
    return len(code)


def opening(code, closer_at):
    """Offset of what opens the bracket closed at `closer_at`; -1 if nothing does."""
    depth = 0
    for at in range(closer_at, -1, -1):
        if code[at] in _opener_of:
            depth += 1
        elif code[at] in _closer_of:
            depth -= 1
            if depth == 0:
                return at
    return -1


def _is_control(code, paren_at):
    """True for the parenthesis of if, while, for, switch and catch."""
    return re.search(r"\b(?:if|if\s+constexpr|while|for|switch|catch)\s*$", code[max(0, paren_at - 40) : paren_at]) is not None


def _ends_by_brace(code, at):
    """From inside a brace: true if its `}` comes before any `;`, as in an initializer and unlike in a block."""
    while at < len(code):
        if code[at] in _closer_of:
            at = closing(code, at)
        elif code[at] == ";":
            return False
        elif code[at] == "}":
            return True
        at += 1
    return False


def _is_block(code, closer_at):
    """Whether the `}` at `closer_at` ends a block, and so the statement, rather than an initializer or a lambda."""
    return re.match(r"\s*(?:[A-Za-z_*+\-(]|$)", code[closer_at + 1 :]) is not None


def full_expression(code, at):
    """The extent of the full expression (or of the declaration or return statement) around offset `at`."""
    start = at
    while start > 0:
        before = code[start - 1]
        if before == ";":
            break
        if before in _closer_of:
            if before == "(" and _is_control(code, start - 1):
                break
            if before == "{" and not _ends_by_brace(code, at):
                break
            at = start = start - 1
            at = closing(code, at) + 1  # seen from the outer level, what was inside is one closed group
        elif before in _opener_of:
            opener_at = opening(code, start - 1)
            if before == "}" and _is_block(code, start - 1):
                break
            if before == ")" and _is_control(code, opener_at):
                break
            start = opener_at
        else:
            start -= 1
        start = max(start, 0)
    end = start
    while end < len(code) and code[end] != ";" and code[end] not in _opener_of:
        end = closing(code, end) + 1 if code[end] in _closer_of else end + 1
    return start, min(end, len(code))


def without_lambda_bodies(code):
    """`code` with the insides of braces that hold statements blanked: what is awaited there is another coroutine's."""
    text, at = code, 0
    while at < len(text):
        if text[at] == "{":
            end = closing(text, at)
            if ";" in text[at:end]:
                text = text[: at + 1] + _blank(text[at + 1 : end]) + text[end:]
            at = at + 1 if end == len(text) or ";" not in text[at:end] else end
        at += 1
    return text

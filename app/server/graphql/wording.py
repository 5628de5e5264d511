"""The words of errors that GraphQL itself finds: which argument, and nothing of Python's."""

import re

from graphql import ArgumentNode, GraphQLError, Node, ObjectFieldNode, ValueNode, parse

from app.faces.graphql.scalars import Unreadable

# graphql-core shows the offending value in Python's notation, and errors of Python's own; the place says enough.
_ECHO = re.compile(
    r"(?:,| \?|\.|\?) [fF]ound: .*|, but encountered error '.*|(?<=ing|ger|ric|ean) value: .*", re.DOTALL
)
_NO_TEXT = re.compile(r" cannot represent value: .*", re.DOTALL)
_REWORDED = {
    "Too many validation errors, error limit reached. Validation aborted.": "The document has more errors.",
    "Validation aborted.": "The document selects fields of the same name too often; select each once.",
    "not to be None": "not to be null",
}


def worded(error: GraphQLError) -> str:
    """Word an error for the caller, with the path of the argument that it is about, such as `filter.time.start`."""
    if isinstance(error.original_error, Unreadable):
        message = str(error.original_error)
    else:
        message = _ECHO.sub("", _NO_TEXT.sub(" must be text", error.message))
        for before, after in _REWORDED.items():
            message = message.replace(before, after)
    place = _place(error)
    return f"{place}: {message}" if place and place not in message else message


def _place(error: GraphQLError) -> str:
    """Find the argument that holds the error's value in the document; "" where the error is not about a value."""
    at = error.nodes[0] if error.nodes else None
    if error.source is None or not isinstance(at, ValueNode) or at.loc is None:
        return ""
    start, end = at.loc.start, at.loc.end
    path: list[str] = []
    node: Node | None = parse(error.source)
    while node is not None:
        if isinstance(node, ArgumentNode | ObjectFieldNode):
            path.append(node.name.value)
        node = next((one for one in _children(node) if one.loc and one.loc.start <= start and end <= one.loc.end), None)
    return ".".join(path)


def _children(node: Node) -> list[Node]:
    found: list[Node] = []
    for key in node.keys:
        inner = getattr(node, key, None)
        found += [one for one in (inner if isinstance(inner, list | tuple) else (inner,)) if isinstance(one, Node)]
    return found

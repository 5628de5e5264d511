"""Bounds of a document, counted in time linear in its length: each fragment is counted once, wherever it is spread."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
)

from app.query.limits import (
    ALIAS_LENGTH,
    DOCUMENT_ALIASES,
    DOCUMENT_DEPTH,
    DOCUMENT_DIRECTIVES,
    DOCUMENT_FIELDS,
    DOCUMENT_FRAGMENTS,
    ROOT_FIELDS,
)


@dataclass(frozen=True, slots=True)
class Extent:
    """What a selection comes to with its fragments put in place."""

    depth: int = 0
    roots: int = 0
    fields: int = 0
    aliases: int = 0
    longest_alias: int = 0
    directives: int = 0

    @classmethod
    def of_all(cls, parts: Sequence["Extent"], directives: int) -> "Extent":
        """Add up what stands side by side."""
        return cls(
            depth=max((part.depth for part in parts), default=0),
            roots=sum(part.roots for part in parts),
            fields=sum(part.fields for part in parts),
            aliases=sum(part.aliases for part in parts),
            longest_alias=max((part.longest_alias for part in parts), default=0),
            directives=sum(part.directives for part in parts) + directives,
        )


def check_document(document: DocumentNode) -> None:
    """Raise LimitExceeded, naming the limit, where a document passes a bound. It need not be valid."""
    DOCUMENT_FRAGMENTS.check(sum(isinstance(node, FragmentDefinitionNode) for node in document.definitions), "document")
    operations, fragments = measure_document(document)
    for extent in (*operations, *fragments.values()):
        DOCUMENT_DEPTH.check(extent.depth, "document")
        DOCUMENT_ALIASES.check(extent.aliases, "document")
        ALIAS_LENGTH.check(extent.longest_alias, "document")
        DOCUMENT_DIRECTIVES.check(extent.directives, "document")
        DOCUMENT_FIELDS.check(extent.fields, "document")
    for extent in operations:
        ROOT_FIELDS.check(extent.roots, "document")


def measure_document(document: DocumentNode) -> tuple[list[Extent], dict[str, Extent]]:
    """Measure each operation, in their order, and each fragment, by its name."""
    definitions = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    measure = _Measure(definitions)
    for name in definitions:
        measure.fragment(name)
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    return [measure.operation(node) for node in operations], measure.fragments


class _Measure:
    def __init__(self, definitions: dict[str, FragmentDefinitionNode]) -> None:
        self._definitions = definitions
        self._open: set[str] = set()
        self.fragments: dict[str, Extent] = {}

    def operation(self, node: OperationDefinitionNode) -> Extent:
        variables = sum(len(variable.directives or ()) for variable in node.variable_definitions or ())
        return Extent.of_all([self._selections(node.selection_set)], len(node.directives or ()) + variables)

    def fragment(self, name: str) -> Extent:
        """Measure a fragment once; one that is not there, or holds itself, is nothing here: validation refuses it."""
        known = self.fragments.get(name)
        if known is not None:
            return known
        if name in self._open or name not in self._definitions:
            return Extent()
        self._open.add(name)
        node = self._definitions[name]
        extent = Extent.of_all([self._selections(node.selection_set)], len(node.directives or ()))
        self._open.discard(name)
        self.fragments[name] = extent
        return extent

    def _selections(self, selections: SelectionSetNode) -> Extent:
        return Extent.of_all(list(self._parts(selections)), 0)

    def _parts(self, selections: SelectionSetNode) -> Iterable[Extent]:
        for node in selections.selections:
            directives = len(node.directives or ())
            match node:
                case FieldNode():
                    below = self._selections(node.selection_set) if node.selection_set else Extent()
                    yield Extent(
                        depth=below.depth + 1,
                        roots=1,
                        fields=below.fields + 1,
                        aliases=below.aliases + (node.alias is not None),
                        longest_alias=max(below.longest_alias, len(node.alias.value) if node.alias else 0),
                        directives=below.directives + directives,
                    )
                case InlineFragmentNode():
                    yield Extent.of_all([self._selections(node.selection_set)], directives)
                case FragmentSpreadNode():
                    yield Extent.of_all([self.fragment(node.name.value)], directives)

"""Documents with fragments: generated ones, the same with every fragment copied into its places, and doubled ones."""

from collections.abc import Iterator
from dataclasses import dataclass

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    Visitor,
    visit,
)
from hypothesis import strategies as st


@dataclass(frozen=True)
class Expanded:
    """A selection with its fragments copied in: its fields, each with what is below, and the directives it passed."""

    fields: list[tuple[FieldNode, "Expanded"]]
    directives: int


def fragments_of(document: DocumentNode) -> dict[str, FragmentDefinitionNode]:
    """Find the fragments by name."""
    return {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}


def operation_of(document: DocumentNode) -> OperationDefinitionNode:
    """Find the only operation."""
    (operation,) = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    return operation


def expand(selections: SelectionSetNode | None, fragments: dict[str, FragmentDefinitionNode]) -> Expanded:
    """Copy every fragment into each of its places, without a thought for how many there are."""
    fields: list[tuple[FieldNode, Expanded]] = []
    directives = 0
    for node in selections.selections if selections else ():
        directives += len(node.directives or ())
        if isinstance(node, FieldNode):
            fields.append((node, expand(node.selection_set, fragments)))
            continue
        inner: Expanded
        if isinstance(node, FragmentSpreadNode):
            definition = fragments[node.name.value]
            directives += len(definition.directives or ())
            inner = expand(definition.selection_set, fragments)
        else:
            assert isinstance(node, InlineFragmentNode)
            inner = expand(node.selection_set, fragments)
        fields += inner.fields
        directives += inner.directives
    return Expanded(fields, directives)


def all_below(expanded: Expanded) -> Iterator[tuple[FieldNode, Expanded]]:
    """Walk through every field at any depth."""
    for node, below in expanded.fields:
        yield node, below
        yield from all_below(below)


def documents(fields: list[str]) -> st.SearchStrategy[str]:
    """Make documents of these fields, whose fragments spread later ones; they need not be valid."""
    return st.integers(0, 3).flatmap(lambda amount: _document(fields, [f"F{at}" for at in range(amount)]))


def _document(fields: list[str], names: list[str]) -> st.SearchStrategy[str]:
    parts = [_selections(fields, []).map(lambda text: f"query($n: Int @d, $m: Int) @d {{ {text} }}")]
    if names:
        parts = [_selections(fields, names).map(lambda text: f"query($n: Int @d, $m: Int) @d {{ {text} }}")]
    for at, name in enumerate(names):
        parts.append(_selections(fields, names[at + 1 :]).map(f"fragment {name} on T @d {{{{ {{}} }}}}".format))
    return st.tuples(*parts).map(" ".join)


def _selections(fields: list[str], spreads: list[str]) -> st.SearchStrategy[str]:
    directives = st.sampled_from(["", "", " @d", " @d @d"])
    field = st.builds("{}{}{}".format, st.sampled_from(["", "", "x: "]), st.sampled_from(fields), directives)
    leaf = field
    if spreads:
        leaf = field | st.builds("...{}{}".format, st.sampled_from(spreads), directives)
    inline = st.builds("...{}".format, directives)
    return st.recursive(
        st.lists(leaf, min_size=1, max_size=3).map(" ".join),
        lambda inner: st.lists(
            st.builds("{} {{ {} }}".format, field | inline, inner) | leaf, min_size=1, max_size=3
        ).map(" ".join),
        max_leaves=6,
    )


def doubled(inner: str, last: str, depth: int) -> str:
    """Make fragments that each spread the next one twice: 2 ** depth times the last."""
    links = [f"fragment F{at} on T {{ {inner.replace('NEXT', f'...F{at + 1}')} }}" for at in range(depth)]
    return " ".join([*links, f"fragment F{depth} on T {{ {last} }}"])


class Visits(tuple[SelectionNode, ...]):  # noqa: SLOT001 - a tuple with a count of its own
    """The selections of one node, which count how often they are gone through."""

    times: int

    def __iter__(self) -> Iterator[SelectionNode]:
        """Count, and go through them."""
        self.times += 1
        return super().__iter__()


def count_visits(document: DocumentNode) -> list[Visits]:
    """Have every selection of a document count its visits."""
    counted: list[Visits] = []

    class Counting(Visitor):
        def enter_selection_set(self, node: SelectionSetNode, *_: object) -> None:
            visits = Visits(node.selections)
            visits.times = 0
            counted.append(visits)
            object.__setattr__(node, "selections", visits)

    visit(document, Counting())
    for visits in counted:
        visits.times = 0
    return counted

"""What a root field's resolver is called with: the arguments of the schema as Strawberry's resolvers take them.

Coercion is graphql-core's. For each request Strawberry then walks through all fields of each input type; here only what
was given is converted, and once where it holds no variable.
"""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import MISSING, dataclass
from inspect import iscoroutinefunction
from typing import Any
from weakref import WeakKeyDictionary

from graphql import (
    FieldNode,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    get_nullable_type,
)
from graphql.execution.values import VariableValues, get_argument_values
from strawberry.types import Info
from strawberry.types.base import StrawberryMaybe, StrawberryObjectDefinition
from strawberry.types.field import StrawberryField

from app.faces.graphql.selection import PlannedInfo, holds_variable
from app.server.graphql.completion import CannotCompile

Convert = Callable[[Any], Any]
_DEFINITION = "strawberry-definition"


@dataclass(frozen=True, slots=True)
class Arguments:
    """The arguments of a field: coerced by graphql-core, once where they hold no variable."""

    definition: GraphQLField
    node: FieldNode
    constant: Mapping[str, Any] | None

    @classmethod
    def of(cls, definition: GraphQLField, node: FieldNode) -> "Arguments":
        """Read the arguments of a node. Raises GraphQLError where they are constant and wrong."""
        varies = any(holds_variable(argument.value) for argument in node.arguments or ())
        return cls(definition, node, None if varies else get_argument_values(definition, node))

    def values(self, variables: VariableValues) -> Mapping[str, Any]:
        """Coerce with these variables. Raises GraphQLError where one is wrong."""
        if self.constant is not None:
            return self.constant
        return get_argument_values(self.definition, self.node, variables)


class Call:
    """Calls the resolver of a root field as Strawberry would."""

    def __init__(self, definition: GraphQLField, arguments: Arguments) -> None:
        """Raises CannotCompile where Strawberry does more than to call a coroutine that takes an `info`."""
        field = definition.extensions.get(_DEFINITION)
        if not isinstance(field, StrawberryField) or field.extensions:
            raise CannotCompile("field")
        resolver = field.base_resolver
        if resolver is None or resolver.info_parameter is None or not iscoroutinefunction(resolver.wrapped_func):
            raise CannotCompile("resolver")
        if resolver.self_parameter or resolver.parent_parameter or resolver.root_parameter:
            raise CannotCompile("resolver")
        self._field = field
        self._resolve: Callable[..., Awaitable[Any]] = resolver.wrapped_func
        self._info = resolver.info_parameter.name
        made: _Inputs = {}
        self._arguments = _Named(
            {
                name: (argument.extensions[_DEFINITION].python_name, _converter(argument.type, made))
                for name, argument in definition.args.items()
            }
        )
        _known.update(made)
        self._constant = None if arguments.constant is None else self._arguments.converted(arguments.constant)

    def given(self, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """What the resolver takes for coerced values: for constants the same objects each time; nobody changes them."""
        return self._arguments.converted(values) if self._constant is None else self._constant

    def __call__(self, info: PlannedInfo, values: Mapping[str, Any]) -> Awaitable[Any]:
        """Begin to resolve with coerced values."""
        return self._resolve(**{self._info: Info(_raw_info=info, _field=self._field)}, **self.given(values))


@dataclass(slots=True)
class _Named:
    """Named values: for each name of the schema the name in Python, and how a value is converted, if it is."""

    members: dict[str, tuple[str, Convert | None]]

    def converted(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Convert those that are given."""
        converted = {}
        for name, value in values.items():
            python_name, convert = self.members[name]
            converted[python_name] = value if convert is None or value is None else convert(value)
        return converted


class _Input:
    """Makes the class of an input type from what was given of it."""

    def __init__(self, kind: GraphQLInputObjectType) -> None:
        definition: StrawberryObjectDefinition = kind.extensions[_DEFINITION]
        if definition.from_input is not None or any(isinstance(one.type, StrawberryMaybe) for one in definition.fields):
            raise CannotCompile(kind.name)
        self._make = definition.origin
        self._absent = {
            one.python_name: None
            for one in definition.fields
            if one.default_value is MISSING and one.default_factory is MISSING
        }
        self._fields = _Named({})

    def know(self, fields: Mapping[str, GraphQLInputField], made: "_Inputs") -> None:
        """Learn of the fields, which may be of this same type."""
        for name, field in fields.items():
            self._fields.members[name] = field.extensions[_DEFINITION].python_name, _converter(field.type, made)

    def __call__(self, values: Mapping[str, Any]) -> Any:
        """Make it."""
        return self._make(**self._absent | self._fields.converted(values))


_Inputs = MutableMapping[GraphQLInputObjectType, _Input]
_known: _Inputs = WeakKeyDictionary()


def _converter(kind: GraphQLInputType, made: _Inputs) -> Convert | None:
    """Tell how values of a type are converted; None where they are taken as they are. Raises CannotCompile.

    Input types that are not known yet are `made`.
    """
    inner = get_nullable_type(kind)
    if isinstance(inner, GraphQLList):
        return _list_of(_converter(inner.of_type, made))
    if not isinstance(inner, GraphQLInputObjectType):
        return None
    found = _known.get(inner) or made.get(inner)
    if found is None:
        found = made[inner] = _Input(inner)
        found.know(inner.fields, made)
    return found


def _list_of(convert: Convert | None) -> Convert:
    if convert is None:
        return list
    return lambda values: [None if value is None else convert(value) for value in values]

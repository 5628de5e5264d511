"""Whether fields of the same name can be merged, at a bounded effort."""

from graphql import OverlappingFieldsCanBeMergedRule, ValidationContext

EFFORT = 100_000  # in graphql-core's own unit: well below half a second, in which nothing else is answered


class BoundedFieldMerging(OverlappingFieldsCanBeMergedRule):
    """graphql-core's rule, which compares each field with all of the same name: it gives up earlier than there."""

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        self.rule_context.remaining_complexity_budget = EFFORT

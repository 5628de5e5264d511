"""The bounds of a question, as data: what `viewer` shows is what is enforced."""

from dataclasses import dataclass

from app.errors import InvalidInput, LimitExceeded


@dataclass(frozen=True, slots=True)
class Limit:
    """A stated bound: at most `value` of what the description says."""

    name: str
    value: int
    description: str

    def check(self, amount: int, argument: str) -> None:
        """Raise LimitExceeded, naming the argument, where the amount passes the bound."""
        if amount > self.value:
            raise LimitExceeded(
                f"{argument}: {amount} passes the limit of {self.value} ({self.name}).", argument=argument
            )


PAGE_ROWS = Limit("pageRows", 10_000, "Rows in one page, and the greatest `first` or `limit`.")
REST_SUMMARY_ROWS = Limit("restSummaryRows", 500, "The greatest `limit` of GET /summary.")
OFFSET = Limit("offset", 1_000_000, "The greatest `offset` of GET /summary; use GraphQL's cursors to go deeper.")
SUMMARY_GROUPS = Limit("summaryGroups", 10_000, "Groups of connectionSummary when no `limit` is given.")
GROUP_ROWS = Limit("groupRows", 10_000, "The greatest `limit` of groups.")
GROUP_DIMENSIONS = Limit("groupDimensions", 8, "Distinct dimensions of one grouping.")
GROUP_MEASURES = Limit("groupMeasures", 50, "Distinct measures of one grouping.")
GROUP_BUCKETS = Limit("groupBuckets", 10_000, "Time buckets that `fill` may make of one window.")
GROUP_BIN = Limit("groupBin", 10_000, "Units in one bin of a time dimension.")
GROUPS_IN_MEMORY = Limit("groupsInMemory", 100_000, "Groups that `fill` or `compareTo` may bring together.")
FILTER_CONDITIONS = Limit("filterConditions", 200, "Operators in one filter, all its and/or/not included.")
FILTER_DEPTH = Limit("filterDepth", 10, "How deep and/or/not may nest in one filter.")
LIST_ITEMS = Limit("listItems", 1_000, "Items in one list of a filter.")
FILTER_ITEMS = Limit("filterItems", 10_000, "Items in all lists of one filter.")
FILTER_CHARACTERS = Limit("filterCharacters", 1_048_576, "Characters in all text values of one filter.")
TEXT_LENGTH = Limit("textLength", 4_096, "Characters in one text value.")
PARAMETERS = Limit("parameters", 100, "Parameters in one query string.")
ORDER_KEYS = Limit("orderKeys", 8, "Keys in one orderBy.")
WINDOW_DAYS = Limit("windowDays", 36_525, "Days in one `last`, `minutes`, `timeframe` or `compareTo`.")
CURSOR_LENGTH = Limit("cursorLength", 300_000, "Characters in one cursor.")
REQUEST_COST = Limit("requestCost", 10_000_000, "Cost of one request: rows x fields, summed over all that is asked.")
ANSWER_BYTES = Limit("answerBytes", 33_554_432, "Bytes of the rows in one answer; exports have no such bound.")
UNREAD_BYTES = Limit(
    "unreadBytes", 67_108_864, "Bytes of large answers to one organization that wait to be read; twice as many for all."
)
BODY_BYTES = Limit("bodyBytes", 1_048_576, "Bytes in one request body.")
DOCUMENT_TOKENS = Limit("documentTokens", 10_000, "Tokens in one GraphQL document.")
DOCUMENT_DEPTH = Limit("documentDepth", 20, "How deep fields may nest in one GraphQL document.")
DOCUMENT_FIELDS = Limit("documentFields", 1_000, "Fields of one GraphQL operation, fragments put in place.")
DOCUMENT_ALIASES = Limit("documentAliases", 200, "Aliases in one GraphQL operation, fragments put in place.")
ALIAS_LENGTH = Limit("aliasLength", 100, "Characters in one alias of a GraphQL document.")
DOCUMENT_DIRECTIVES = Limit("documentDirectives", 100, "Directives in one GraphQL operation, fragments put in place.")
DOCUMENT_FRAGMENTS = Limit("documentFragments", 100, "Fragments that one GraphQL document defines.")
ROOT_FIELDS = Limit("rootFields", 20, "Fields at the top of one GraphQL operation, fragments put in place.")
PERSISTED_QUERIES = Limit("persistedQueries", 1_000, "Persisted GraphQL documents that one process keeps.")
PERSISTED_QUERY_BYTES = Limit("persistedQueryBytes", 8_388_608, "Bytes of the persisted documents of one process.")
PLANNED_CHARACTERS = Limit("plannedCharacters", 262_144, "Characters of the documents whose plans one process keeps.")

LIMITS = (
    PAGE_ROWS,
    REST_SUMMARY_ROWS,
    OFFSET,
    SUMMARY_GROUPS,
    GROUP_ROWS,
    GROUP_DIMENSIONS,
    GROUP_MEASURES,
    GROUP_BUCKETS,
    GROUP_BIN,
    GROUPS_IN_MEMORY,
    FILTER_CONDITIONS,
    FILTER_DEPTH,
    LIST_ITEMS,
    FILTER_ITEMS,
    FILTER_CHARACTERS,
    TEXT_LENGTH,
    PARAMETERS,
    ORDER_KEYS,
    WINDOW_DAYS,
    CURSOR_LENGTH,
    REQUEST_COST,
    ANSWER_BYTES,
    UNREAD_BYTES,
    BODY_BYTES,
    DOCUMENT_TOKENS,
    DOCUMENT_DEPTH,
    DOCUMENT_FIELDS,
    DOCUMENT_ALIASES,
    ALIAS_LENGTH,
    DOCUMENT_DIRECTIVES,
    DOCUMENT_FRAGMENTS,
    ROOT_FIELDS,
    PERSISTED_QUERIES,
    PERSISTED_QUERY_BYTES,
    PLANNED_CHARACTERS,
)


def check_rows(amount: int, argument: str, limit: Limit, least: int = 0) -> int:
    """Tell the row count that was asked for, or raise an error that names the argument."""
    if amount < least:
        raise InvalidInput(f"{argument}: must be {least} or more, not {amount}.", argument=argument)
    limit.check(amount, argument)
    return amount

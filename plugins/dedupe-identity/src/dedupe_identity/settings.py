"""The configuration. What a type cannot say is checked when the plugin is bound, in `checked`."""

from typing import Annotated, Literal

from wasmill import BadConfig, config

Kind = Literal["name", "text", "email", "phone", "date", "code", "number", "exact"]


@config
class Field:
    """A column that is compared."""

    column: Annotated[str, "The column."]
    kind: Annotated[Kind, "What it holds: how it is normalised, and when two values are similar."]
    similar: Annotated[
        list[float] | None,
        "For names and texts: the Jaro-Winkler similarities that make a level each, the highest first. "
        "Default: [0.92, 0.8] of names, [0.92, 0.85] of texts.",
    ] = None
    tolerance: Annotated[float, "For numbers: the difference up to which two are similar.", {"minimum": 0}] = 0
    synonyms: Annotated[
        dict[str, str], "For names and texts: words, and what stands for them, such as bob = \"robert\"; both normalised."
    ] = {}
    shared: Annotated[
        bool, "Whether people of one household have it in common as a rule, such as surname, address and landline."
    ] = False
    frequency: Annotated[
        bool | None, "Whether rare values that agree count more than common ones. Default: for names and texts."
    ] = None
    m: Annotated[
        list[float] | None,
        "Probabilities of the levels among records of one person, from equal to different. Estimated where left out.",
    ] = None
    u: Annotated[
        list[float] | None,
        "The same among records of different persons.",
    ] = None


@config
class Part:
    """A part of a blocking key."""

    column: Annotated[str, "A column of `fields`."]
    by: Annotated[
        Literal["value", "phonetic", "prefix", "suffix", "year"],
        "What of the normalised value: all, its NYSIIS key, its first or last characters, the year of a date.",
    ] = "value"
    length: Annotated[int, "How many characters a prefix or suffix has.", {"minimum": 1, "maximum": 64}] = 3


@config
class Settings:
    """Finds the records that are of one person, and gives them one identity."""

    key: Annotated[str, "The column that names a record: unique, never null, text or integers."]
    fields: Annotated[list[Field], "The columns that are compared.", {"minItems": 1, "maxItems": 32}]
    blocking: Annotated[
        list[list[Part]],
        "The passes: records are compared that agree in all parts of any pass.",
        {"minItems": 1, "maxItems": 30},
    ]
    swaps: Annotated[
        list[list[str]],
        "Pairs of columns of `fields` whose values get exchanged, such as given name and surname.",
    ] = []
    within: Annotated[
        list[str], "Columns in which records must agree to be compared at all. Rows are then divided by them among instances."
    ] = []
    carry: Annotated[list[str], "Columns that are written as they are read, beside the key."] = []
    threshold: Annotated[
        float, "The probability of a match from which on two records are linked.", {"exclusiveMinimum": 0, "exclusiveMaximum": 1}
    ] = 0.9
    guard: Annotated[
        float,
        "The mean weight, in bits, that the pairs of records of two groups must have for a link to join them. A very low one, such "
        "as -1000, joins whatever is linked.",
    ] = 0.0
    prior: Annotated[
        float | None,
        "The probability that two records, drawn at random, are of one person. Estimated where left out.",
        {"exclusiveMinimum": 0, "exclusiveMaximum": 1},
    ] = None
    estimate: Annotated[bool, "Whether m and u are estimated from the data where they are not given; otherwise defaults count."] = True
    max_block: Annotated[
        int, "With how many records of one block a record is compared, the latest ones.", {"minimum": 1, "maximum": 1_000_000}
    ] = 200
    on_large_block: Annotated[
        Literal["warn", "fail"], "What happens when that leaves pairs out: they are counted in a warning, or the step fails."
    ] = "warn"
    identity: Annotated[
        Literal["smallest", "hash"], "What names a person: the smallest key of the records, or a hash of all keys."
    ] = "smallest"


def checked(settings: Settings) -> None:
    """Raises `BadConfig` for what cannot work together."""
    columns = {}
    for at, field in enumerate(settings.fields):
        if field.column in columns:
            raise BadConfig(f"/fields/{at}/column", f"`{field.column}` is compared twice")
        columns[field.column] = field.kind
        _check_field(field, f"/fields/{at}")
    for at, parts in enumerate(settings.blocking):
        if not parts:
            raise BadConfig(f"/blocking/{at}", "a pass has at least one part: without any, all records would be compared")
        for number, part in enumerate(parts):
            pointer = f"/blocking/{at}/{number}"
            if part.column not in columns:
                raise BadConfig(f"{pointer}/column", f"`{part.column}` is none of the fields: {', '.join(columns)}")
            if part.by == "year" and columns[part.column] != "date":
                raise BadConfig(f"{pointer}/by", f"`{part.column}` is no date, so it has no year")
    for at, pair in enumerate(settings.swaps):
        if len(pair) != 2:
            raise BadConfig(f"/swaps/{at}", f"values are exchanged between two columns, and these are {len(pair)}")
        for number, column in enumerate(pair):
            if column not in columns:
                raise BadConfig(f"/swaps/{at}/{number}", f"`{column}` is none of the fields: {', '.join(columns)}")
        if columns[pair[0]] != columns[pair[1]] or pair[0] == pair[1]:
            raise BadConfig(f"/swaps/{at}", "only different columns of the same kind can be exchanged")
    for at, column in enumerate(settings.carry):
        if column in OUTPUT or column == settings.key or column in settings.carry[:at]:
            raise BadConfig(f"/carry/{at}", f"the output has a column `{column}` already")
    if settings.key in OUTPUT:
        raise BadConfig("/key", f"the output has a column `{settings.key}` already")


OUTPUT = ("identity", "matched_to", "match_weight", "match_probability")
"""The columns that the plugin writes beside the key."""

_BY_SIMILARITY = {"name": [0.92, 0.8], "text": [0.92, 0.85]}


def thresholds(field: Field) -> list[float]:
    """The Jaro-Winkler similarities that make a level each, the highest first."""
    return field.similar if field.similar is not None else _BY_SIMILARITY.get(field.kind, [])


def count_levels(field: Field) -> int:
    """How many levels the comparison of a field has: equal, those of similar values, different."""
    if field.kind in _BY_SIMILARITY:
        return 2 + len(thresholds(field))
    return 2 if field.kind == "exact" or (field.kind == "number" and not field.tolerance) else 3


def _check_field(field: Field, pointer: str) -> None:
    by_similarity = field.kind in _BY_SIMILARITY
    if field.similar is not None and not by_similarity:
        raise BadConfig(f"{pointer}/similar", f"fields of the kind `{field.kind}` are not compared by Jaro-Winkler similarity")
    given = thresholds(field)
    if len(given) > 4:
        raise BadConfig(f"{pointer}/similar", f"{len(given)} similarities; 4 at most make a level each")
    if not all(0.5 <= similarity < 1 for similarity in given):
        raise BadConfig(f"{pointer}/similar", "a similarity is at least 0.5 and below 1, which equal values have")
    if given != sorted(set(given), reverse=True):
        raise BadConfig(f"{pointer}/similar", "similarities go from the highest to the lowest, each once")
    if field.tolerance and field.kind != "number":
        raise BadConfig(f"{pointer}/tolerance", f"only numbers have a tolerance, and this field is of the kind `{field.kind}`")
    if field.synonyms and not by_similarity:
        raise BadConfig(f"{pointer}/synonyms", f"only names and texts have synonyms, and this field is of the kind `{field.kind}`")
    for name, values in (("m", field.m), ("u", field.u)):
        if values is None:
            continue
        if len(values) != count_levels(field):
            raise BadConfig(f"{pointer}/{name}", f"{len(values)} probabilities for {count_levels(field)} levels, from equal to different")
        if not all(0 < value < 1 for value in values):
            raise BadConfig(f"{pointer}/{name}", "each probability is above 0 and below 1")
        if abs(sum(values) - 1) > 0.01:
            raise BadConfig(f"{pointer}/{name}", f"the probabilities of all levels add up to 1, and these to {sum(values):g}")

"""The plugin: reads the records, and writes one row for each of them at the end, with its identity.

All records must be seen before the first can be answered, so the rows come from `finish`. Such rows belong to no input row, and no
column can be kept: those that are to be written beside the identity are read and held, as `carry` says.
"""

import dataclasses
import hashlib
import logging

from wasmill import BadSchema, Batch, DetachedRows, Fatal, Plan, Rows, Transformer

from .matcher import Match, Matcher
from .settings import Settings, checked

log = logging.getLogger("dedupe-identity")

_READ = {
    "date": ("date32", "date64", "timestamp", "utf8", "large_utf8"),
    "number": ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32", "float64", "utf8", "large_utf8"),
    "code": ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "utf8", "large_utf8"),
}
_READ["phone"] = _READ["code"]
_READ["exact"] = (*_READ["code"], "boolean", "date32")
_TEXT = ("utf8", "large_utf8")
_KEYS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "utf8", "large_utf8")
_HASH_DIGITS = 32


class DedupeIdentity(Transformer):
    config: Settings

    def bind(self, plan: Plan) -> None:
        settings = self.config
        checked(settings)
        self.key = plan.read(settings.key)
        if self.key.type.values.name not in _KEYS:
            raise BadSchema(settings.key, f"it is {self.key.type}, and a key is text or an integer")
        self.fields = [plan.read(field.column) for field in settings.fields]
        for read, field in zip(self.fields, settings.fields):
            known = _READ.get(field.kind, _TEXT)
            if read.type.values.name not in known:
                message = f"it is {read.type}, and a field of the kind `{field.kind}` is one of {', '.join(known)}"
                raise BadSchema(field.column, message)
        self.within = [plan.read(column) for column in settings.within]
        self.carry = [plan.read(column) for column in settings.carry]
        plan.drop_all()
        # What is written has no dictionary.
        key = dataclasses.replace(self.key.field, type=self.key.type.values)
        self.written_key = plan.write(key)
        by_key = settings.identity == "smallest"
        self.identity = plan.write(key.with_name("identity")) if by_key else plan.write("identity", str)
        # Null where no record matched.
        self.other = plan.write(dataclasses.replace(key, name="matched_to", nullable=True))
        self.weight = plan.write("match_weight", float)
        self.probability = plan.write("match_probability", float)
        self.written_carry = [plan.write(dataclasses.replace(read.field, type=read.type.values)) for read in self.carry]
        if settings.within:
            plan.keyed_by(*settings.within)
        else:
            plan.single_instance()

    def open(self) -> None:
        self.matcher = Matcher(self.config)
        # Keys in the order of the records, and what is carried.
        self.keys: dict[object, int] = {}
        self.carried: list[list] = [[] for _ in self.carry]

    def process(self, batch: Batch, out: Rows) -> None:
        keys = batch[self.key].to_list()
        fields = [batch[read].to_list() for read in self.fields]
        within = [batch[read].to_list() for read in self.within]
        carry = [batch[read].to_list() for read in self.carry]
        for row, key in enumerate(keys):
            if key is None:
                out.reject(row, "missing-key", "a record without a key cannot be named", column=self.key.name)
                continue
            if key in self.keys:
                out.reject(row, "repeated-key", "an earlier record has this key", column=self.key.name)
                continue
            self.keys[key] = len(self.keys)
            share = tuple([column[row] for column in within]) if within else None
            self.matcher.add([column[row] for column in fields], share)
            for column, values in zip(self.carried, carry):
                column.append(values[row])
        # What is written comes at the end.
        out.take([])
        for output in (self.written_key, self.identity, self.other, self.weight, self.probability, *self.written_carry):
            out[output] = []

    def finish(self, out: DetachedRows) -> None:
        self._check_blocks()
        keys = list(self.keys)
        matches = self.matcher.finish()
        self._report(matches)
        names = self._names(keys)
        out[self.written_key] = keys
        out[self.identity] = [names[match.root] for match in matches]
        out[self.other] = [None if match.other is None else keys[match.other] for match in matches]
        out[self.weight] = [match.weight for match in matches]
        out[self.probability] = [match.probability for match in matches]
        for output, values in zip(self.written_carry, self.carried):
            out[output] = values

    def _names(self, keys: list) -> dict[int, object]:
        """The identity of each group, by the record that stands for it: the same whatever the order of the records."""
        groups = self.matcher.groups
        names = {}
        for root in groups.roots():
            members = sorted([keys[record] for record in groups.members(root)])
            if self.config.identity == "smallest":
                names[root] = members[0]
            else:
                joined = "".join([f"{len(str(key))}:{key}" for key in members])
                names[root] = hashlib.sha256(joined.encode()).hexdigest()[:_HASH_DIGITS]
        return names

    def _check_blocks(self) -> None:
        # Not in `process`: the host would look for the rows at fault, and hold them back instead of failing.
        if self.config.on_large_block == "fail" and any(self.matcher.blocks.left_out):
            number = next(number for number, pairs in enumerate(self.matcher.blocks.left_out) if pairs)
            raise Fatal(
                f"a block of pass {number} has more than {self.config.max_block} records, so pairs would be left out; "
                f"add a part to the key, or raise `max_block`"
            )

    def _report(self, matches: list[Match]) -> None:
        """What an operator wants to know. Values of records are personal data, and are not logged."""
        matcher, blocks = self.matcher, self.matcher.blocks
        groups = len(matcher.groups.roots())
        log.info(
            "%d records, %d pairs compared, %d persons; prior probability of a match %.3g",
            matcher.records, matcher.compared, groups, matcher.weights.prior,
        )
        for field, m, u in zip(self.config.fields, matcher.weights.m, matcher.weights.u):
            shown = ["/".join(f"{share:.3g}" for share in reversed(shares[1:])) for shares in (m, u)]
            log.debug("field %s: m %s, u %s", field.column, *shown)
        if blocks.unblocked:
            log.warning("%d records were compared with none: they have no value in the columns of any pass", blocks.unblocked)
        for number, pairs in enumerate(blocks.left_out):
            if pairs:
                log.warning(
                    "pass %d left %d pairs out: its largest block has %d records, and max_block is %d",
                    number, pairs, blocks.largest[number], self.config.max_block,
                )
        if matcher.groups.refused:
            log.info("%d links were refused: the groups that they would have joined are not alike on the whole", matcher.groups.refused)

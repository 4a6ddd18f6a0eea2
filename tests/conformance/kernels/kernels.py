# /// script
# [tool.wasmill]
# name = "kernels"
# kind = "transformer"
# version = "1.0.0"
# summary = "Compares what kernels give with what Python gives"
# ///
"""What the SDK does by kernels, once more in Python: any difference is fatal."""

import operator
import re

from wasmill import Fatal, Transformer, kernels

NUMBERS = ["i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64", "f32", "f64"]
OTHERS = [0, 1, -1, 7, 200, 2**31, 2**53 + 1, 2**63, -(2**63), 0.0, -0.5, 0.1, float("nan"), float("inf"), True]
COMPARISONS = [operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge]
OPERATIONS = [operator.add, operator.sub, operator.mul, operator.truediv]
PATTERNS = [
    "", "a", "[a-c]+", ".*", "a.b", r"[^@]+@[^@]+\.[a-z]{2,}", r"\s*\w+\s*", r"(a|bc)*d?", "^a|b$", r"(\w)\1", "ä+", r"[^a]*", r"\d{1,3}",
    "(?i)ABC", r"a\Z", "x*?y", r"[\d.-]+", "a{2}",
]


def same(name, found, expected):
    if found != expected and repr(found) != repr(expected):
        raise Fatal(f"{name}: {found!r} and not {expected!r}")


def flags(mask):
    return list(mask)


class Kernels(Transformer):
    def bind(self, plan):
        self.numbers = {name: plan.read(name) for name in NUMBERS}
        self.other, self.text = plan.read("g64", float), plan.read("text", str)

    def process(self, batch, out):
        if kernels.native is None:
            raise Fatal("the kernels are not there")
        for name in NUMBERS:
            column = batch[self.numbers[name]]
            values = column.to_list()
            for other in OTHERS:
                for compare in COMPARISONS:
                    expected = [value is not None and compare(value, other) for value in values]
                    same(f"{name} {compare.__name__} {other}", flags(compare(column, other)), expected)
        column, more = batch[self.numbers["f64"]], batch[self.other]
        values, others = column.to_list(), more.to_list()
        for operation in OPERATIONS:
            for other in OTHERS:
                if other == 0 and operation is operator.truediv:
                    continue
                expected = [None if value is None else operation(value, other) for value in values]
                same(f"{operation.__name__} {other}", operation(column, other).to_list(), expected)
            if operation is not operator.truediv:
                expected = [None if value is None else operation(2.5, value) for value in values]
                same(f"{operation.__name__}, reversed", operation(2.5, column).to_list(), expected)
                pairs = zip(values, others)
                expected = [None if a is None or b is None else operation(a, b) for a, b in pairs]
                same(f"{operation.__name__} of pairs", operation(column, more).to_list(), expected)
        text = batch[self.text]
        texts = text.to_list()
        for pattern in PATTERNS:
            match = re.compile(pattern).fullmatch
            same(f"matches {pattern}", flags(text.matches(pattern)), [each is not None and match(each) is not None for each in texts])
        for part in ["a", "", "ä", "bc", "@", "\x00"]:
            same(f"contains {part!r}", flags(text.contains(part)), [each is not None and part in each for each in texts])
            same(f"== {part!r}", flags(text == part), [each is not None and each == part for each in texts])
            same(f"!= {part!r}", flags(text != part), [each is not None and each != part for each in texts])
        same("is_in", flags(text.is_in(["a", "ä", None, 5, "\ud800"])), [each in ("a", "ä") for each in texts])
        same("is_in", flags(text.is_in(["a", "ä"])), [each in ("a", "ä") for each in texts])
        for separator in [".", "@", "bc", "ä"]:
            for index in range(3):
                parts = [None if each is None else each.split(separator) for each in texts]
                expected = [None if part is None or len(part) <= index else part[index] for part in parts]
                same(f"part {separator} {index}", text.part(separator, index).to_list(), expected)
        same("upper", text.upper().to_list(), [each and each.upper() for each in texts])
        same("lower", text.lower().to_list(), [each and each.lower() for each in texts])

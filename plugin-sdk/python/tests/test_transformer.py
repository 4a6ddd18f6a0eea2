"""Transformers as the host drives them, by columns and by rows."""

import json
import unittest

from wasmill import BadSchema, Fatal, Field, Reject, Schema, Transformer, build, types
from wasmill.transformer import Opened

SCHEMA = Schema([Field("id", types.int64), Field("x", types.float64), Field("price", types.decimal(38, 2))])


class Halves(Transformer):
    def bind(self, plan):
        self.id, self.x = plan.read("id", int), plan.read("x", float)
        self.half = plan.write("half", float)

    def process(self, batch, out):
        out.filter(batch[self.x] > 0)
        out.reject(batch[self.id] == 3, "third", "no")
        out[self.half] = batch[self.x] / 2


class HalvesByRow(Halves):
    def bind(self, plan):
        super().bind(plan)
        plan.rows()

    def process_row(self, row):
        if row["id"] == 3:
            raise Reject("third", "no")
        if row["x"] is None or row["x"] <= 0:
            return None
        row["half"] = row["x"] / 2
        return row


class Prices(Transformer):
    def bind(self, plan):
        plan.read("price")
        plan.write(plan.schema["price"])

    def process_row(self, row):
        yield row
        yield {"price": row["price"] + 1}


class Transformers(unittest.TestCase):
    def test_columns(self):
        opened = Opened(Halves, "{}", SCHEMA)
        nodes = [build(int, [1, 2, 3, 4]).node, build(float, [1.0, None, 5.0, -1.0]).node]
        made, findings = opened.process(4, nodes)
        self.assertEqual(made.selection, ("bitmap", b"\x01"))
        self.assertEqual(made.columns[0][1].to_list(), [0.5, None, 2.5, -0.5])
        self.assertEqual(list(findings), [([2], "third", None, "no")])

    def test_rows(self):
        opened = Opened(HalvesByRow, "{}", SCHEMA)
        # Their values are the same in Python and in JSON, so columns cross.
        self.assertFalse(opened.plan.is_json)
        nodes = [build(int, [1, 2, 3, 4]).node, build(float, [1.0, None, 5.0, 4.0]).node]
        made, findings = opened.process(4, nodes)
        self.assertEqual(made.selection, ("bitmap", b"\x09"))
        self.assertEqual([(how, column.to_list()) for how, column in made.columns], [("per_output_row", [0.5, 2.0])])
        self.assertEqual(list(findings), [([2], "third", None, "no")])

    def test_decimals_of_rows_keep_their_digits_and_rows_multiply(self):
        opened = Opened(Prices, "{}", SCHEMA)
        self.assertTrue(opened.plan.is_rows and opened.plan.is_json)
        made, _ = opened.process_json(1, '[{"price": 123456789012345678901234567.89}]')
        self.assertEqual(made.selection, ("indices", [0, 0]))
        self.assertEqual(json.loads(made.json)[0], {"price": "123456789012345678901234567.89"})

    def test_what_is_missing_is_said(self):
        with self.assertRaises(BadSchema):
            Opened(Halves, "{}", Schema([Field("id", types.utf8)]))

        class Forgets(Halves):
            def process(self, batch, out):
                pass

        with self.assertRaises(Fatal):
            Opened(Forgets, "{}", SCHEMA).process(0, [build(int, []).node, build(float, []).node])


if __name__ == "__main__":
    unittest.main()

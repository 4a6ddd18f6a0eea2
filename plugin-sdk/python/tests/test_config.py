"""Configurations: the schema that is derived, and what is read."""

import unittest
from typing import Annotated, Any, Literal

from wasmill import BadConfig, Secret, config
from wasmill.config import parse, schema_of, to_json


@config
class Rule:
    column: str
    least: float | None = None


@config
class Config:
    """Checks rows."""

    rules: Annotated[list[Rule], "What to check."]
    mode: Literal["strict", "lax"] = "lax"
    tags: dict[str, int] = {"a": 1}
    limit: Annotated[int, {"minimum": 0}] = 3
    token: Secret = ""
    extra: Any = None


class Configurations(unittest.TestCase):
    def test_the_schema_says_what_the_annotations_say(self):
        schema = schema_of(Config)
        self.assertEqual(schema["description"], "Checks rows.")
        self.assertEqual(schema["required"], ["rules"])
        self.assertIs(schema["additionalProperties"], False)
        properties = schema["properties"]
        self.assertEqual(properties["rules"]["description"], "What to check.")
        self.assertIs(properties["rules"]["items"]["additionalProperties"], False)
        self.assertEqual(properties["mode"], {"enum": ["strict", "lax"], "default": "lax"})
        self.assertEqual(properties["limit"], {"type": "integer", "minimum": 0, "default": 3})
        self.assertEqual(properties["tags"]["default"], {"a": 1})
        self.assertIs(properties["token"]["writeOnly"], True)

    def test_defaults_are_filled_in(self):
        found = parse(Config, '{"rules": [{"column": "x", "least": 1}]}')
        self.assertEqual(found.rules, [Rule(column="x", least=1.0)])
        self.assertEqual(to_json(found)["tags"], {"a": 1})
        self.assertIsNot(found.tags, parse(Config, '{"rules": []}').tags)

    def test_mistakes_are_placed(self):
        for text, pointer in [
            ('{"rules": [{"column": 1}]}', "/rules/0/column"), ('{"rules": [], "mode": "x"}', "/mode"), ("{}", ""),
            ('{"rules": [], "a/b": 1}', "/a~1b"), ('{"rules": {}}', "/rules"), ("no", ""), ('{"rules": [], "limit": true}', "/limit"),
        ]:
            with self.subTest(text), self.assertRaises(BadConfig) as caught:
                parse(Config, text)
            self.assertEqual(caught.exception.pointer, pointer)


if __name__ == "__main__":
    unittest.main()

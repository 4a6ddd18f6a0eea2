/* The SDK's unit tests, on the machine itself: columns, builders, JSON, rows, settings, plans, what calls give back. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "internal.h"

#define CHECK(condition)                                                                                                       \
    do {                                                                                                                       \
        if (!(condition)) {                                                                                                    \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                                    \
            exit(1);                                                                                                           \
        }                                                                                                                      \
    } while (0)

static wml_json parsed(const char *text) {
    wml_json value;
    if (wml_json_parse(wml_call_arena(), wml_str_of(text), &value) != WML_OK) {
        fprintf(stderr, "%s: %s\n", text, wml_last_failure()->message);
        exit(1);
    }
    return value;
}

static bool same_text(wml_buffer buffer, const char *text) {
    return wml_str_is(wml_buffer_str(&buffer), text);
}

static void json_is_read_and_written(void) {
    const char *texts[] = {
        "null", "[]", "{}", "[1,-0.5,1e3,9223372036854775807,18446744073709551615]", "{\"a\":[true,false,null],\"b\":\"c\"}",
        "\"\\\"\\\\ \xc3\xa9\xf0\x9f\xa6\x80\"",
    };
    for (size_t at = 0; at < sizeof texts / sizeof *texts; at++) {
        wml_json value = parsed(texts[at]);
        wml_buffer out = wml_buffer_new();
        wml_json_write(&out, &value);
        CHECK(same_text(out, texts[at]));
    }
    CHECK(wml_str_is(parsed("\"\\ud83e\\udd80\\u00e9\\n\"").text, "\xf0\x9f\xa6\x80\xc3\xa9\n"));
    wml_json object = parsed(" { \"a\" : 1 , \"a\" : 2 } ");
    int64_t number;
    CHECK(wml_json_int64(wml_json_get(&object, "a"), &number) && number == 2);
    CHECK(wml_json_get(&object, "b") == NULL);
    wml_json least = parsed("-9223372036854775808");
    CHECK(wml_json_int64(&least, &number) && number == INT64_MIN);
    least = parsed("-9223372036854775809");
    CHECK(!wml_json_int64(&least, &number));
    double real;
    wml_json tenth = parsed("0.1");
    CHECK(wml_json_double(&tenth, &real) && real == 0.1);
}

static void what_is_no_json_is_refused(void) {
    const char *texts[] = {
        "", " ", "nul", "01", "1.", "-", "1e", "+1", ".5", "[1,]", "[1 2]", "{\"a\"}", "{\"a\":}", "{a:1}", "\"", "\"\\x\"",
        "\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\u0041\"", "\"\x80\"", "\"\xed\xa0\x80\"", "\"\xf5\x80\x80\x80\"", "\"\n\"", "1 1", "[", "{\"a\":1",
        "NaN", "\"\\u12\"", "\"\xc3",
    };
    wml_json value;
    for (size_t at = 0; at < sizeof texts / sizeof *texts; at++) {
        CHECK(wml_json_parse(wml_call_arena(), wml_str_of(texts[at]), &value) == WML_FATAL);
    }
    char deep[1000];
    memset(deep, '[', sizeof deep);
    CHECK(wml_json_parse(wml_call_arena(), (wml_str){deep, sizeof deep}, &value) == WML_FATAL);
}

/* Whatever is changed in a text, nothing is read out of bounds, and what is accepted is written and read again. */
static void changed_json_does_no_harm(void) {
    static const char SEED[] = "[{\"id\":-12.5e-3,\"t\":\"a\\u00e9\\ud83e\\udd80\xc3\xa9\",\"l\":[1,[2,null],{\"x\":true}]},false]";
    uint64_t random = 1;
    for (int turn = 0; turn < 100000; turn++) {
        size_t size = sizeof SEED - 1;
        char *text = malloc(size); /* on its own, so that the sanitizer sees each byte beyond */
        memcpy(text, SEED, size);
        for (int change = 0; change < 1 + turn % 4; change++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            static const char BYTES[] = "[]{}\",:\\u0e9.-+tfn\x80\xc3\xff\n\0";
            text[(random >> 33) % size] = turn % 2 ? BYTES[(random >> 20) % (sizeof BYTES - 1)] : (char)(random >> 24);
        }
        if (turn % 3 == 0) size = (size_t)(random >> 40) % size;
        wml_json value, again;
        if (wml_json_parse(wml_call_arena(), (wml_str){text, size}, &value) == WML_OK) {
            wml_buffer out = wml_buffer_new();
            wml_json_write(&out, &value);
            CHECK(wml_json_parse(wml_call_arena(), wml_buffer_str(&out), &again) == WML_OK);
        }
        free(text);
        wml_arena_reset(wml_call_arena());
    }
}

typedef struct inner {
    int64_t depth;
} inner;

typedef struct config {
    const char *text;
    double ratio;
    int way;
    wml_list numbers;
    inner inner;
    bool flag;
} config;

static const char *const WAYS[] = {"columns", "rows", NULL};
static const wml_setting INNER[] = {WML_INTEGER(inner, depth, "How deep", .preset = "1", .minimum = "0"), WML_END};
static const wml_setting SETTINGS[] = {
    WML_TEXT(config, text, "A \"text\""),
    WML_NUMBER(config, ratio, NULL, .preset = "0.5"),
    WML_CHOICE(config, way, WAYS, "Which way", .preset = "rows"),
    WML_LIST(config, numbers, WML_SETTING_INT64, NULL, .preset = "[1, 2]"),
    WML_OBJECT(config, inner, INNER, NULL),
    WML_BOOL(config, flag, NULL, .optional = true),
    WML_END,
};

static void settings_are_read_and_described(void) {
    wml_buffer schema = wml_buffer_new();
    wml_settings_schema(&schema, SETTINGS);
    wml_json described;
    CHECK(wml_json_parse(wml_call_arena(), wml_buffer_str(&schema), &described) == WML_OK);
    CHECK(wml_json_get(&described, "additionalProperties")->kind == WML_JSON_FALSE);
    CHECK(wml_json_get(&described, "required")->count == 1);
    config config = {0};
    CHECK(wml_settings_read(wml_call_arena(), SETTINGS, wml_str_of("{\"text\":\"x\"}"), &config) == WML_OK);
    CHECK(strcmp(config.text, "x") == 0 && config.ratio == 0.5 && config.way == 1 && config.inner.depth == 1);
    CHECK(config.numbers.count == 2 && ((const int64_t *)config.numbers.items)[1] == 2);
    const char *bad[][2] = {
        {"{}", "/text"},
        {"{\"text\":\"x\",\"more\":1}", "/more"},
        {"{\"text\":\"x\",\"a/b~\":1}", "/a~1b~0"},
        {"{\"text\":\"x\",\"numbers\":[1,\"2\"]}", "/numbers/1"},
        {"{\"text\":\"x\",\"inner\":{\"depth\":-1}}", "/inner/depth"},
        {"{\"text\":\"x\",\"way\":\"other\"}", "/way"},
        {"[]", ""},
        {"no", ""},
    };
    for (size_t at = 0; at < sizeof bad / sizeof *bad; at++) {
        CHECK(wml_settings_read(wml_call_arena(), SETTINGS, wml_str_of(bad[at][0]), &config) == WML_BAD_CONFIG);
        CHECK(strcmp(wml_last_failure()->place, bad[at][1]) == 0);
    }
}

static wml_column built(wml_builder *builder) {
    wml_column column;
    CHECK(wml_builder_column(builder, &column) == WML_OK);
    return column;
}

static void columns_are_built(void) {
    wml_field number = wml_field_new("n", WML_INT32), text = wml_field_new("t", WML_UTF8), yes = wml_field_new("b", WML_BOOLEAN);
    wml_builder *numbers = wml_builder_new(wml_call_arena(), &number), *texts = wml_builder_new(wml_call_arena(), &text);
    wml_builder *bools = wml_builder_new(wml_call_arena(), &yes);
    for (int row = 0; row < 1000; row++) {
        if (row % 7 == 0) {
            wml_append_null(numbers);
            wml_append_null(texts);
            wml_append_null(bools);
        } else {
            wml_append_int(numbers, -row);
            wml_append_string(texts, wml_str_of(wml_printf("row %d", row)));
            wml_append_bool(bools, row % 2);
        }
    }
    wml_column n = built(numbers), t = built(texts), b = built(bools);
    for (int row = 0; row < 1000; row++) {
        CHECK(wml_is_null(&n, row) == (row % 7 == 0) && wml_is_null(&t, row) == (row % 7 == 0));
        if (row % 7 == 0) continue;
        CHECK(wml_int32(&n)[row] == -row && wml_bool_at(&b, row) == row % 2);
        CHECK(wml_str_is(wml_string_at(&t, row), wml_printf("row %d", row)));
    }
    wml_builder *filled = wml_builder_new(wml_call_arena(), &number);
    int32_t *room = wml_fill(filled, 1000);
    for (int row = 0; row < 1000; row++) room[row] = row;
    wml_copy_nulls(filled, &n);
    wml_column f = built(filled);
    CHECK(wml_is_null(&f, 7) && wml_is_valid(&f, 8) && wml_int32(&f)[999] == 999);
}

/* A list of structs of a dictionary and a decimal, copied value by value. */
static void nested_values_are_copied(void) {
    wml_field word = wml_field_new("item", WML_UTF8), price = wml_field_new("price", WML_DECIMAL128);
    price.type.precision = 10;
    price.type.scale = 2;
    wml_field dictionary = {.name = wml_str_of("word"), .type = {.id = WML_DICTIONARY, .index = WML_INT8}, .nullable = true,
                            .children = &word, .child_count = 1};
    wml_field fields[] = {dictionary, price};
    wml_field item = {.name = wml_str_of("item"), .type = {.id = WML_STRUCT}, .nullable = true, .children = fields, .child_count = 2};
    wml_field list = {.name = wml_str_of("list"), .type = {.id = WML_LIST_OF}, .nullable = true, .children = &item, .child_count = 1};
    wml_builder *builder = wml_builder_new(wml_call_arena(), &list);
    wml_builder *items = wml_builder_child(builder, 0);
    for (int row = 0; row < 20; row++) {
        for (int at = 0; at < row % 4; at++) {
            wml_append_string(wml_builder_child(items, 0), at % 2 ? WML_LITERAL("odd") : WML_LITERAL("even"));
            wml_append_decimal(wml_builder_child(items, 1), wml_decimal_of(-at * 5));
            wml_append_struct(items);
        }
        if (row % 5 == 4) wml_append_null(items);
        wml_append_list(builder);
    }
    wml_append_null(builder);
    wml_column first = built(builder);
    wml_builder *copier = wml_builder_new(wml_call_arena(), &list);
    for (size_t row = 0; row < first.length; row++) wml_append_value(copier, wml_value_at(&first, row));
    wml_column second = built(copier);
    CHECK(second.length == 21 && wml_is_null(&second, 20) && second.children[0].length == first.children[0].length);
    CHECK(memcmp(first.offsets, second.offsets, 22 * 4) == 0);
    const wml_column *words = &second.children[0].children[0];
    CHECK(words->children[0].length == 2);
    CHECK(wml_str_is(wml_value_at(words, 2).text, "odd"));
    char digits[160];
    CHECK(strcmp(wml_decimal_text(wml_value_at(&second.children[0].children[1], 2).decimal, 2, digits), "-0.05") == 0);
    CHECK(wml_value_at(&second.children[0], 6).type == WML_NULL);
}

static void decimals_and_halves_are_exact(void) {
    const char *texts[][2] = {{"0.00", "0"}, {"-12.50", "-12.5"}, {"99999999999999999999999999999999999999.99", "99999999999999999999999999999999999999.99"}};
    char text[160];
    wml_decimal value;
    for (size_t at = 0; at < 3; at++) {
        CHECK(wml_decimal_parse(wml_str_of(texts[at][1]), 2, &value));
        CHECK(strcmp(wml_decimal_text(value, 2, text), texts[at][0]) == 0);
    }
    CHECK(strcmp(wml_decimal_text(wml_decimal_of(12), -3, text), "12000") == 0);
    CHECK(!wml_decimal_parse(wml_str_of("1.234"), 2, &value) && !wml_decimal_parse(wml_str_of("x"), 2, &value) && !wml_decimal_parse(wml_str_of(""), 2, &value));
    for (uint32_t bits = 0; bits < 65536; bits++) CHECK(wml_double_to_half(wml_half_to_double((uint16_t)bits)) == bits);
    CHECK(wml_double_to_half(65520) == 0x7c00 && wml_double_to_half(1.0 + 1.0 / 2048) == 0x3c00 && wml_double_to_half(ldexp(1, -25)) == 0);
}

static void text_becomes_upper_case(void) {
    const char *cases[][2] = {
        {"", ""}, {"Ada Lovelace", "ADA LOVELACE"}, {"straße und \xc5\x81ukasz, søren ågård", "STRASSE UND ŁUKASZ, SØREN ÅGÅRD"}, {"ﬁn {|}~`a z", "FIN {|}~`A Z"},
        {"eightasc", "EIGHTASC"}, {"ñeightascii", "ÑEIGHTASCII"}, {"\xce\x90", "\xce\x99\xcc\x88\xcc\x81"}, {"\xff" "a", "\xff" "A"},
    };
    for (size_t at = 0; at < sizeof cases / sizeof *cases; at++) CHECK(wml_str_is(wml_upper(wml_str_of(cases[at][0])), cases[at][1]));
}

static void rows_go_on_or_not(void) {
    wml_field field = wml_field_new("id", WML_INT64);
    wml_plan *plan = wml_plan_new(wml_call_arena(), (wml_schema){&field, 1}, true);
    int input, output = wml_write(plan, "more", WML_INT64);
    CHECK(wml_read(plan, "id", WML_UTF8, &input) == WML_BAD_SCHEMA && strcmp(wml_last_failure()->place, "id") == 0);
    CHECK(wml_read(plan, "no", WML_INT64, &input) == WML_BAD_SCHEMA);
    CHECK(wml_read(plan, "id", WML_INT64, &input) == WML_OK && input == 0);
    wml_batch batch = {.rows = 20};
    wml_out *out = wml_out_new(wml_call_arena(), plan, &batch);
    wml_filter_where(out, row, row != 19);
    wml_drop_row(out, 3);
    size_t rows[] = {9, 5, 5, 7};
    for (size_t at = 0; at < 4; at++) wml_reject(out, rows[at], "rule", NULL, "%s", "text");
    wml_reject(out, 5, "rule", "id", "text");
    wml_outcome_of result;
    CHECK(wml_out_end(out, &result) == WML_FATAL);
    wml_fill(wml_output(out, output), 20);
    CHECK(wml_out_end(out, &result) == WML_OK && result.selection == WML_SELECT_BITMAP && result.column_count == 1);
    CHECK(out->bitmap[0] == 0x57 && out->bitmap[1] == 0xfd && out->bitmap[2] == 0x07);
    CHECK(out->finding_count == 2 && out->findings[0].count == 3 && out->findings[0].rows[0] == 5 && out->findings[0].rows[2] == 9);
    wml_reject(out, 20, "rule", NULL, "text");
    CHECK(wml_out_end(out, &result) == WML_FATAL);
}

static void rows_are_objects(void) {
    wml_field field = wml_field_new("id", WML_INT64);
    wml_plan *plan = wml_plan_new(wml_call_arena(), (wml_schema){&field, 1}, false);
    wml_by_rows(plan);
    wml_write(plan, "id", WML_INT64);
    wml_write(plan, "text", WML_UTF8);
    wml_row **rows;
    CHECK(wml_rows_parse(wml_call_arena(), wml_str_of("[{\"id\":1,\"old\":2},{\"id\":null}]"), 2, &rows) == WML_OK);
    wml_batch batch = {.rows = 2, .json_rows = rows};
    wml_out *out = wml_out_new(wml_call_arena(), plan, &batch);
    int64_t id;
    wml_str text;
    CHECK(wml_row_get_int64(rows[0], "id", &id) == WML_FOUND && id == 1 && wml_row_get_int64(rows[1], "id", &id) == WML_IS_NULL);
    CHECK(wml_row_get_string(rows[0], "id", &text) == WML_OTHER_TYPE);
    wml_row_set_string(rows[1], "text", WML_LITERAL("a\"\n"));
    wml_emit(out, rows[1]);
    wml_emit(out, rows[0]);
    wml_outcome_of result;
    CHECK(wml_out_end(out, &result) == WML_OK && result.selection == WML_SELECT_INDICES && out->sources[0] == 1);
    CHECK(wml_str_is(result.json, "[{\"id\":null,\"text\":\"a\\\"\\u000a\"},{\"id\":1}]"));
    wml_row_set_int64(rows[0], "txet", 1);
    wml_emit(out, rows[0]);
    CHECK(wml_out_end(out, &result) == WML_FATAL);
    CHECK(wml_rows_parse(wml_call_arena(), wml_str_of("[1]"), 1, &rows) == WML_FATAL);
}

static void responses_say_what_to_do(void) {
    wml_pair header = {WML_LITERAL("retry-after"), WML_LITERAL("3")};
    wml_response response = {.status = 503, .headers = &header, .header_count = 1};
    CHECK(wml_successful(&response) == WML_RETRYABLE && wml_last_failure()->has_after && wml_last_failure()->after_ms == 3000);
    response.status = 404;
    CHECK(wml_successful(&response) == WML_FATAL);
    response.status = 204;
    CHECK(wml_successful(&response) == WML_OK);
}

static void memory_does_not_grow(void) {
    wml_field text = wml_field_new("t", WML_UTF8);
    size_t held = 0;
    for (int batch = 0; batch < 10000; batch++) {
        wml_builder *builder = wml_builder_new(wml_call_arena(), &text);
        for (int row = 0; row < 100 + batch % 50; row++) wml_append_string(builder, WML_LITERAL("some text that takes some room"));
        built(builder);
        wml_arena_reset(wml_call_arena());
        if (batch == 100) held = wml_arena_size(wml_call_arena());
    }
    CHECK(wml_arena_size(wml_call_arena()) <= held);
}

int main(void) {
    void (*tests[])(void) = {
        json_is_read_and_written, what_is_no_json_is_refused, changed_json_does_no_harm, settings_are_read_and_described,
        columns_are_built, nested_values_are_copied, decimals_and_halves_are_exact, text_becomes_upper_case, rows_go_on_or_not,
        rows_are_objects, responses_say_what_to_do, memory_does_not_grow,
    };
    for (size_t test = 0; test < sizeof tests / sizeof *tests; test++) {
        tests[test]();
        wml_arena_reset(wml_call_arena());
    }
    printf("%zu tests passed\n", sizeof tests / sizeof *tests);
    return 0;
}

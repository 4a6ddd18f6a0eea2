/*
 * JSON: a parser into an arena, and writers.
 *
 * The parser takes any bytes: it checks bounds, depth, numbers, escapes, surrogates and UTF-8, as RFC 8259 wants them. Numbers are
 * kept as they were written, so that decimals and 64-bit integers lose nothing. Strings without escapes are not copied.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "internal.h"

#define MAX_DEPTH 128

typedef struct parser {
    wml_arena *arena;
    const char *start;
    const char *at;
    const char *end;
    /* Items and members whose array or object is not finished yet. */
    wml_member *stack;
    uint32_t depth, stack_count, stack_capacity;
} parser;

static wml_status fail(const parser *parser, const char *what) {
    return wml_fatal("this is no JSON: %s at byte %zu", what, (size_t)(parser->at - parser->start));
}

static void skip_spaces(parser *parser) {
    while (parser->at < parser->end) {
        char next = *parser->at;
        if (next != ' ' && next != '\n' && next != '\r' && next != '\t') return;
        parser->at++;
    }
}

/* The length of the UTF-8 sequence at `text`, or 0 where there is none. */
static size_t utf8_length(const char *text, const char *end) {
    const uint8_t *bytes = (const uint8_t *)text;
    size_t left = (size_t)(end - text);
    if (left == 0) return 0;
    uint8_t first = bytes[0];
    if (first < 0x80) return 1;
    if (first < 0xc2 || first > 0xf4) return 0;
    size_t length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (left < length) return 0;
    for (size_t at = 1; at < length; at++) {
        if ((bytes[at] & 0xc0) != 0x80) return 0;
    }
    if (first == 0xe0 && bytes[1] < 0xa0) return 0;
    if (first == 0xed && bytes[1] > 0x9f) return 0; /* surrogates */
    if (first == 0xf0 && bytes[1] < 0x90) return 0;
    if (first == 0xf4 && bytes[1] > 0x8f) return 0;
    return length;
}

static size_t encode_utf8(uint32_t point, char *out) {
    if (point < 0x80) {
        out[0] = (char)point;
        return 1;
    }
    if (point < 0x800) {
        out[0] = (char)(0xc0 | point >> 6);
        out[1] = (char)(0x80 | (point & 63));
        return 2;
    }
    if (point < 0x10000) {
        out[0] = (char)(0xe0 | point >> 12);
        out[1] = (char)(0x80 | (point >> 6 & 63));
        out[2] = (char)(0x80 | (point & 63));
        return 3;
    }
    out[0] = (char)(0xf0 | point >> 18);
    out[1] = (char)(0x80 | (point >> 12 & 63));
    out[2] = (char)(0x80 | (point >> 6 & 63));
    out[3] = (char)(0x80 | (point & 63));
    return 4;
}

/* Four hexadecimal digits. */
static bool hex4(parser *parser, uint32_t *value) {
    if (parser->end - parser->at < 4) return false;
    *value = 0;
    for (int digit = 0; digit < 4; digit++) {
        char next = *parser->at++;
        uint32_t number;
        if (next >= '0' && next <= '9') {
            number = (uint32_t)(next - '0');
        } else if ((next | 32) >= 'a' && (next | 32) <= 'f') {
            number = (uint32_t)((next | 32) - 'a' + 10);
        } else {
            return false;
        }
        *value = *value << 4 | number;
    }
    return true;
}

/* What follows a backslash. */
static wml_status parse_escape(parser *parser, wml_buffer *text) {
    if (parser->at == parser->end) return fail(parser, "a string does not end");
    static const char FROM[] = "\"\\/bfnrt", TO[] = "\"\\/\b\f\n\r\t";
    char next = *parser->at++;
    const char *found = next == '\0' ? NULL : strchr(FROM, next);
    if (found != NULL) {
        wml_buffer_add(text, &TO[found - FROM], 1);
        return WML_OK;
    }
    uint32_t point, low;
    if (next != 'u' || !hex4(parser, &point)) return fail(parser, "an escape is wrong");
    if (point >= 0xdc00 && point <= 0xdfff) return fail(parser, "a surrogate stands alone");
    if (point >= 0xd800 && point <= 0xdbff) {
        if (parser->end - parser->at < 6 || parser->at[0] != '\\' || parser->at[1] != 'u') return fail(parser, "a surrogate stands alone");
        parser->at += 2;
        if (!hex4(parser, &low)) return fail(parser, "an escape is wrong");
        if (low < 0xdc00 || low > 0xdfff) return fail(parser, "a surrogate stands alone");
        point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
    }
    char bytes[4];
    wml_buffer_add(text, bytes, encode_utf8(point, bytes));
    return WML_OK;
}

/* A string; `at` is behind its first quotation mark. */
static wml_status parse_string(parser *parser, wml_str *string) {
    const char *piece = parser->at;
    wml_buffer text = wml_buffer_in(parser->arena);
    while (parser->at < parser->end) {
        uint8_t next = (uint8_t)*parser->at;
        if (next == '"') {
            size_t size = (size_t)(parser->at - piece);
            if (text.data == NULL) {
                *string = (wml_str){piece, size};
            } else {
                wml_buffer_add(&text, piece, size);
                *string = wml_buffer_str(&text);
            }
            parser->at++;
            return WML_OK;
        }
        if (next == '\\') {
            wml_buffer_reserve(&text, (size_t)(parser->at - piece) + 16);
            wml_buffer_add(&text, piece, (size_t)(parser->at - piece));
            parser->at++;
            WML_TRY(parse_escape(parser, &text));
            piece = parser->at;
        } else if (next < 0x20) {
            return fail(parser, "there is a control character in a string");
        } else if (next < 0x80) {
            parser->at++;
        } else {
            size_t length = utf8_length(parser->at, parser->end);
            if (length == 0) return fail(parser, "there is no UTF-8 in a string");
            parser->at += length;
        }
    }
    return fail(parser, "a string does not end");
}

static bool digits(parser *parser) {
    const char *before = parser->at;
    while (parser->at < parser->end && *parser->at >= '0' && *parser->at <= '9') parser->at++;
    return parser->at > before;
}

static wml_status parse_number(parser *parser, wml_json *value) {
    const char *start = parser->at;
    if (*parser->at == '-') parser->at++;
    const char *first = parser->at;
    if (!digits(parser)) return fail(parser, "a value is wrong");
    if (*first == '0' && parser->at - first > 1) return fail(parser, "a number begins with 0");
    if (parser->at < parser->end && *parser->at == '.') {
        parser->at++;
        if (!digits(parser)) return fail(parser, "a number has no digit after its point");
    }
    if (parser->at < parser->end && (*parser->at == 'e' || *parser->at == 'E')) {
        parser->at++;
        if (parser->at < parser->end && (*parser->at == '+' || *parser->at == '-')) parser->at++;
        if (!digits(parser)) return fail(parser, "a number has no exponent");
    }
    value->kind = WML_JSON_NUMBER;
    value->text = (wml_str){start, (size_t)(parser->at - start)};
    return WML_OK;
}

static bool word(parser *parser, const char *text) {
    size_t size = strlen(text);
    if ((size_t)(parser->end - parser->at) < size || memcmp(parser->at, text, size) != 0) return false;
    parser->at += size;
    return true;
}

static wml_status parse_value(parser *parser, wml_json *value);

static void push(parser *parser, const wml_member *member) {
    /* The stack has an allocation of its own, which is left behind where it grows. */
    WML_GROW(parser->arena, parser->stack, parser->stack_count, parser->stack_capacity);
    parser->stack[parser->stack_count++] = *member;
}

/* An array or object; `at` is behind its bracket. */
static wml_status parse_nested(parser *parser, wml_json *value, bool is_object) {
    if (++parser->depth > MAX_DEPTH) return fail(parser, "it is nested too deeply");
    uint32_t base = parser->stack_count;
    char close = is_object ? '}' : ']';
    skip_spaces(parser);
    bool is_empty = parser->at < parser->end && *parser->at == close;
    if (is_empty) parser->at++;
    while (!is_empty) {
        wml_member member = {.key = {NULL, 0}};
        if (is_object) {
            skip_spaces(parser);
            if (parser->at == parser->end || *parser->at != '"') return fail(parser, "a key is missing");
            parser->at++;
            WML_TRY(parse_string(parser, &member.key));
            skip_spaces(parser);
            if (parser->at == parser->end || *parser->at != ':') return fail(parser, "a colon is missing");
            parser->at++;
        }
        WML_TRY(parse_value(parser, &member.value));
        push(parser, &member);
        skip_spaces(parser);
        if (parser->at == parser->end) return fail(parser, "it does not end");
        char next = *parser->at++;
        if (next == close) break;
        if (next != ',') {
            parser->at--;
            return fail(parser, "a comma is missing");
        }
    }
    parser->depth--;
    uint32_t count = parser->stack_count - base;
    value->count = count;
    const wml_member *from = parser->stack + base;
    if (is_object) {
        wml_member *members = wml_arena_alloc(parser->arena, count * sizeof *members);
        if (count != 0) memcpy(members, from, count * sizeof *members);
        value->kind = WML_JSON_OBJECT;
        value->members = members;
    } else {
        wml_json *items = wml_arena_alloc(parser->arena, count * sizeof *items);
        for (uint32_t item = 0; item < count; item++) items[item] = from[item].value;
        value->kind = WML_JSON_ARRAY;
        value->items = items;
    }
    parser->stack_count = base;
    return WML_OK;
}

static wml_status parse_value(parser *parser, wml_json *value) {
    memset(value, 0, sizeof *value);
    skip_spaces(parser);
    if (parser->at == parser->end) return fail(parser, "a value is missing");
    switch (*parser->at) {
    case '{': parser->at++; return parse_nested(parser, value, true);
    case '[': parser->at++; return parse_nested(parser, value, false);
    case '"':
        parser->at++;
        value->kind = WML_JSON_STRING;
        return parse_string(parser, &value->text);
    case 'n':
        value->kind = WML_JSON_NULL;
        return word(parser, "null") ? WML_OK : fail(parser, "a value is wrong");
    case 't':
        value->kind = WML_JSON_TRUE;
        return word(parser, "true") ? WML_OK : fail(parser, "a value is wrong");
    case 'f':
        value->kind = WML_JSON_FALSE;
        return word(parser, "false") ? WML_OK : fail(parser, "a value is wrong");
    default: return parse_number(parser, value);
    }
}

wml_status wml_json_parse(wml_arena *arena, wml_str text, wml_json *value) {
    const char *start = text.data ? text.data : "";
    parser parser = {.arena = arena, .start = start, .at = start, .end = start + text.size};
    WML_TRY(parse_value(&parser, value));
    skip_spaces(&parser);
    return parser.at == parser.end ? WML_OK : fail(&parser, "something follows");
}

const wml_json *wml_json_get(const wml_json *value, const char *key) {
    if (value->kind != WML_JSON_OBJECT) return NULL;
    size_t size = strlen(key);
    for (uint32_t member = value->count; member > 0; member--) {
        const wml_member *each = &value->members[member - 1];
        if (each->key.size == size && memcmp(each->key.data, key, size) == 0) return &each->value;
    }
    return NULL;
}

/* ---- numbers ---- */

static bool is_whole(wml_str text) {
    return memchr(text.data, '.', text.size) == NULL && memchr(text.data, 'e', text.size) == NULL &&
           memchr(text.data, 'E', text.size) == NULL;
}

bool wml_json_uint64(const wml_json *value, uint64_t *number) {
    if (value->kind != WML_JSON_NUMBER) return false;
    wml_str text = value->text;
    if (!is_whole(text)) {
        /* Such as 1e3 or 5.0. */
        double real;
        if (!wml_json_double(value, &real) || real < 0 || real > 9007199254740992.0 || real != floor(real)) return false;
        *number = (uint64_t)real;
        return true;
    }
    uint64_t made = 0;
    size_t at = text.data[0] == '-' ? 1 : 0;
    for (; at < text.size; at++) {
        uint64_t digit = (uint64_t)(text.data[at] - '0');
        if (made > (UINT64_MAX - digit) / 10) return false;
        made = made * 10 + digit;
    }
    if (text.data[0] == '-' && made != 0) return false;
    *number = made;
    return true;
}

bool wml_json_int64(const wml_json *value, int64_t *number) {
    if (value->kind != WML_JSON_NUMBER) return false;
    bool negative = value->text.data[0] == '-';
    wml_json positive = *value;
    if (negative) positive.text = (wml_str){value->text.data + 1, value->text.size - 1};
    uint64_t made;
    if (!wml_json_uint64(&positive, &made)) return false;
    if (made > (uint64_t)INT64_MAX + (negative ? 1 : 0)) return false;
    *number = negative ? (int64_t)(0 - made) : (int64_t)made;
    return true;
}

bool wml_json_double(const wml_json *value, double *number) {
    if (value->kind != WML_JSON_NUMBER) return false;
    wml_str text = value->text;
    /* What fits into 53 bits, divided by a power of ten that is exact, is rounded once and so correctly. */
    uint64_t significand = 0;
    int digits_seen = 0, decimals = 0;
    bool after_point = false, simple = true;
    for (size_t at = text.data[0] == '-' ? 1 : 0; at < text.size && simple; at++) {
        char next = text.data[at];
        if (next == '.') {
            after_point = true;
        } else if (next < '0' || next > '9' || ++digits_seen > 15) {
            simple = false;
        } else {
            significand = significand * 10 + (uint64_t)(next - '0');
            if (after_point) decimals++;
        }
    }
    if (simple) {
        static const double TENS[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
        double made = (double)significand / TENS[decimals];
        *number = text.data[0] == '-' ? -made : made;
        return true;
    }
    char small[64];
    char *copy = text.size < sizeof small ? small : malloc(text.size + 1);
    if (copy == NULL) return false;
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    *number = strtod(copy, NULL);
    if (copy != small) free(copy);
    return true;
}

/* ---- writing ---- */

void wml_json_write_string(wml_buffer *buffer, wml_str text) {
    static const char HEX[] = "0123456789abcdef";
    wml_buffer_reserve(buffer, text.size + 2);
    wml_buffer_add(buffer, "\"", 1);
    const char *at = text.data, *end = text.data + text.size, *piece = at;
    while (at < end) {
        uint8_t next = (uint8_t)*at;
        if (next >= 0x20 && next < 0x80 && next != '"' && next != '\\') {
            at++;
            continue;
        }
        size_t length = next >= 0x80 ? utf8_length(at, end) : 0;
        if (length != 0) {
            at += length;
            continue;
        }
        wml_buffer_add(buffer, piece, (size_t)(at - piece));
        if (next >= 0x80) {
            wml_buffer_add(buffer, "\xef\xbf\xbd", 3);
        } else if (next == '"' || next == '\\') {
            wml_buffer_add(buffer, (char[]){'\\', (char)next}, 2);
        } else {
            char escape[] = {'\\', 'u', '0', '0', HEX[next >> 4], HEX[next & 15]};
            wml_buffer_add(buffer, escape, 6);
        }
        piece = ++at;
    }
    wml_buffer_add(buffer, piece, (size_t)(at - piece));
    wml_buffer_add(buffer, "\"", 1);
}

void wml_json_write_double(wml_buffer *buffer, double number) {
    if (!isfinite(number)) {
        wml_buffer_add(buffer, "null", 4);
        return;
    }
    char text[40];
    for (int precision = 15; precision <= 17; precision++) {
        snprintf(text, sizeof text, "%.*g", precision, number);
        if (strtod(text, NULL) == number) break;
    }
    wml_buffer_add(buffer, text, strlen(text));
    /* So that whoever reads it sees a number that is not whole by its type. */
    if (strpbrk(text, ".e") == NULL) wml_buffer_add(buffer, ".0", 2);
}

void wml_json_write(wml_buffer *buffer, const wml_json *value) {
    switch (value->kind) {
    case WML_JSON_NULL: wml_buffer_add(buffer, "null", 4); return;
    case WML_JSON_FALSE: wml_buffer_add(buffer, "false", 5); return;
    case WML_JSON_TRUE: wml_buffer_add(buffer, "true", 4); return;
    case WML_JSON_NUMBER: wml_buffer_add_str(buffer, value->text); return;
    case WML_JSON_STRING: wml_json_write_string(buffer, value->text); return;
    case WML_JSON_ARRAY:
        wml_buffer_add(buffer, "[", 1);
        for (uint32_t item = 0; item < value->count; item++) {
            if (item != 0) wml_buffer_add(buffer, ",", 1);
            wml_json_write(buffer, &value->items[item]);
        }
        wml_buffer_add(buffer, "]", 1);
        return;
    case WML_JSON_OBJECT:
        wml_buffer_add(buffer, "{", 1);
        for (uint32_t member = 0; member < value->count; member++) {
            if (member != 0) wml_buffer_add(buffer, ",", 1);
            wml_json_write_string(buffer, value->members[member].key);
            wml_buffer_add(buffer, ":", 1);
            wml_json_write(buffer, &value->members[member].value);
        }
        wml_buffer_add(buffer, "}", 1);
        return;
    }
}

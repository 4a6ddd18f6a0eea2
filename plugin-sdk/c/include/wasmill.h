/*
 * Wasmill's SDK for plugins in C.
 *
 * A plugin is a table of functions: WML_TRANSFORMER, WML_VALIDATOR, WML_EXTRACTOR, WML_LOADER or WML_NOTIFIER defines it, once
 * per project. The parts of this file:
 *
 *   status      what functions return, and how they say why they fail
 *   memory      the arenas: one for a call, one for the life of the plugin
 *   settings    the configuration: a table, from which parser and JSON Schema come
 *   schema      fields and types
 *   columns     values read, without copies
 *   builders    values written
 *   rows        JSON rows, for plugins that are not in a hurry
 *   plan, out   what a plugin reads and writes, and what becomes of the rows of a batch
 *   plugins     the five kinds
 *   log, HTTP
 *
 * A plugin runs on one thread. Whoever breaks a rule that is stated here (a position out of bounds, a column read as a type that
 * it has not) is stopped by a message on stderr and a trap.
 */
#ifndef WASMILL_H
#define WASMILL_H

#include <assert.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __wasm_simd128__
#include <wasm_simd128.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define WML_VERSION "0.1.0"

#if defined(__GNUC__)
#define WML_PRINTF(text, first) __attribute__((format(printf, text, first)))
#define WML_MUST_USE __attribute__((warn_unused_result))
#else
#define WML_PRINTF(text, first)
#define WML_MUST_USE
#endif

/* Text or bytes that lie somewhere else. Not necessarily ended by NUL. */
typedef struct wml_str {
    const char *data;
    size_t size; /* in bytes */
} wml_str;

#define WML_LITERAL(text) ((wml_str){"" text, sizeof(text) - 1})

static inline wml_str wml_str_of(const char *text) {
    wml_str str = {text, text ? strlen(text) : 0};
    return str;
}

static inline bool wml_str_equal(wml_str a, wml_str b) {
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static inline bool wml_str_is(wml_str a, const char *b) {
    return wml_str_equal(a, wml_str_of(b));
}

/* For printf: printf("%.*s", WML_PRINT(name)). */
#define WML_PRINT(str) ((int)(str).size), (str).data

/* ------------------------------------------------------------------ status */

/* What functions return that can fail. WML_OK is 0. */
typedef enum wml_status {
    WML_OK,
    WML_RETRYABLE,  /* the same call may succeed later */
    WML_BAD_CONFIG, /* the configuration cannot work */
    WML_BAD_SCHEMA, /* the input columns cannot work */
    WML_FATAL,      /* the same call would fail the same way again */
} wml_status;

/*
 * Each notes why a call fails, and returns the status for `return wml_fatal("...")`. Bad rows are no failures: see wml_reject.
 * Texts are formatted as by printf, and cut at 4 KiB.
 */
wml_status wml_retryable(const char *format, ...) WML_PRINTF(1, 2);
wml_status wml_retryable_after(uint64_t milliseconds, const char *format, ...) WML_PRINTF(2, 3);
/* `pointer` is a JSON pointer into the configuration, such as "/rules/0/column"; "" is the whole. */
wml_status wml_bad_config(const char *pointer, const char *format, ...) WML_PRINTF(2, 3);
/* `column` may be NULL. */
wml_status wml_bad_schema(const char *column, const char *format, ...) WML_PRINTF(2, 3);
wml_status wml_fatal(const char *format, ...) WML_PRINTF(1, 2);

/* Why the last of them failed. */
typedef struct wml_failure {
    wml_status status;
    char message[4096];
    char place[512]; /* the pointer or the column */
    bool has_place;
    bool has_after;
    uint64_t after_ms;
} wml_failure;

const wml_failure *wml_last_failure(void);

/* Returns from the function that it is in where `call` fails. */
#define WML_TRY(call)                                                                                                          \
    do {                                                                                                                       \
        wml_status wml_try_status = (call);                                                                                    \
        if (wml_try_status != WML_OK) return wml_try_status;                                                                   \
    } while (0)

/* ------------------------------------------------------------------ memory */

/* Memory that is freed all at once. Running out of memory ends the plugin. */
typedef struct wml_arena wml_arena;

wml_arena *wml_arena_new(void);
void wml_arena_free(wml_arena *arena);
/* Frees what was allocated; the arena may be used on. */
void wml_arena_reset(wml_arena *arena);
/* Not initialised; aligned for any type, vectors included. */
void *wml_arena_alloc(wml_arena *arena, size_t size);
/* All bits 0. */
void *wml_arena_zero(wml_arena *arena, size_t count, size_t size);
/* Where `old` was the last allocation it may grow in place. */
void *wml_arena_grow(wml_arena *arena, void *old, size_t old_size, size_t new_size);
/* How many bytes the arena holds, used or not. */
size_t wml_arena_size(const wml_arena *arena);

/* The arena of the call in hand: what it holds is gone when the function of the plugin has returned. */
wml_arena *wml_call_arena(void);
/* The arena of the plugin: what it holds lives as long as the plugin. */
wml_arena *wml_plugin_arena(void);

/* Memory until the end of the call. */
static inline void *wml_alloc(size_t size) {
    return wml_arena_alloc(wml_call_arena(), size);
}

/* Text in an arena, ended by NUL. */
char *wml_arena_text(wml_arena *arena, wml_str text);
char *wml_arena_printf(wml_arena *arena, const char *format, ...) WML_PRINTF(2, 3);
/* Text until the end of the call, formatted. */
char *wml_printf(const char *format, ...) WML_PRINTF(1, 2);

/* Bytes that grow. */
typedef struct wml_buffer {
    wml_arena *arena;
    char *data;
    size_t size;
    size_t capacity;
} wml_buffer;

/* A buffer until the end of the call. */
wml_buffer wml_buffer_new(void);
void wml_buffer_reserve(wml_buffer *buffer, size_t more);
void wml_buffer_printf(wml_buffer *buffer, const char *format, ...) WML_PRINTF(2, 3);

static inline void wml_buffer_add(wml_buffer *buffer, const void *data, size_t size) {
    if (size > buffer->capacity - buffer->size) wml_buffer_reserve(buffer, size);
    if (size != 0) memcpy(buffer->data + buffer->size, data, size);
    buffer->size += size;
}

static inline void wml_buffer_add_str(wml_buffer *buffer, wml_str text) {
    wml_buffer_add(buffer, text.data, text.size);
}

static inline wml_str wml_buffer_str(const wml_buffer *buffer) {
    wml_str str = {buffer->data, buffer->size};
    return str;
}

/* -------------------------------------------------------------------- JSON */

typedef enum wml_json_kind {
    WML_JSON_NULL,
    WML_JSON_FALSE,
    WML_JSON_TRUE,
    WML_JSON_NUMBER,
    WML_JSON_STRING,
    WML_JSON_ARRAY,
    WML_JSON_OBJECT,
} wml_json_kind;

typedef struct wml_json wml_json;
typedef struct wml_member wml_member;

/* A JSON value. */
struct wml_json {
    wml_json_kind kind;
    uint32_t count; /* of items or members */
    union {
        wml_str text; /* of a string, escapes resolved; of a number, as it was written */
        const wml_json *items;
        const wml_member *members;
    };
};

struct wml_member {
    wml_str key;
    wml_json value;
};

/* Parses one JSON text (RFC 8259), at most 128 levels deep. Fails with WML_FATAL, and says where. */
wml_status wml_json_parse(wml_arena *arena, wml_str text, wml_json *value);
/* The member of that name, the last one where there are several; NULL where there is none, or `value` is no object. */
const wml_json *wml_json_get(const wml_json *value, const char *key);
/* Whether it is a number that the type holds exactly (any number, for a double). */
bool wml_json_int64(const wml_json *value, int64_t *number);
bool wml_json_uint64(const wml_json *value, uint64_t *number);
bool wml_json_double(const wml_json *value, double *number);

void wml_json_write(wml_buffer *buffer, const wml_json *value);
/* With quotation marks. What is no UTF-8 becomes U+FFFD. */
void wml_json_write_string(wml_buffer *buffer, wml_str text);
/* The shortest text that reads as the same number; `null` where it is none, or infinite. */
void wml_json_write_double(wml_buffer *buffer, double number);

/* ---------------------------------------------------------------- settings */

typedef enum wml_setting_kind {
    WML_SETTING_BOOL,   /* bool */
    WML_SETTING_INT64,  /* int64_t */
    WML_SETTING_DOUBLE, /* double */
    WML_SETTING_STRING, /* const char *, ended by NUL */
    WML_SETTING_ENUM,   /* int: the position among `choices` */
    WML_SETTING_OBJECT, /* a struct that `fields` describes */
    WML_SETTING_LIST,   /* wml_list, its items of the kind `items` */
    WML_SETTING_JSON,   /* wml_json: anything */
} wml_setting_kind;

/* A list of a configuration: `const int64_t *numbers = list.items`. */
typedef struct wml_list {
    const void *items;
    size_t count;
} wml_list;

/* One key of the configuration. A table of them ends with WML_END. */
typedef struct wml_setting {
    const char *key;
    const char *name; /* of the key, where the member cannot be called so: .name = "case" */
    size_t offset;    /* of the member */
    wml_setting_kind kind;
    const char *description;
    /*
     * The default: JSON, but of strings and enumerations the text itself. Without one the key is required, unless it is optional
     * or an object each of whose keys has a default.
     */
    const char *preset;
    bool optional; /* where it is missing, the member is 0 or NULL */
    bool secret;   /* writeOnly: references are taken out of findings and log lines */
    const char *minimum, *maximum; /* of numbers, as JSON */
    const char *const *choices;    /* of enumerations: ends with NULL */
    const struct wml_setting *fields; /* of objects, and of lists of objects */
    size_t size;                      /* of such an object */
    wml_setting_kind items;           /* of lists */
} wml_setting;

/* The offset of a member. The compiler warns where the member is not of that type. */
#define WML_OFFSET(owner, member, type) (offsetof(owner, member) + 0 * sizeof((type *)0 == &((owner *)0)->member))

#define WML_BOOL(owner, member, text, ...)                                                                                     \
    {.key = #member, .offset = WML_OFFSET(owner, member, bool), .kind = WML_SETTING_BOOL, .description = text, __VA_ARGS__}
#define WML_INTEGER(owner, member, text, ...)                                                                                  \
    {.key = #member, .offset = WML_OFFSET(owner, member, int64_t), .kind = WML_SETTING_INT64, .description = text, __VA_ARGS__}
#define WML_NUMBER(owner, member, text, ...)                                                                                   \
    {.key = #member, .offset = WML_OFFSET(owner, member, double), .kind = WML_SETTING_DOUBLE, .description = text, __VA_ARGS__}
#define WML_TEXT(owner, member, text, ...)                                                                                     \
    {.key = #member, .offset = WML_OFFSET(owner, member, const char *), .kind = WML_SETTING_STRING, .description = text,       \
     __VA_ARGS__}
#define WML_CHOICE(owner, member, names, text, ...)                                                                            \
    {.key = #member, .offset = WML_OFFSET(owner, member, int), .kind = WML_SETTING_ENUM, .choices = names,                     \
     .description = text, __VA_ARGS__}
#define WML_OBJECT(owner, member, table, text, ...)                                                                            \
    {.key = #member, .offset = offsetof(owner, member), .kind = WML_SETTING_OBJECT, .fields = table,                           \
     .size = sizeof(((owner *)0)->member), .description = text, __VA_ARGS__}
#define WML_LIST(owner, member, item_kind, text, ...)                                                                          \
    {.key = #member, .offset = WML_OFFSET(owner, member, wml_list), .kind = WML_SETTING_LIST, .items = item_kind,              \
     .description = text, __VA_ARGS__}
#define WML_OBJECTS(owner, member, type, table, text, ...)                                                                     \
    {.key = #member, .offset = WML_OFFSET(owner, member, wml_list), .kind = WML_SETTING_LIST, .items = WML_SETTING_OBJECT,     \
     .fields = table, .size = sizeof(type), .description = text, __VA_ARGS__}
#define WML_END {.key = NULL}

/* The JSON Schema (draft 2020-12) of a table; unknown keys are refused. */
void wml_settings_schema(wml_buffer *buffer, const wml_setting *settings);
/* Fills in `config`, of the struct that `settings` describes. Fails with WML_BAD_CONFIG. */
wml_status wml_settings_read(wml_arena *arena, const wml_setting *settings, wml_str json, void *config);

/* ------------------------------------------------------------------ schema */

/* The Arrow types that cross, with the numbers that they have in wit/types.wit. */
typedef enum wml_type_id {
    WML_NULL,
    WML_BOOLEAN,
    WML_INT8,
    WML_INT16,
    WML_INT32,
    WML_INT64,
    WML_UINT8,
    WML_UINT16,
    WML_UINT32,
    WML_UINT64,
    WML_FLOAT16,
    WML_FLOAT32,
    WML_FLOAT64,
    WML_UTF8,
    WML_LARGE_UTF8,
    WML_BINARY,
    WML_LARGE_BINARY,
    WML_FIXED_SIZE_BINARY, /* size */
    WML_DATE32,            /* days since 1970-01-01, as int32 */
    WML_DATE64,            /* milliseconds since then, as int64 */
    WML_TIME32,            /* unit; as int32 */
    WML_TIME64,            /* unit; as int64 */
    WML_TIMESTAMP,         /* unit, zone; as int64 */
    WML_DURATION,          /* unit; as int64 */
    WML_INTERVAL,          /* interval */
    WML_DECIMAL32,         /* precision, scale */
    WML_DECIMAL64,
    WML_DECIMAL128,
    WML_DECIMAL256,
    WML_LIST_OF,
    WML_LARGE_LIST_OF,
    WML_FIXED_SIZE_LIST_OF, /* size */
    WML_STRUCT,
    WML_MAP,        /* sorted; one child, a struct of key and value */
    WML_DICTIONARY, /* index; one child, the values */
    WML_ANY,        /* no type: for wml_read, any of them */
} wml_type_id;

typedef enum wml_unit { WML_SECOND, WML_MILLISECOND, WML_MICROSECOND, WML_NANOSECOND } wml_unit;
typedef enum wml_interval_unit { WML_YEAR_MONTH, WML_DAY_TIME, WML_MONTH_DAY_NANO } wml_interval_unit;

typedef struct wml_type {
    wml_type_id id;
    wml_unit unit;
    wml_interval_unit interval;
    uint8_t precision;
    int8_t scale;
    uint32_t size;
    bool sorted;
    wml_type_id index; /* WML_INT8 ... WML_UINT64 */
    wml_str zone;      /* data is NULL without one */
} wml_type;

typedef struct wml_pair {
    wml_str key;
    wml_str value;
} wml_pair;

/* A column of a schema, or a child of one. Names that the SDK gives out are ended by NUL, which is not counted. */
typedef struct wml_field {
    wml_str name;
    wml_type type;
    bool nullable;
    const struct wml_field *children;
    uint32_t child_count;
    const wml_pair *metadata;
    uint32_t metadata_count;
} wml_field;

typedef struct wml_schema {
    const wml_field *fields;
    uint32_t count;
} wml_schema;

/* The position of a column, or -1. */
int wml_schema_find(const wml_schema *schema, const char *name);
/* The name that wit/types.wit gives it, such as "large-utf8". */
const char *wml_type_name(wml_type_id id);
/* A field with a copy of the name, nullable, in the plugin's arena; for types that have no parameters, or whose are 0. */
wml_field wml_field_new(const char *name, wml_type_id id);

/* ----------------------------------------------------------------- columns */

/*
 * The values of a column in a batch: Arrow's own buffers, which lie where the host has put them, aligned to 16 bytes. Valid until
 * the end of the call.
 */
typedef struct wml_column {
    const wml_field *field;
    uint32_t length;
    uint8_t width;           /* of a value in bytes; 0 where it varies, and for bits */
    bool has_wide_offsets;   /* int64, not int32 */
    const uint8_t *validity; /* a bit for each value, 1 where it is not null; NULL where none is null */
    const void *offsets;
    const uint8_t *values;
    size_t values_size; /* in bytes */
    const struct wml_column *children;
} wml_column;

_Noreturn void wml_wrong_access(const wml_column *column, const char *as);

static inline bool wml_is_null(const wml_column *column, size_t row) {
    if (column->validity == NULL) return column->field->type.id == WML_NULL;
    return ((column->validity[row / 8] >> (row % 8)) & 1) == 0;
}

static inline bool wml_is_valid(const wml_column *column, size_t row) {
    return !wml_is_null(column, row);
}

/*
 * The values side by side, `column->length` of them; what stands where a value is null says nothing. Each is for all types that
 * are stored so: wml_int64 for timestamps, wml_int32 for dates.
 */
#define WML_ACCESSOR(ctype, name, first, also)                                                                                  \
    static inline const ctype *wml_##name(const wml_column *column) {                                                           \
        wml_type_id id = column->field->type.id;                                                                               \
        if (id != first && !(also)) wml_wrong_access(column, #name);                                                           \
        return (const ctype *)(const void *)column->values;                                                                     \
    }
WML_ACCESSOR(int8_t, int8, WML_INT8, false)
WML_ACCESSOR(int16_t, int16, WML_INT16, false)
WML_ACCESSOR(int32_t, int32, WML_INT32,
             id == WML_DATE32 || id == WML_TIME32 || id == WML_DECIMAL32 ||
                 (id == WML_INTERVAL && column->field->type.interval == WML_YEAR_MONTH))
WML_ACCESSOR(int64_t, int64, WML_INT64,
             id == WML_DATE64 || id == WML_TIME64 || id == WML_TIMESTAMP || id == WML_DURATION || id == WML_DECIMAL64)
WML_ACCESSOR(uint8_t, uint8, WML_UINT8, false)
WML_ACCESSOR(uint16_t, uint16, WML_UINT16, id == WML_FLOAT16)
WML_ACCESSOR(uint32_t, uint32, WML_UINT32, false)
WML_ACCESSOR(uint64_t, uint64, WML_UINT64, false)
WML_ACCESSOR(float, float32, WML_FLOAT32, false)
WML_ACCESSOR(double, float64, WML_FLOAT64, false)
#ifdef __SIZEOF_INT128__
WML_ACCESSOR(__int128, decimal128, WML_DECIMAL128, false)
#endif

/* Of a boolean column. */
static inline bool wml_bool_at(const wml_column *column, size_t row) {
    return (column->values[row / 8] >> (row % 8)) & 1;
}

static inline uint64_t wml_offset_at(const wml_column *column, size_t row) {
    if (column->has_wide_offsets) return (uint64_t)((const int64_t *)column->offsets)[row];
    return (uint64_t)((const int32_t *)column->offsets)[row];
}

/* Of a column of text or bytes of any kind; where it is null, says nothing. */
static inline wml_str wml_string_at(const wml_column *column, size_t row) {
    if (column->offsets == NULL) {
        size_t size = column->field->type.size;
        return (wml_str){(const char *)column->values + row * size, size};
    }
    uint64_t start = wml_offset_at(column, row);
    return (wml_str){(const char *)column->values + start, (size_t)(wml_offset_at(column, row + 1) - start)};
}

/* Months, days and nanoseconds of an interval of any unit. */
typedef struct wml_interval {
    int32_t months;
    int32_t days;
    int64_t nanoseconds;
} wml_interval;

/* The integer of a decimal of any size: two's complement, the lowest word first. */
typedef struct wml_decimal {
    uint64_t words[4];
} wml_decimal;

/* A value of any type. `type` is that of the value, behind dictionaries; where it is null, WML_NULL. */
typedef struct wml_value {
    wml_type_id type;
    const wml_field *field;
    union {
        bool boolean;
        int64_t integer;  /* signed integers, dates, times, timestamps, durations */
        uint64_t natural; /* unsigned integers */
        float real32;     /* float32 */
        double real;      /* float16, float64 */
        wml_str text;     /* text and bytes */
        wml_interval interval;
        wml_decimal decimal;
        struct {
            const wml_column *column; /* lists and maps: the column with the items */
            size_t start, count;
        } items;
        struct {
            const wml_column *column; /* structs: the struct itself; its children hold the values, at `row` */
            size_t row;
        } record;
    };
} wml_value;

/* The value in a row. Dictionaries are seen through. */
wml_value wml_value_at(const wml_column *column, size_t row);

/* The value as text, such as "-12.50". */
char *wml_decimal_text(wml_decimal value, int scale, char *text /* of at least 160 bytes */);
/* Whether `text` is a decimal with at most `scale` digits after the point, of at most 76 digits in all. */
bool wml_decimal_parse(wml_str text, int scale, wml_decimal *value);
wml_decimal wml_decimal_of(int64_t value);
double wml_half_to_double(uint16_t bits);
uint16_t wml_double_to_half(double number);

/* ---------------------------------------------------------------- builders */

typedef struct wml_interning wml_interning;

/* The values of a new column. Values are appended, or room for many is filled in. */
typedef struct wml_builder {
    const wml_field *field;
    size_t length; /* values so far */
    uint8_t width;
    bool has_wide_offsets;
    bool has_nulls;
    wml_buffer validity;
    wml_buffer offsets;
    wml_buffer values;
    struct wml_builder *children;
    wml_interning *interned; /* of dictionaries: the values that are there */
} wml_builder;

wml_builder *wml_builder_new(wml_arena *arena, const wml_field *field);
/* Room for so many more values, and for so many bytes of text. */
void wml_builder_reserve(wml_builder *builder, size_t values, size_t bytes);
/* What was built, as a column; the builder must not be used any more. Fails where children do not fit. */
wml_status wml_builder_column(wml_builder *builder, wml_column *column);

void wml_append_null(wml_builder *builder);
void wml_append_bool(wml_builder *builder, bool value);
/* Signed integers of any width, dates, times, timestamps, durations, year-month intervals. */
void wml_append_int(wml_builder *builder, int64_t value);
void wml_append_uint(wml_builder *builder, uint64_t value);
/* Floats of any width. */
void wml_append_double(wml_builder *builder, double value);
void wml_append_decimal(wml_builder *builder, wml_decimal value);
void wml_append_interval(wml_builder *builder, wml_interval value);
/* Text and bytes. */
void wml_append_string(wml_builder *builder, wml_str text);
/* Ends a list or a map: its items are those that were appended to its child since the last one. */
void wml_append_list(wml_builder *builder);
/* Ends a struct: one value must have been appended to each of its children. */
void wml_append_struct(wml_builder *builder);
/* A value of the same type as the builder's, of any type, with all that is in it. */
void wml_append_value(wml_builder *builder, wml_value value);
/* A child: the field of a struct, the items of a list, the key (0) and value (1) of the struct that a map consists of. */
static inline wml_builder *wml_builder_child(wml_builder *builder, size_t position) {
    return &builder->children[position];
}

/*
 * Room for `count` more values of fixed width, none of them null, to be filled in before anything else is done with the builder:
 * `double *gross = wml_fill(builder, rows)`. Not for booleans.
 */
void *wml_fill(wml_builder *builder, size_t count);
/* Makes a value null that is there already. */
void wml_set_null(wml_builder *builder, size_t position);
/* Makes the values null that are null in a column of the same length. */
void wml_copy_nulls(wml_builder *builder, const wml_column *column);
/*
 * Room for `size` more bytes of the value that comes next; wml_end_string then says how many of them it has. For text that is
 * made in place.
 */
char *wml_begin_string(wml_builder *builder, size_t size);
void wml_end_string(wml_builder *builder, size_t size);
/* Appends the text in capitals, by Unicode's full mapping without a language; what is no UTF-8 stays. */
void wml_append_upper(wml_builder *builder, wml_str text);

/* The text in capitals, until the end of the call. */
wml_str wml_upper(wml_str text);

/* The first place of a byte, or NULL. Looks at 16 bytes at each turn, where memchr looks at fewer. */
static inline const char *wml_find_byte(wml_str text, char byte) {
    const char *at = text.data, *end = text.data + text.size;
#ifdef __wasm_simd128__
    v128_t wanted = wasm_i8x16_splat(byte);
    for (; end - at >= 16; at += 16) {
        uint32_t found = wasm_i8x16_bitmask(wasm_i8x16_eq(wasm_v128_load(at), wanted));
        if (found != 0) return at + __builtin_ctz(found);
    }
    size_t rest = (size_t)(end - at);
    if (rest >= 8) {
        /* The first 8 bytes and the last 8, which may overlap. */
        v128_t ends = wasm_v128_load64_lane(end - 8, wasm_v128_load64_zero(at), 1);
        uint32_t found = wasm_i8x16_bitmask(wasm_i8x16_eq(ends, wanted));
        if (found == 0) return NULL;
        uint32_t place = (uint32_t)__builtin_ctz(found);
        return place < 8 ? at + place : end - 16 + place;
    }
    for (; at < end; at++) {
        if (*at == byte) return at;
    }
    return NULL;
#else
    return at < end ? (const char *)memchr(at, byte, (size_t)(end - at)) : NULL;
#endif
}

/* -------------------------------------------------------------------- plan */

/* What a plugin reads and writes. */
typedef struct wml_plan wml_plan;

/* The columns of the input; of an extractor, none. */
const wml_schema *wml_plan_schema(const wml_plan *plan);

/*
 * Reads a column; *input is then its number for wml_input. WML_ANY reads it as it is. Otherwise it must be of that type, or a
 * dictionary of it, in which case the plugin sees a column of what the dictionary stands for. WML_UTF8 and WML_BINARY read the
 * large ones too. Fails with WML_BAD_SCHEMA.
 */
wml_status wml_read(wml_plan *plan, const char *name, wml_type_id type, int *input) WML_MUST_USE;
/* Reads all columns as they are; the numbers are the positions. Only before any other is read. */
void wml_read_all(wml_plan *plan);

/* Writes a nullable column, at the end or in the place of the output column of that name; returns its number for wml_output. */
int wml_write(wml_plan *plan, const char *name, wml_type_id type);
/* The same, with a type that has parameters or children, or that is not nullable. The field is copied. */
int wml_write_field(wml_plan *plan, const wml_field *field);

/* Transformers. The output begins as the input: all columns kept. */
wml_status wml_drop(wml_plan *plan, const char *name) WML_MUST_USE;
void wml_drop_all(wml_plan *plan);
wml_status wml_rename(wml_plan *plan, const char *from, const char *to) WML_MUST_USE;
/* All rows that agree in these columns meet one instance, in the order of the input. */
wml_status wml_keyed_by(wml_plan *plan, const char *const *names, size_t count) WML_MUST_USE;
/* One instance sees all rows, in the order of the input. */
void wml_single_instance(wml_plan *plan);

/* Batches come as rows of JSON, and are returned so: see wml_batch_row and wml_emit. */
void wml_by_rows(wml_plan *plan);

/* ------------------------------------------------------------------- batch */

typedef struct wml_row wml_row;

/* Some rows of the input. */
typedef struct wml_batch {
    uint32_t rows;
    const wml_column *columns; /* in the order in which they were read */
    wml_row *const *json_rows; /* NULL, unless by rows */
} wml_batch;

static inline const wml_column *wml_input(const wml_batch *batch, int input) {
    return &batch->columns[input];
}

/* ----------------------------------------------------------------- out */

/* What a call gives back: values of new columns, rows that go on, rows that are bad. */
typedef struct wml_out wml_out;

/* The builder of an output column. A column gets one value for each row of the batch; after wml_take, and where there is no batch,
 * one for each row that is put out. */
wml_builder *wml_output(wml_out *out, int output);
/* The values of an output column are these, of the same type. */
void wml_set_column(wml_out *out, int output, const wml_column *column);
/* The values of an output column are those of an input column, unchanged. */
void wml_set_unchanged(wml_out *out, int output, int input);

/* A row does not go on. */
void wml_drop_row(wml_out *out, size_t row);
/* Only the rows go on whose bit is 1, and that were not dropped before. */
void wml_filter(wml_out *out, const uint8_t *bitmap);
/*
 * Only the rows go on for which the condition holds, an expression in the number of the row, which the macro declares:
 * wml_filter_where(out, row, amounts[row] > 0). It may be evaluated for any row, and is made for many rows at each turn.
 */
#define wml_filter_where(out, row, condition)                                                                                  \
    do {                                                                                                                       \
        uint32_t wml_rows_;                                                                                                    \
        uint8_t *wml_bits_ = wml_filter_room(out, &wml_rows_);                                                                 \
        uint32_t row = 0;                                                                                                      \
        for (; row + 8 <= wml_rows_;) {                                                                                        \
            uint32_t wml_byte_ = 0;                                                                                            \
            for (uint32_t wml_bit_ = 0; wml_bit_ < 8; wml_bit_++, row++) wml_byte_ |= (uint32_t)!!(condition) << wml_bit_;     \
            wml_bits_[row / 8 - 1] = (uint8_t)wml_byte_;                                                                       \
        }                                                                                                                      \
        for (uint32_t wml_bit_ = 0; row < wml_rows_; wml_bit_++, row++) {                                                      \
            wml_bits_[row / 8] |= (uint8_t)((uint32_t)!!(condition) << wml_bit_);                                              \
        }                                                                                                                      \
        wml_filter(out, wml_bits_);                                                                                            \
    } while (0)
/* A bitmap for all rows, of zeros. */
uint8_t *wml_filter_room(wml_out *out, uint32_t *rows);
/* The output consists of these rows of the batch: they may repeat, and in any order. `rows` must live until the call ends. */
void wml_take(wml_out *out, const uint32_t *rows, size_t count);
/* How many rows of no input row are put out, where no column is written that would say it. */
void wml_detached(wml_out *out, uint32_t rows);

/*
 * A row is bad: it goes to the quarantine, and not on. `rule` is a short name to count by; `column` may be NULL. Of a validator,
 * what becomes of the row is up to the pipeline; of a loader, it is refused.
 */
void wml_reject(wml_out *out, size_t row, const char *rule, const char *column, const char *format, ...) WML_PRINTF(5, 6);
/* Validators: the row is counted, and goes on. */
void wml_warn_of(wml_out *out, size_t row, const char *rule, const char *column, const char *format, ...) WML_PRINTF(5, 6);
/* Extractors: a record that is no row, and where it was found. */
void wml_bad_record(wml_out *out, const char *position, wml_str raw, const char *rule, const char *format, ...) WML_PRINTF(5, 6);

/* -------------------------------------------------------------------- rows */

/* How a row answers. */
typedef enum wml_found {
    WML_FOUND,
    WML_IS_NULL,    /* null, or not there */
    WML_OTHER_TYPE, /* something else than was asked for */
} wml_found;

/* A row of the batch, which can be changed and emitted. */
wml_row *wml_batch_row(const wml_batch *batch, size_t row);
/* A new row, without values. */
wml_row *wml_row_new(void);

wml_found wml_row_get_int64(const wml_row *row, const char *key, int64_t *value);
wml_found wml_row_get_double(const wml_row *row, const char *key, double *value);
wml_found wml_row_get_bool(const wml_row *row, const char *key, bool *value);
wml_found wml_row_get_string(const wml_row *row, const char *key, wml_str *value);
/* NULL where there is none. */
const wml_json *wml_row_get(const wml_row *row, const char *key);

/* Keys are not copied. Texts and JSON must live until the row is emitted. */
void wml_row_set_null(wml_row *row, const char *key);
void wml_row_set_int64(wml_row *row, const char *key, int64_t value);
void wml_row_set_double(wml_row *row, const char *key, double value);
void wml_row_set_bool(wml_row *row, const char *key, bool value);
void wml_row_set_string(wml_row *row, const char *key, wml_str value);
void wml_row_set(wml_row *row, const char *key, const wml_json *value);

/*
 * Puts a row out, as it is now: those of its keys that are output columns. It comes from the row of the batch that it was; a new
 * row comes from none, which only `finish` and extractors may put out.
 */
void wml_emit(wml_out *out, const wml_row *row);
/* A row that comes from a row of the batch. */
void wml_emit_from(wml_out *out, size_t input_row, const wml_row *row);

/* ----------------------------------------------------------------- plugins */

/*
 * `self` is a struct of the plugin's own, `self_size` bytes, 0 at first. `bind` fills it in from the configuration, which lives
 * as long; it is called to check a pipeline, and again for each instance, and must not have effects.
 */
typedef struct wml_transformer {
    const wml_setting *settings; /* NULL: there is nothing to configure */
    size_t config_size;
    size_t self_size;
    wml_status (*bind)(void *self, const void *config, wml_plan *plan);
    wml_status (*open)(void *self); /* optional */
    /* Without anything set on `out`, all rows go on. */
    wml_status (*process)(void *self, const wml_batch *batch, wml_out *out);
    wml_status (*finish)(void *self, wml_out *out); /* optional */
} wml_transformer;

typedef enum wml_outcome { WML_PASS, WML_WARN, WML_REFUSE } wml_outcome;

/* What a validator says of the table. */
typedef struct wml_conclusion wml_conclusion;
/* `column` may be NULL. */
void wml_rule(wml_conclusion *conclusion, const char *rule, const char *column, wml_outcome outcome, uint64_t checked,
              uint64_t violated, const char *format, ...) WML_PRINTF(7, 8);
void wml_metric(wml_conclusion *conclusion, const char *name, double value);

typedef struct wml_validator {
    const wml_setting *settings;
    size_t config_size;
    size_t self_size;
    size_t state_size; /* of the struct that the judgement of the table needs; it must hold no pointers. 0 without one */
    wml_status (*bind)(void *self, const void *config, wml_plan *plan);
    wml_status (*open)(void *self); /* optional */
    /* `state` is 0 for each batch. */
    wml_status (*check)(void *self, const wml_batch *batch, wml_out *out, void *state);
    /* Adds `other` to `state`, which is 0 at first. The order in which states are merged must not matter. */
    wml_status (*merge)(void *self, void *state, const void *other);
    wml_status (*conclude)(void *self, const void *state, wml_conclusion *conclusion);
} wml_validator;

typedef struct wml_cursor {
    wml_str split;
    wml_str position;
} wml_cursor;

typedef struct wml_split {
    wml_str id;         /* ended by NUL */
    wml_str descriptor; /* ended by NUL */
    bool has_rows, has_bytes;
    uint64_t rows, bytes; /* estimates */
} wml_split;

typedef struct wml_splits wml_splits;
/* The texts are copied. */
void wml_add_split(wml_splits *splits, wml_split split);

typedef struct wml_extractor {
    const wml_setting *settings;
    size_t config_size;
    size_t self_size;
    wml_status (*bind)(void *self, const void *config, wml_plan *plan);
    wml_status (*plan)(void *self, const wml_cursor *cursors, size_t count, wml_splits *splits);
    wml_status (*open)(void *self, const wml_split *split);
    /* The next rows, at most `max_rows`; *more stays false at the end of the split, where nothing is put out. */
    wml_status (*next)(void *self, uint32_t max_rows, wml_out *out, bool *more);
    wml_status (*cursor)(void *self, const char **position); /* optional; *position stays NULL where there is none */
} wml_extractor;

typedef struct wml_attempt {
    wml_str run;
    wml_str split;
    wml_str attempt; /* all ended by NUL */
} wml_attempt;

typedef struct wml_receipt {
    uint64_t rows;
    wml_str reference; /* ended by NUL */
} wml_receipt;

typedef struct wml_loader {
    const wml_setting *settings;
    size_t config_size;
    size_t self_size;
    wml_status (*bind)(void *self, const void *config, wml_plan *plan);
    wml_status (*open)(void *self, const wml_attempt *attempt);
    wml_status (*write)(void *self, const wml_batch *batch, wml_out *out);
    wml_status (*finish)(void *self, wml_receipt *receipt);
    wml_status (*commit)(const void *config, wml_str run, const wml_receipt *receipts, size_t count);
    wml_status (*abort)(const void *config, wml_str run, const wml_receipt *receipts, size_t count);
} wml_loader;

typedef enum wml_severity { WML_EVENT_INFO, WML_EVENT_WARNING, WML_EVENT_ERROR } wml_severity;

/* All texts are ended by NUL. */
typedef struct wml_event {
    wml_str kind;
    wml_severity severity;
    wml_str pipeline;
    wml_str run;
    wml_str dedup_key;
    uint64_t time_ms; /* since 1970-01-01T00:00:00Z */
    wml_str summary;
    wml_str details; /* a JSON object */
} wml_event;

typedef struct wml_notifier {
    const wml_setting *settings;
    size_t config_size;
    wml_status (*bind)(const void *config); /* optional; must not notify anybody */
    wml_status (*notify)(const void *config, const wml_event *event);
} wml_notifier;

/* Defines the plugin: WML_TRANSFORMER(.settings = settings, .config_size = sizeof(struct config), .bind = bind, ...). */
#define WML_TRANSFORMER(...) const wml_transformer wml_the_transformer = {__VA_ARGS__}
#define WML_VALIDATOR(...) const wml_validator wml_the_validator = {__VA_ARGS__}
#define WML_EXTRACTOR(...) const wml_extractor wml_the_extractor = {__VA_ARGS__}
#define WML_LOADER(...) const wml_loader wml_the_loader = {__VA_ARGS__}
#define WML_NOTIFIER(...) const wml_notifier wml_the_notifier = {__VA_ARGS__}
extern const wml_transformer wml_the_transformer;
extern const wml_validator wml_the_validator;
extern const wml_extractor wml_the_extractor;
extern const wml_loader wml_the_loader;
extern const wml_notifier wml_the_notifier;

/* --------------------------------------------------------------------- log */

typedef enum wml_level { WML_TRACE, WML_DEBUG, WML_INFO, WML_LOG_WARN, WML_ERROR } wml_level;

void wml_log(wml_level level, const char *format, ...) WML_PRINTF(2, 3);
#define wml_debug(...) wml_log(WML_DEBUG, __VA_ARGS__)
#define wml_info(...) wml_log(WML_INFO, __VA_ARGS__)
#define wml_warn(...) wml_log(WML_LOG_WARN, __VA_ARGS__)
#define wml_error(...) wml_log(WML_ERROR, __VA_ARGS__)

/* -------------------------------------------------------------------- HTTP */

/* A request over a connection that the operator grants; the host adds URL and credentials. */
typedef struct wml_request {
    const char *method; /* NULL is GET */
    const char *path;   /* with the query, below the connection's URL: "/orders?page=2" */
    const wml_pair *headers;
    size_t header_count;
    wml_str body;
} wml_request;

/* Lives until the call ends. */
typedef struct wml_response {
    uint16_t status;
    const wml_pair *headers; /* names in lower case */
    size_t header_count;
    wml_str body;
} wml_response;

/*
 * Sends a request and waits for the response; any status is one. Fails with WML_RETRYABLE where the network is at fault, with
 * WML_FATAL where the request is.
 */
wml_status wml_send(const char *connection, const wml_request *request, wml_response *response) WML_MUST_USE;
/* The first header of that name, in lower case; data is NULL where there is none. */
wml_str wml_response_header(const wml_response *response, const char *name);
/* WML_OK where the status is 2xx. Otherwise retryable for 408, 429 and 5xx, after the seconds of Retry-After; fatal for others. */
wml_status wml_successful(const wml_response *response) WML_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif

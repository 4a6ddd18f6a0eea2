/* Fields and types: what they are called, and how their values are stored. */
#include "internal.h"

static const char *const NAMES[] = {
    "null",       "boolean", "int8",         "int16",  "int32",        "int64",     "uint8",      "uint16",     "uint32",
    "uint64",     "float16", "float32",      "float64", "utf8",        "large-utf8", "binary",    "large-binary",
    "fixed-size-binary", "date32", "date64", "time32", "time64",       "timestamp", "duration",   "interval",   "decimal32",
    "decimal64",  "decimal128", "decimal256", "list",  "large-list",   "fixed-size-list", "struct", "map",      "dictionary",
    "any",
};

const char *wml_type_name(wml_type_id id) {
    return (size_t)id < sizeof NAMES / sizeof *NAMES ? NAMES[id] : "?";
}

int wml_schema_find(const wml_schema *schema, const char *name) {
    for (uint32_t position = 0; position < schema->count; position++) {
        if (wml_str_is(schema->fields[position].name, name)) return (int)position;
    }
    return -1;
}

wml_field wml_field_new(const char *name, wml_type_id id) {
    wml_str text = {wml_arena_text(wml_plugin_arena(), wml_str_of(name)), strlen(name)};
    return (wml_field){.name = text, .type = {.id = id}, .nullable = true};
}

static wml_str text_copy(wml_arena *arena, wml_str text) {
    if (text.data == NULL) return text;
    return (wml_str){wml_arena_text(arena, text), text.size};
}

wml_field wml_field_copy(wml_arena *arena, const wml_field *field) {
    wml_field copy = *field;
    copy.name = text_copy(arena, field->name);
    copy.type.zone = text_copy(arena, field->type.zone);
    wml_field *children = wml_arena_zero(arena, field->child_count, sizeof *children);
    for (uint32_t child = 0; child < field->child_count; child++) {
        children[child] = wml_field_copy(arena, &field->children[child]);
    }
    copy.children = children;
    wml_pair *metadata = wml_arena_zero(arena, field->metadata_count, sizeof *metadata);
    for (uint32_t entry = 0; entry < field->metadata_count; entry++) {
        metadata[entry].key = text_copy(arena, field->metadata[entry].key);
        metadata[entry].value = text_copy(arena, field->metadata[entry].value);
    }
    copy.metadata = metadata;
    return copy;
}

wml_storage wml_storage_of(const wml_type *type) {
    switch (type->id) {
    case WML_NULL:
    case WML_ANY: return WML_STORED_NOT;
    case WML_BOOLEAN: return WML_STORED_BITS;
    case WML_UTF8:
    case WML_LARGE_UTF8:
    case WML_BINARY:
    case WML_LARGE_BINARY: return WML_STORED_TEXT;
    case WML_LIST_OF:
    case WML_LARGE_LIST_OF:
    case WML_MAP: return WML_STORED_LIST;
    case WML_FIXED_SIZE_LIST_OF: return WML_STORED_FIXED_LIST;
    case WML_STRUCT: return WML_STORED_STRUCT;
    case WML_DICTIONARY: return WML_STORED_KEYS;
    default: return WML_STORED_FIXED;
    }
}

uint32_t wml_width_of(const wml_type *type) {
    switch (type->id) {
    case WML_INT8:
    case WML_UINT8: return 1;
    case WML_INT16:
    case WML_UINT16:
    case WML_FLOAT16: return 2;
    case WML_INT32:
    case WML_UINT32:
    case WML_FLOAT32:
    case WML_DATE32:
    case WML_TIME32:
    case WML_DECIMAL32: return 4;
    case WML_INT64:
    case WML_UINT64:
    case WML_FLOAT64:
    case WML_DATE64:
    case WML_TIME64:
    case WML_TIMESTAMP:
    case WML_DURATION:
    case WML_DECIMAL64: return 8;
    case WML_DECIMAL128: return 16;
    case WML_DECIMAL256: return 32;
    case WML_FIXED_SIZE_BINARY: return type->size;
    case WML_INTERVAL: return type->interval == WML_YEAR_MONTH ? 4 : type->interval == WML_DAY_TIME ? 8 : 16;
    case WML_DICTIONARY: {
        wml_type key = {.id = type->index};
        return wml_width_of(&key);
    }
    default: return 0;
    }
}

bool wml_has_wide_offsets(wml_type_id id) {
    return id == WML_LARGE_UTF8 || id == WML_LARGE_BINARY || id == WML_LARGE_LIST_OF;
}

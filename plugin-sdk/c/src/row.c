/* Rows as JSON objects: read, changed, put out. */
#include <stdio.h>

#include "internal.h"

typedef struct entry {
    wml_str key;
    wml_json value;
    bool is_set; /* by the plugin */
} entry;

struct wml_row {
    wml_arena *arena;
    uint32_t index; /* in the batch, or WML_NO_ROW */
    entry *entries;
    uint32_t count, capacity;
};

wml_status wml_rows_parse(wml_arena *arena, wml_str json, uint32_t rows, wml_row ***parsed) {
    wml_json array;
    WML_TRY(wml_json_parse(arena, json, &array));
    if (array.kind != WML_JSON_ARRAY || array.count != rows) return wml_fatal("the batch is no JSON array of its %u rows", rows);
    wml_row **made = wml_arena_zero(arena, rows, sizeof *made);
    wml_row *all = wml_arena_zero(arena, rows, sizeof *all);
    for (uint32_t index = 0; index < rows; index++) {
        const wml_json *object = &array.items[index];
        if (object->kind != WML_JSON_OBJECT) return wml_fatal("row %u of the batch is no JSON object", index);
        wml_row *row = made[index] = &all[index];
        row->arena = arena;
        row->index = index;
        row->count = row->capacity = object->count;
        row->entries = wml_arena_zero(arena, object->count, sizeof *row->entries);
        for (uint32_t member = 0; member < object->count; member++) {
            row->entries[member].key = object->members[member].key;
            row->entries[member].value = object->members[member].value;
        }
    }
    *parsed = made;
    return WML_OK;
}

wml_row *wml_batch_row(const wml_batch *batch, size_t row) {
    if (batch->json_rows == NULL) wml_die("the batch has columns; wml_by_rows was not called in bind");
    if (row >= batch->rows) wml_die("row %zu of a batch of %u", row, batch->rows);
    return batch->json_rows[row];
}

wml_row *wml_row_new(void) {
    wml_row *row = wml_arena_zero(wml_call_arena(), 1, sizeof *row);
    row->arena = wml_call_arena();
    row->index = WML_NO_ROW;
    return row;
}

static entry *entry_of(const wml_row *row, const char *key, size_t size) {
    for (uint32_t at = row->count; at > 0; at--) {
        entry *each = &row->entries[at - 1];
        if (each->key.size == size && memcmp(each->key.data, key, size) == 0) return each;
    }
    return NULL;
}

const wml_json *wml_row_get(const wml_row *row, const char *key) {
    const entry *found = entry_of(row, key, strlen(key));
    return found ? &found->value : NULL;
}

#define FIND(row, key)                                                                                                         \
    const wml_json *found = wml_row_get(row, key);                                                                             \
    if (found == NULL || found->kind == WML_JSON_NULL) return WML_IS_NULL

wml_found wml_row_get_int64(const wml_row *row, const char *key, int64_t *value) {
    FIND(row, key);
    return wml_json_int64(found, value) ? WML_FOUND : WML_OTHER_TYPE;
}

wml_found wml_row_get_double(const wml_row *row, const char *key, double *value) {
    FIND(row, key);
    return wml_json_double(found, value) ? WML_FOUND : WML_OTHER_TYPE;
}

wml_found wml_row_get_bool(const wml_row *row, const char *key, bool *value) {
    FIND(row, key);
    *value = found->kind == WML_JSON_TRUE;
    return found->kind == WML_JSON_TRUE || found->kind == WML_JSON_FALSE ? WML_FOUND : WML_OTHER_TYPE;
}

wml_found wml_row_get_string(const wml_row *row, const char *key, wml_str *value) {
    FIND(row, key);
    if (found->kind != WML_JSON_STRING) return WML_OTHER_TYPE;
    *value = found->text;
    return WML_FOUND;
}

void wml_row_set(wml_row *row, const char *key, const wml_json *value) {
    size_t size = strlen(key);
    entry *found = entry_of(row, key, size);
    if (found == NULL) {
        WML_GROW(row->arena, row->entries, row->count, row->capacity);
        found = &row->entries[row->count++];
        found->key = (wml_str){key, size};
    }
    found->value = *value;
    found->is_set = true;
}

void wml_row_set_null(wml_row *row, const char *key) {
    wml_row_set(row, key, &(wml_json){.kind = WML_JSON_NULL});
}

void wml_row_set_bool(wml_row *row, const char *key, bool value) {
    wml_row_set(row, key, &(wml_json){.kind = value ? WML_JSON_TRUE : WML_JSON_FALSE});
}

void wml_row_set_string(wml_row *row, const char *key, wml_str value) {
    wml_row_set(row, key, &(wml_json){.kind = WML_JSON_STRING, .text = value});
}

void wml_row_set_int64(wml_row *row, const char *key, int64_t value) {
    char text[24];
    int size = snprintf(text, sizeof text, "%lld", (long long)value);
    wml_str number = {wml_arena_text(row->arena, (wml_str){text, (size_t)size}), (size_t)size};
    wml_row_set(row, key, &(wml_json){.kind = WML_JSON_NUMBER, .text = number});
}

void wml_row_set_double(wml_row *row, const char *key, double value) {
    wml_buffer text = wml_buffer_in(row->arena);
    wml_json_write_double(&text, value);
    bool is_null = text.data[0] == 'n';
    wml_row_set(row, key, &(wml_json){.kind = is_null ? WML_JSON_NULL : WML_JSON_NUMBER, .text = wml_buffer_str(&text)});
}

void wml_emit_from(wml_out *out, size_t input_row, const wml_row *row) {
    const wml_plan *plan = out->plan;
    if (input_row != WML_NO_ROW && input_row >= out->rows) {
        out->mistake = "a row was put out that comes from a row that is not there";
        return;
    }
    WML_GROW(out->arena, out->sources, out->emitted, out->emitted_capacity);
    wml_buffer_add(&out->json, out->emitted == 0 ? "[{" : ",{", 2);
    out->sources[out->emitted++] = (uint32_t)input_row;
    bool first = true;
    uint32_t used = 0;
    for (uint32_t place = 0; place < plan->column_count; place++) {
        const wml_planned *planned = &plan->columns[place];
        if (!planned->is_new) continue;
        const entry *found = entry_of(row, planned->name.data, planned->name.size);
        if (found == NULL) continue;
        if (found->is_set) used++;
        if (!first) wml_buffer_add(&out->json, ",", 1);
        first = false;
        wml_json_write_string(&out->json, planned->name);
        wml_buffer_add(&out->json, ":", 1);
        wml_json_write(&out->json, &found->value);
    }
    wml_buffer_add(&out->json, "}", 1);
    uint32_t set = 0;
    for (uint32_t at = 0; at < row->count; at++) set += row->entries[at].is_set;
    if (set > used && out->mistake == NULL) out->mistake = "a row has a key that is no output column which the plugin writes";
}

void wml_emit(wml_out *out, const wml_row *row) {
    wml_emit_from(out, row->index, row);
}

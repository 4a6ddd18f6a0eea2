/*
 * Building columns: the buffers grow in an arena, and become a column without a copy.
 *
 * Nothing is written of validity until the first null comes; then bits are made for all values before. Functions that append
 * check the type, so a mistake is a message, not a broken column.
 */
#include "internal.h"

static void builder_init(wml_arena *arena, const wml_field *field, wml_builder *builder) {
    *builder = (wml_builder){.field = field};
    builder->has_wide_offsets = wml_has_wide_offsets(field->type.id);
    uint32_t width = wml_width_of(&field->type);
    builder->width = (uint8_t)(width > UINT8_MAX ? 0 : width);
    builder->validity = builder->offsets = builder->values = wml_buffer_in(arena);
    wml_storage storage = wml_storage_of(&field->type);
    if (storage == WML_STORED_TEXT || storage == WML_STORED_LIST) {
        wml_buffer_add(&builder->offsets, &(int64_t){0}, builder->has_wide_offsets ? 8 : 4);
    }
    builder->children = wml_arena_zero(arena, field->child_count, sizeof *builder->children);
    for (uint32_t child = 0; child < field->child_count; child++) {
        builder_init(arena, &field->children[child], &builder->children[child]);
    }
}

wml_builder *wml_builder_new(wml_arena *arena, const wml_field *field) {
    wml_builder *builder = wml_arena_alloc(arena, sizeof *builder);
    builder_init(arena, field, builder);
    return builder;
}

void wml_builder_reserve(wml_builder *builder, size_t values, size_t bytes) {
    switch (wml_storage_of(&builder->field->type)) {
    case WML_STORED_BITS: wml_buffer_reserve(&builder->values, values / 8 + 1); break;
    case WML_STORED_FIXED:
    case WML_STORED_KEYS: wml_buffer_reserve(&builder->values, values * wml_width_of(&builder->field->type)); break;
    case WML_STORED_TEXT:
        wml_buffer_reserve(&builder->offsets, values * (builder->has_wide_offsets ? 8 : 4));
        wml_buffer_reserve(&builder->values, bytes);
        break;
    case WML_STORED_LIST: wml_buffer_reserve(&builder->offsets, values * (builder->has_wide_offsets ? 8 : 4)); break;
    default: break;
    }
}

static _Noreturn void wrong_append(const wml_builder *builder, const char *as) {
    wml_die("column `%.*s` is %s and was written as %s", WML_PRINT(builder->field->name), wml_type_name(builder->field->type.id),
            as);
}

/* ---- validity ---- */

static void set_bit(uint8_t *bits, size_t position, bool value) {
    uint8_t mask = (uint8_t)(1 << (position % 8));
    bits[position / 8] = (uint8_t)(value ? bits[position / 8] | mask : bits[position / 8] & ~mask);
}

/* Makes the bitmap as long as `length` bits say, all further bits 1. */
static void extend_validity(wml_builder *builder, size_t length) {
    size_t bytes = (length + 7) / 8, present = builder->validity.size;
    if (bytes <= present) return;
    wml_buffer_reserve(&builder->validity, bytes - present);
    memset(builder->validity.data + present, 0xff, bytes - present);
    builder->validity.size = bytes;
}

static inline void count_value(wml_builder *builder) {
    builder->length++;
    if (builder->has_nulls) extend_validity(builder, builder->length);
}

void wml_set_null(wml_builder *builder, size_t position) {
    if (position >= builder->length) wml_die("value %zu of %zu is made null", position, builder->length);
    if (builder->field->type.id == WML_NULL) return;
    builder->has_nulls = true;
    extend_validity(builder, builder->length);
    set_bit((uint8_t *)builder->validity.data, position, false);
}

void wml_copy_nulls(wml_builder *builder, const wml_column *column) {
    if (column->length != builder->length) {
        wml_die("nulls of %u values are copied to %zu", column->length, builder->length);
    }
    if (column->validity == NULL) return;
    extend_validity(builder, builder->length);
    uint8_t *bits = (uint8_t *)builder->validity.data;
    for (size_t byte = 0; byte < (builder->length + 7) / 8; byte++) bits[byte] &= column->validity[byte];
    builder->has_nulls = true;
}

/* ---- fixed width ---- */

static void add_bit(wml_builder *builder, bool value) {
    if (builder->length / 8 >= builder->values.size) wml_buffer_add(&builder->values, "", 1);
    set_bit((uint8_t *)builder->values.data, builder->length, value);
}

static void add_end_of(wml_builder *builder, uint64_t end) {
    if (builder->has_wide_offsets) {
        wml_buffer_add(&builder->offsets, &end, 8);
        return;
    }
    if (end > INT32_MAX) wml_die("column `%.*s` holds more than 2 GiB", WML_PRINT(builder->field->name));
    int32_t narrow = (int32_t)end;
    wml_buffer_add(&builder->offsets, &narrow, 4);
}

static void add_zeros(wml_builder *builder, size_t size) {
    wml_buffer_reserve(&builder->values, size);
    memset(builder->values.data + builder->values.size, 0, size);
    builder->values.size += size;
}

static void append_nothing(wml_builder *builder);

/* What stands where a value is null: zeros, and nothing below. */
static void append_blank(wml_builder *builder) {
    switch (wml_storage_of(&builder->field->type)) {
    case WML_STORED_NOT: break;
    case WML_STORED_BITS: add_bit(builder, false); break;
    case WML_STORED_KEYS:
        if (!builder->field->nullable && builder->children[0].length == 0) append_nothing(&builder->children[0]);
        add_zeros(builder, builder->width);
        break;
    case WML_STORED_FIXED: add_zeros(builder, wml_width_of(&builder->field->type)); break;
    case WML_STORED_TEXT: add_end_of(builder, builder->values.size); break;
    case WML_STORED_LIST: add_end_of(builder, builder->children[0].length); break;
    case WML_STORED_FIXED_LIST:
        for (uint32_t item = 0; item < builder->field->type.size; item++) append_nothing(&builder->children[0]);
        break;
    case WML_STORED_STRUCT:
        for (uint32_t child = 0; child < builder->field->child_count; child++) append_nothing(&builder->children[child]);
        break;
    }
    count_value(builder);
}

/* Below a null: a null too where there may be one. */
static void append_nothing(wml_builder *builder) {
    append_blank(builder);
    if (builder->field->nullable) wml_set_null(builder, builder->length - 1);
}

void wml_append_null(wml_builder *builder) {
    append_blank(builder);
    wml_set_null(builder, builder->length - 1);
}

/* A value that is for a dictionary: looked up there. */
static void append_key(wml_builder *builder, wml_value value);

void wml_append_bool(wml_builder *builder, bool value) {
    wml_type_id id = builder->field->type.id;
    if (id == WML_DICTIONARY) {
        append_key(builder, (wml_value){.type = WML_BOOLEAN, .boolean = value});
        return;
    }
    if (id != WML_BOOLEAN) wrong_append(builder, "boolean");
    add_bit(builder, value);
    count_value(builder);
}

static bool is_signed(const wml_type *type) {
    switch (type->id) {
    case WML_INT8:
    case WML_INT16:
    case WML_INT32:
    case WML_INT64:
    case WML_DATE32:
    case WML_DATE64:
    case WML_TIME32:
    case WML_TIME64:
    case WML_TIMESTAMP:
    case WML_DURATION: return true;
    case WML_INTERVAL: return type->interval == WML_YEAR_MONTH;
    default: return false;
    }
}

void wml_append_int(wml_builder *builder, int64_t value) {
    const wml_type *type = &builder->field->type;
    if (type->id == WML_DICTIONARY) {
        append_key(builder, (wml_value){.type = builder->field->children[0].type.id, .integer = value});
        return;
    }
    if (!is_signed(type)) wrong_append(builder, "a signed integer");
    uint8_t width = builder->width;
    if (width < 8 && (value >> (width * 8 - 1)) != 0 && (value >> (width * 8 - 1)) != -1) {
        wml_die("%lld does not fit into column `%.*s`", (long long)value, WML_PRINT(builder->field->name));
    }
    wml_buffer_add(&builder->values, &value, width);
    count_value(builder);
}

void wml_append_uint(wml_builder *builder, uint64_t value) {
    wml_type_id id = builder->field->type.id;
    if (id == WML_DICTIONARY) {
        append_key(builder, (wml_value){.type = builder->field->children[0].type.id, .natural = value});
        return;
    }
    if (id < WML_UINT8 || id > WML_UINT64) wrong_append(builder, "an unsigned integer");
    if (builder->width < 8 && value >> (builder->width * 8) != 0) {
        wml_die("%llu does not fit into column `%.*s`", (unsigned long long)value, WML_PRINT(builder->field->name));
    }
    wml_buffer_add(&builder->values, &value, builder->width);
    count_value(builder);
}

static void append_float(wml_builder *builder, float value) {
    wml_buffer_add(&builder->values, &value, 4);
    count_value(builder);
}

void wml_append_double(wml_builder *builder, double value) {
    switch (builder->field->type.id) {
    case WML_FLOAT64: wml_buffer_add(&builder->values, &value, 8); break;
    case WML_FLOAT32: append_float(builder, (float)value); return;
    case WML_FLOAT16: {
        uint16_t half = wml_double_to_half(value);
        wml_buffer_add(&builder->values, &half, 2);
        break;
    }
    case WML_DICTIONARY:
        if (builder->field->children[0].type.id == WML_FLOAT32) {
            append_key(builder, (wml_value){.type = WML_FLOAT32, .real32 = (float)value});
        } else {
            append_key(builder, (wml_value){.type = builder->field->children[0].type.id, .real = value});
        }
        return;
    default: wrong_append(builder, "a float");
    }
    count_value(builder);
}

void wml_append_decimal(wml_builder *builder, wml_decimal value) {
    wml_type_id id = builder->field->type.id;
    if (id == WML_DICTIONARY) {
        append_key(builder, (wml_value){.type = builder->field->children[0].type.id, .decimal = value});
        return;
    }
    if (id < WML_DECIMAL32 || id > WML_DECIMAL256) wrong_append(builder, "a decimal");
    wml_buffer_add(&builder->values, value.words, builder->width);
    count_value(builder);
}

void wml_append_interval(wml_builder *builder, wml_interval value) {
    if (builder->field->type.id == WML_DICTIONARY) {
        append_key(builder, (wml_value){.type = WML_INTERVAL, .interval = value});
        return;
    }
    if (builder->field->type.id != WML_INTERVAL) wrong_append(builder, "an interval");
    switch (builder->field->type.interval) {
    case WML_YEAR_MONTH: wml_buffer_add(&builder->values, &value.months, 4); break;
    case WML_DAY_TIME: {
        int32_t parts[2] = {value.days, (int32_t)(value.nanoseconds / 1000000)};
        wml_buffer_add(&builder->values, parts, 8);
        break;
    }
    case WML_MONTH_DAY_NANO:
        wml_buffer_add(&builder->values, &value.months, 4);
        wml_buffer_add(&builder->values, &value.days, 4);
        wml_buffer_add(&builder->values, &value.nanoseconds, 8);
        break;
    }
    count_value(builder);
}

void *wml_fill(wml_builder *builder, size_t count) {
    if (wml_storage_of(&builder->field->type) != WML_STORED_FIXED) wrong_append(builder, "values of fixed width");
    size_t size = count * wml_width_of(&builder->field->type);
    wml_buffer_reserve(&builder->values, size);
    void *room = builder->values.data + builder->values.size;
    builder->values.size += size;
    builder->length += count;
    if (builder->has_nulls) extend_validity(builder, builder->length);
    return room;
}

/* ---- text ---- */

char *wml_begin_string(wml_builder *builder, size_t size) {
    wml_type_id id = builder->field->type.id;
    if (id < WML_UTF8 || id > WML_LARGE_BINARY) wrong_append(builder, "text made in place");
    wml_buffer_reserve(&builder->values, size);
    return builder->values.data + builder->values.size;
}

void wml_end_string(wml_builder *builder, size_t size) {
    builder->values.size += size;
    add_end_of(builder, builder->values.size);
    count_value(builder);
}

void wml_append_string(wml_builder *builder, wml_str text) {
    wml_type_id id = builder->field->type.id;
    if (id >= WML_UTF8 && id <= WML_LARGE_BINARY) {
        wml_buffer_add(&builder->values, text.data, text.size);
        add_end_of(builder, builder->values.size);
        count_value(builder);
        return;
    }
    if (id == WML_DICTIONARY) {
        append_key(builder, (wml_value){.type = builder->field->children[0].type.id, .text = text});
        return;
    }
    if (id != WML_FIXED_SIZE_BINARY) wrong_append(builder, "text or bytes");
    if (text.size != builder->field->type.size) {
        wml_die("column `%.*s` has values of %u bytes, not of %zu", WML_PRINT(builder->field->name), builder->field->type.size,
                text.size);
    }
    wml_buffer_add(&builder->values, text.data, text.size);
    count_value(builder);
}

/* ---- nested ---- */

void wml_append_list(wml_builder *builder) {
    wml_storage storage = wml_storage_of(&builder->field->type);
    if (storage == WML_STORED_LIST) {
        add_end_of(builder, builder->children[0].length);
    } else if (storage != WML_STORED_FIXED_LIST) {
        wrong_append(builder, "a list");
    }
    count_value(builder);
}

void wml_append_struct(wml_builder *builder) {
    if (builder->field->type.id != WML_STRUCT) wrong_append(builder, "a struct");
    count_value(builder);
}

void wml_append_value(wml_builder *builder, wml_value value) {
    if (value.type == WML_NULL) {
        wml_append_null(builder);
        return;
    }
    const wml_type *type = &builder->field->type;
    if (type->id == WML_DICTIONARY) {
        append_key(builder, value);
        return;
    }
    switch (wml_storage_of(type)) {
    case WML_STORED_NOT: wml_append_null(builder); return;
    case WML_STORED_BITS: wml_append_bool(builder, value.boolean); return;
    case WML_STORED_TEXT: wml_append_string(builder, value.text); return;
    case WML_STORED_LIST:
    case WML_STORED_FIXED_LIST:
        for (size_t item = 0; item < value.items.count; item++) {
            wml_append_value(&builder->children[0], wml_value_at(value.items.column, value.items.start + item));
        }
        wml_append_list(builder);
        return;
    case WML_STORED_STRUCT:
        for (uint32_t child = 0; child < builder->field->child_count; child++) {
            wml_append_value(&builder->children[child], wml_value_at(&value.record.column->children[child], value.record.row));
        }
        wml_append_struct(builder);
        return;
    case WML_STORED_KEYS: return;
    case WML_STORED_FIXED: break;
    }
    if (type->id == WML_FIXED_SIZE_BINARY) {
        wml_append_string(builder, value.text);
    } else if (type->id == WML_FLOAT32) {
        append_float(builder, value.real32); /* not by way of a double, which would change the bits of some NaNs */
    } else if (type->id == WML_FLOAT16 || type->id == WML_FLOAT64) {
        wml_append_double(builder, value.real);
    } else if (type->id == WML_INTERVAL) {
        wml_append_interval(builder, value.interval);
    } else if (type->id >= WML_DECIMAL32 && type->id <= WML_DECIMAL256) {
        wml_append_decimal(builder, value.decimal);
    } else if (is_signed(type)) {
        wml_append_int(builder, value.integer);
    } else {
        wml_append_uint(builder, value.natural);
    }
}

/* ---- dictionaries ---- */

/* The values of a dictionary, as bytes, hashed. */
struct wml_interning {
    uint32_t *slots; /* the key + 1; 0 is free */
    size_t size;     /* a power of 2 */
    size_t count;
    wml_str *known; /* by key */
    uint32_t known_capacity;
};

/* Bytes that are the same for the same values, and differ for others. */
static void describe(wml_buffer *bytes, wml_value value) {
    uint8_t type = (uint8_t)value.type;
    wml_buffer_add(bytes, &type, 1);
    switch (value.type) {
    case WML_NULL:
    case WML_ANY:
    case WML_DICTIONARY: break;
    case WML_BOOLEAN: wml_buffer_add(bytes, &(uint8_t){value.boolean}, 1); break;
    case WML_UTF8:
    case WML_LARGE_UTF8:
    case WML_BINARY:
    case WML_LARGE_BINARY:
    case WML_FIXED_SIZE_BINARY:
        wml_buffer_add(bytes, &(uint64_t){value.text.size}, 8);
        wml_buffer_add_str(bytes, value.text);
        break;
    case WML_FLOAT32: wml_buffer_add(bytes, &value.real32, 4); break;
    case WML_INTERVAL: wml_buffer_add(bytes, &value.interval, sizeof value.interval); break;
    case WML_DECIMAL32:
    case WML_DECIMAL64:
    case WML_DECIMAL128:
    case WML_DECIMAL256: wml_buffer_add(bytes, value.decimal.words, 32); break;
    case WML_LIST_OF:
    case WML_LARGE_LIST_OF:
    case WML_FIXED_SIZE_LIST_OF:
    case WML_MAP:
        wml_buffer_add(bytes, &(uint64_t){value.items.count}, 8);
        for (size_t item = 0; item < value.items.count; item++) {
            describe(bytes, wml_value_at(value.items.column, value.items.start + item));
        }
        break;
    case WML_STRUCT: {
        const wml_column *column = value.record.column;
        for (uint32_t child = 0; child < column->field->child_count; child++) {
            describe(bytes, wml_value_at(&column->children[child], value.record.row));
        }
        break;
    }
    default: wml_buffer_add(bytes, &value.natural, 8); break;
    }
}

static uint64_t hash_of(wml_str bytes) {
    uint64_t hash = 0xcbf29ce484222325; /* FNV-1a */
    for (size_t at = 0; at < bytes.size; at++) hash = (hash ^ (uint8_t)bytes.data[at]) * 0x100000001b3;
    return hash ^ hash >> 32;
}

static void rehash(wml_arena *arena, wml_interning *interned, size_t size) {
    interned->slots = wml_arena_zero(arena, size, sizeof *interned->slots);
    interned->size = size;
    for (size_t key = 0; key < interned->count; key++) {
        size_t slot = hash_of(interned->known[key]) & (size - 1);
        while (interned->slots[slot] != 0) slot = (slot + 1) & (size - 1);
        interned->slots[slot] = (uint32_t)key + 1;
    }
}

static void append_key(wml_builder *builder, wml_value value) {
    wml_arena *arena = builder->values.arena;
    wml_interning *interned = builder->interned;
    if (interned == NULL) {
        interned = builder->interned = wml_arena_zero(arena, 1, sizeof *interned);
        rehash(arena, interned, 64);
    }
    wml_buffer bytes = wml_buffer_in(arena);
    describe(&bytes, value);
    wml_str found = wml_buffer_str(&bytes);
    size_t slot = hash_of(found) & (interned->size - 1);
    while (interned->slots[slot] != 0 && !wml_str_equal(interned->known[interned->slots[slot] - 1], found)) {
        slot = (slot + 1) & (interned->size - 1);
    }
    if (interned->slots[slot] == 0) {
        wml_type_id index = builder->field->type.index;
        bool has_sign = index <= WML_INT64;
        unsigned bits = builder->width * 8u - (has_sign ? 1 : 0);
        if (bits < 32 && interned->count >= (size_t)1 << bits) {
            wml_die("the dictionary of column `%.*s` is full", WML_PRINT(builder->field->name));
        }
        uint32_t count = (uint32_t)interned->count;
        WML_GROW(arena, interned->known, count, interned->known_capacity);
        interned->known[interned->count++] = found;
        interned->slots[slot] = (uint32_t)interned->count;
        wml_append_value(&builder->children[0], value);
        uint64_t key = interned->count - 1;
        wml_buffer_add(&builder->values, &key, builder->width);
        if (interned->count * 2 > interned->size) rehash(arena, interned, interned->size * 2);
    } else {
        uint64_t key = interned->slots[slot] - 1;
        wml_buffer_add(&builder->values, &key, builder->width);
    }
    count_value(builder);
}

/* ---- the end ---- */

static wml_status fails(const wml_field *field, const char *child, size_t has, size_t needs) {
    return wml_fatal("column `%.*s`: %s has %zu values, not %zu", WML_PRINT(field->name), child, has, needs);
}

wml_status wml_builder_column(wml_builder *builder, wml_column *column) {
    const wml_field *field = builder->field;
    wml_column_init(column, field);
    if (builder->length > UINT32_MAX) return wml_fatal("column `%.*s` is too long", WML_PRINT(field->name));
    column->length = (uint32_t)builder->length;
    if (builder->has_nulls) column->validity = (const uint8_t *)builder->validity.data;
    column->offsets = builder->offsets.data;
    column->values = (const uint8_t *)builder->values.data;
    column->values_size = builder->values.size;
    wml_column *children = wml_arena_zero(builder->values.arena, field->child_count, sizeof *children);
    for (uint32_t child = 0; child < field->child_count; child++) {
        WML_TRY(wml_builder_column(&builder->children[child], &children[child]));
    }
    column->children = children;
    if (field->type.id == WML_STRUCT) {
        for (uint32_t child = 0; child < field->child_count; child++) {
            if (children[child].length == column->length) continue;
            return fails(field, (const char *)children[child].field->name.data, children[child].length, column->length);
        }
    }
    if (field->type.id == WML_FIXED_SIZE_LIST_OF && children[0].length != (uint64_t)column->length * field->type.size) {
        return fails(field, "its child", children[0].length, (size_t)column->length * field->type.size);
    }
    return WML_OK;
}

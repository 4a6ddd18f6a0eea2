/* Converts what crosses between the bindings' types and the SDK's. Buffers are never copied. */
#include "boundary.h"

#include <stdio.h>
#include <stdlib.h>

#include "descriptor.h"

/* ---- memory ---- */

/* The host allocates arguments with it; the bindings define a weak one. Aligned to 16, so that numbers can be read in place. */
__attribute__((__export_name__("cabi_realloc"))) void *cabi_realloc(void *old, size_t old_size, size_t align, size_t new_size) {
    if (new_size == 0) return (void *)align;
    return wml_arena_grow(wml_call_arena(), old_size == 0 ? NULL : old, old_size, new_size);
}

/* The adapter between WASI 0.1 and 0.2 keeps what it allocates, so that must not be in an arena. */
__attribute__((__export_name__("cabi_realloc_adapter"))) void *wml_realloc_adapter(void *old, size_t old_size, size_t align,
                                                                                  size_t new_size) {
    if (old_size != 0) abort();
    (void)old;
    void *made = aligned_alloc(align < 16 ? 16 : align, (new_size + 15) & ~(size_t)15);
    if (made == NULL) abort();
    return made;
}

void wml_begin_call(void) {
    static bool is_ready;
    if (is_ready) return;
    is_ready = true;
    /* A line that is printed becomes a line of the log at once. */
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
}

void wml_end_call(void) {
    wml_arena_reset(wml_call_arena());
}

/* ---- text ---- */

plugin_string_t wml_string_out(wml_str text) {
    return (plugin_string_t){(uint8_t *)(text.data ? text.data : ""), text.size};
}

plugin_string_t wml_text_out(const char *text) {
    return wml_string_out(wml_str_of(text));
}

wml_str wml_string_in(plugin_string_t text) {
    return (wml_str){wml_arena_text(wml_call_arena(), (wml_str){(const char *)text.ptr, text.len}), text.len};
}

wml_str wml_string_kept(plugin_string_t text) {
    return (wml_str){wml_arena_text(wml_plugin_arena(), (wml_str){(const char *)text.ptr, text.len}), text.len};
}

/* ---- describe, bind ---- */

void wml_describe(const wml_setting *settings, wasmill_plugin_types_descriptor_t *descriptor) {
    wml_buffer schema = wml_buffer_new();
    wml_settings_schema(&schema, settings);
    descriptor->name = wml_text_out(wml_plugin_name);
    descriptor->version = wml_text_out(wml_plugin_version);
    descriptor->summary = wml_text_out(wml_plugin_summary);
    descriptor->config_schema = wml_string_out(wml_buffer_str(&schema));
}

static wml_type type_in(const wasmill_plugin_types_data_type_t *from) {
    wml_type type = {.id = (wml_type_id)from->tag};
    switch (type.id) {
    case WML_FIXED_SIZE_BINARY: type.size = from->val.fixed_size_binary; break;
    case WML_FIXED_SIZE_LIST_OF: type.size = from->val.fixed_size_list; break;
    case WML_TIME32:
    case WML_TIME64:
    case WML_DURATION: type.unit = (wml_unit)from->val.time32; break;
    case WML_TIMESTAMP:
        type.unit = (wml_unit)from->val.timestamp.unit;
        if (from->val.timestamp.zone.is_some) {
            plugin_string_t zone = from->val.timestamp.zone.val;
            type.zone = (wml_str){zone.len ? (const char *)zone.ptr : "", zone.len};
        }
        break;
    case WML_INTERVAL: type.interval = (wml_interval_unit)from->val.interval; break;
    case WML_DECIMAL32:
    case WML_DECIMAL64:
    case WML_DECIMAL128:
    case WML_DECIMAL256:
        type.precision = from->val.decimal32.precision;
        type.scale = from->val.decimal32.scale;
        break;
    case WML_MAP: type.sorted = from->val.map; break;
    case WML_DICTIONARY: {
        static const wml_type_id INDEX[] = {WML_INT8, WML_INT16, WML_INT32, WML_INT64, WML_UINT8, WML_UINT16, WML_UINT32, WML_UINT64};
        type.index = INDEX[from->val.dictionary];
        break;
    }
    default: break;
    }
    return type;
}

/* Fields in pre-order become a tree. Returns how many were used. */
static size_t field_in(wml_arena *arena, const wasmill_plugin_types_field_t *from, wml_field *field) {
    *field = (wml_field){.name = {(const char *)from->name.ptr, from->name.len}, .nullable = from->nullable};
    field->type = type_in(&from->data_type);
    field->child_count = from->children;
    field->metadata_count = (uint32_t)from->metadata.len;
    wml_pair *metadata = wml_arena_zero(arena, from->metadata.len, sizeof *metadata);
    for (size_t entry = 0; entry < from->metadata.len; entry++) {
        plugin_tuple2_string_string_t pair = from->metadata.ptr[entry];
        metadata[entry] = (wml_pair){{(const char *)pair.f0.ptr, pair.f0.len}, {(const char *)pair.f1.ptr, pair.f1.len}};
    }
    field->metadata = metadata;
    wml_field *children = wml_arena_zero(arena, from->children, sizeof *children);
    size_t used = 1;
    for (uint32_t child = 0; child < from->children; child++) used += field_in(arena, from + used, &children[child]);
    field->children = children;
    return used;
}

static wml_schema schema_in(const wasmill_plugin_types_schema_t *from) {
    wml_arena *call = wml_call_arena(), *plugin = wml_plugin_arena();
    size_t count = 0;
    wml_field *fields = wml_arena_zero(plugin, from->fields.len, sizeof *fields);
    for (size_t at = 0; at < from->fields.len;) {
        wml_field field;
        at += field_in(call, &from->fields.ptr[at], &field);
        fields[count++] = wml_field_copy(plugin, &field);
    }
    return (wml_schema){fields, (uint32_t)count};
}

wml_status wml_bind_config(const wml_setting *settings, size_t size, const plugin_string_t *config, const void **bound) {
    void *made = wml_arena_zero(wml_plugin_arena(), 1, size);
    *bound = made;
    return wml_settings_read(wml_plugin_arena(), settings, (wml_str){(const char *)config->ptr, config->len}, made);
}

wml_status wml_bind(const wml_setting *settings, size_t config_size, size_t self_size, const plugin_string_t *config,
                    const wasmill_plugin_types_schema_t *schema, bool keep_all, wml_bound *bound) {
    WML_TRY(wml_bind_config(settings, config_size, config, &bound->config));
    wml_schema input = {NULL, 0};
    if (schema != NULL) input = schema_in(schema);
    bound->plan = wml_plan_new(wml_plugin_arena(), input, keep_all);
    bound->self = wml_arena_zero(wml_plugin_arena(), 1, self_size);
    return WML_OK;
}

wml_status wml_not_open(void) {
    return wml_fatal("called before `open`");
}

/* ---- failures ---- */

void wml_failure_out(wasmill_plugin_types_failure_t *failure) {
    const wml_failure *last = wml_last_failure();
    plugin_string_t message = wml_text_out(last->message);
    memset(failure, 0, sizeof *failure);
    switch (last->status) {
    case WML_RETRYABLE:
        failure->tag = WASMILL_PLUGIN_TYPES_FAILURE_RETRYABLE;
        failure->val.retryable.message = message;
        failure->val.retryable.after_ms.is_some = last->has_after;
        failure->val.retryable.after_ms.val = last->after_ms;
        return;
    case WML_BAD_CONFIG:
        failure->tag = WASMILL_PLUGIN_TYPES_FAILURE_BAD_CONFIG;
        failure->val.bad_config.pointer = wml_text_out(last->place);
        failure->val.bad_config.message = message;
        return;
    case WML_BAD_SCHEMA:
        failure->tag = WASMILL_PLUGIN_TYPES_FAILURE_BAD_SCHEMA;
        failure->val.bad_schema.column.is_some = last->has_place;
        failure->val.bad_schema.column.val = wml_text_out(last->place);
        failure->val.bad_schema.message = message;
        return;
    default:
        failure->tag = WASMILL_PLUGIN_TYPES_FAILURE_FATAL;
        failure->val.fatal = message;
        return;
    }
}

/* ---- batches ---- */

static size_t column_in(wml_arena *arena, const wml_field *field, const wasmill_plugin_types_node_t *node, wml_column *column) {
    wml_column_init(column, field);
    column->length = node->length;
    column->validity = node->validity.len ? node->validity.ptr : NULL;
    column->offsets = node->offsets.len ? node->offsets.ptr : NULL;
    column->values = node->values.ptr;
    column->values_size = node->values.len;
    wml_column *children = wml_arena_zero(arena, field->child_count, sizeof *children);
    size_t used = 1;
    for (uint32_t child = 0; child < field->child_count; child++) {
        used += column_in(arena, &field->children[child], node + used, &children[child]);
    }
    column->children = children;
    return used;
}

wml_status wml_batch_in(const wml_plan *plan, const wasmill_plugin_types_batch_t *from, wml_batch *batch) {
    wml_arena *arena = wml_call_arena();
    *batch = (wml_batch){.rows = from->rows};
    if (plan->by_rows) {
        if (from->values.tag != WASMILL_PLUGIN_TYPES_PAYLOAD_JSON) return wml_fatal("the batch did not come as rows");
        wml_row **rows;
        wml_str json = {(const char *)from->values.val.json.ptr, from->values.val.json.len};
        WML_TRY(wml_rows_parse(arena, json, from->rows, &rows));
        batch->json_rows = rows;
        return WML_OK;
    }
    if (from->values.tag != WASMILL_PLUGIN_TYPES_PAYLOAD_COLUMNS) return wml_fatal("the batch did not come as columns");
    wasmill_plugin_types_list_node_t nodes = from->values.val.columns;
    size_t needed = 0, at = 0;
    for (uint32_t read = 0; read < plan->read_count; read++) needed += wml_count_fields(&plan->schema.fields[plan->reads[read].position]);
    if (needed != nodes.len) return wml_fatal("the batch has %zu nodes, not %zu", nodes.len, needed);
    wml_column *columns = wml_arena_zero(arena, plan->read_count, sizeof *columns);
    for (uint32_t read = 0; read < plan->read_count; read++) {
        const wml_field *field = &plan->schema.fields[plan->reads[read].position];
        at += column_in(arena, field, &nodes.ptr[at], &columns[read]);
        if (plan->reads[read].as_values) columns[read] = wml_without_dictionary(arena, &columns[read]);
    }
    batch->columns = columns;
    return WML_OK;
}

size_t wml_count_fields(const wml_field *field) {
    size_t count = 1;
    for (uint32_t child = 0; child < field->child_count; child++) count += wml_count_fields(&field->children[child]);
    return count;
}

/* ---- what goes out ---- */

void wml_reads_out(const wml_plan *plan, plugin_list_u32_t *reads) {
    reads->ptr = wml_alloc((plan->read_count + 1) * sizeof(uint32_t));
    reads->len = plan->read_count;
    for (uint32_t read = 0; read < plan->read_count; read++) reads->ptr[read] = plan->reads[read].position;
}

uint8_t wml_encoding_out(const wml_plan *plan) {
    return plan->by_rows ? WASMILL_PLUGIN_TYPES_ENCODING_JSON : WASMILL_PLUGIN_TYPES_ENCODING_COLUMNS;
}

static wasmill_plugin_types_data_type_t type_out(const wml_type *type) {
    wasmill_plugin_types_data_type_t out = {.tag = (uint8_t)type->id};
    switch (type->id) {
    case WML_FIXED_SIZE_BINARY: out.val.fixed_size_binary = type->size; break;
    case WML_FIXED_SIZE_LIST_OF: out.val.fixed_size_list = type->size; break;
    case WML_TIME32:
    case WML_TIME64:
    case WML_DURATION: out.val.time32 = (uint8_t)type->unit; break;
    case WML_TIMESTAMP:
        out.val.timestamp.unit = (uint8_t)type->unit;
        out.val.timestamp.zone.is_some = type->zone.data != NULL;
        out.val.timestamp.zone.val = wml_string_out(type->zone);
        break;
    case WML_INTERVAL: out.val.interval = (uint8_t)type->interval; break;
    case WML_DECIMAL32:
    case WML_DECIMAL64:
    case WML_DECIMAL128:
    case WML_DECIMAL256:
        out.val.decimal32.precision = type->precision;
        out.val.decimal32.scale = type->scale;
        break;
    case WML_MAP: out.val.map = type->sorted; break;
    case WML_DICTIONARY: out.val.dictionary = (uint8_t)(type->index - WML_INT8); break;
    default: break;
    }
    return out;
}

void wml_fill_fields(const wml_field *field, wasmill_plugin_types_field_t *fields, size_t *at) {
    wasmill_plugin_types_field_t *out = &fields[(*at)++];
    *out = (wasmill_plugin_types_field_t){.name = wml_string_out(field->name), .nullable = field->nullable};
    out->data_type = type_out(&field->type);
    out->children = field->child_count;
    out->metadata.ptr = wml_arena_zero(wml_call_arena(), field->metadata_count + 1, sizeof *out->metadata.ptr);
    out->metadata.len = field->metadata_count;
    for (uint32_t entry = 0; entry < field->metadata_count; entry++) {
        out->metadata.ptr[entry].f0 = wml_string_out(field->metadata[entry].key);
        out->metadata.ptr[entry].f1 = wml_string_out(field->metadata[entry].value);
    }
    for (uint32_t child = 0; child < field->child_count; child++) wml_fill_fields(&field->children[child], fields, at);
}

wasmill_plugin_types_list_field_t wml_fields_out(const wml_field *field) {
    size_t count = wml_count_fields(field), at = 0;
    wasmill_plugin_types_list_field_t list = {wml_arena_zero(wml_call_arena(), count, sizeof *list.ptr), count};
    wml_fill_fields(field, list.ptr, &at);
    return list;
}

static plugin_list_u8_t bytes_out(const void *bytes, size_t size) {
    return (plugin_list_u8_t){bytes ? (uint8_t *)bytes : (uint8_t *)"", bytes ? size : 0};
}

void wml_fill_nodes(const wml_column *column, wasmill_plugin_types_node_t *nodes, size_t *at) {
    wasmill_plugin_types_node_t *node = &nodes[(*at)++];
    node->length = column->length;
    node->validity = bytes_out(column->validity, ((size_t)column->length + 7) / 8);
    node->offsets = bytes_out(column->offsets, ((size_t)column->length + 1) * (column->has_wide_offsets ? 8 : 4));
    node->values = bytes_out(column->values, column->values_size);
    for (uint32_t child = 0; child < column->field->child_count; child++) wml_fill_nodes(&column->children[child], nodes, at);
}

wasmill_plugin_types_list_node_t wml_nodes_out(const wml_column *column) {
    size_t count = wml_count_fields(column->field), at = 0;
    wasmill_plugin_types_list_node_t list = {wml_arena_zero(wml_call_arena(), count, sizeof *list.ptr), count};
    wml_fill_nodes(column, list.ptr, &at);
    return list;
}

void wml_finding_out(const wml_finding *finding, wasmill_plugin_types_finding_t *to) {
    to->rows = (plugin_list_u32_t){finding->rows, finding->count};
    to->rule = wml_text_out(finding->rule);
    to->column.is_some = finding->column != NULL;
    to->column.val = wml_text_out(finding->column);
    to->message = wml_text_out(finding->message);
}

/* The bindings refer to it so that an object with the component's types is linked; here `wasmill build` adds the types itself. */
void __component_type_object_force_link_plugin(void) {
}

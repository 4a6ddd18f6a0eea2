/* The exports of an extractor. */
#include "boundary.h"

static wml_bound opened;
static bool is_open;

struct wml_splits {
    exports_wasmill_plugin_extract_split_t *splits;
    uint32_t count, capacity;
};

void wml_add_split(wml_splits *splits, wml_split split) {
    wml_arena *arena = wml_call_arena();
    WML_GROW(arena, splits->splits, splits->count, splits->capacity);
    exports_wasmill_plugin_extract_split_t *made = &splits->splits[splits->count++];
    made->id = wml_text_out(wml_arena_text(arena, split.id));
    made->id.len = split.id.size;
    made->descriptor = wml_text_out(wml_arena_text(arena, split.descriptor));
    made->descriptor.len = split.descriptor.size;
    made->rows.is_some = split.has_rows;
    made->rows.val = split.rows;
    made->bytes.is_some = split.has_bytes;
    made->bytes.val = split.bytes;
}

void exports_wasmill_plugin_extract_describe(exports_wasmill_plugin_extract_descriptor_t *ret) {
    wml_describe(wml_the_extractor.settings, ret);
}

static wml_status bind(const plugin_string_t *config, wml_bound *bound) {
    const wml_extractor *plugin = &wml_the_extractor;
    wml_begin_call();
    WML_TRY(wml_bind(plugin->settings, plugin->config_size, plugin->self_size, config, NULL, true, bound));
    return plugin->bind(bound->self, bound->config, bound->plan);
}

bool exports_wasmill_plugin_extract_bind(plugin_string_t *config, exports_wasmill_plugin_extract_binding_t *ret,
                                         exports_wasmill_plugin_extract_failure_t *err) {
    wml_bound bound;
    if (bind(config, &bound) != WML_OK) {
        wml_failure_out(err);
        return false;
    }
    size_t count = 0, at = 0;
    for (uint32_t place = 0; place < bound.plan->column_count; place++) count += wml_count_fields(bound.plan->columns[place].field);
    ret->output.fields.ptr = wml_arena_zero(wml_call_arena(), count + 1, sizeof *ret->output.fields.ptr);
    ret->output.fields.len = count;
    for (uint32_t place = 0; place < bound.plan->column_count; place++) {
        wml_fill_fields(bound.plan->columns[place].field, ret->output.fields.ptr, &at);
    }
    ret->encoding = wml_encoding_out(bound.plan);
    return true;
}

static wml_status plan(const plugin_string_t *config, const exports_wasmill_plugin_extract_list_cursor_position_t *from,
                       exports_wasmill_plugin_extract_list_split_t *ret) {
    wml_bound bound;
    WML_TRY(bind(config, &bound));
    wml_cursor *cursors = wml_arena_zero(wml_call_arena(), from->len + 1, sizeof *cursors);
    for (size_t at = 0; at < from->len; at++) {
        cursors[at].split = wml_string_in(from->ptr[at].split);
        cursors[at].position = wml_string_in(from->ptr[at].position);
    }
    wml_splits splits = {0};
    WML_TRY(wml_the_extractor.plan(bound.self, cursors, from->len, &splits));
    ret->ptr = splits.splits;
    ret->len = splits.count;
    return WML_OK;
}

bool exports_wasmill_plugin_extract_plan(plugin_string_t *config, exports_wasmill_plugin_extract_list_cursor_position_t *cursors,
                                         exports_wasmill_plugin_extract_list_split_t *ret,
                                         exports_wasmill_plugin_extract_failure_t *err) {
    if (plan(config, cursors, ret) == WML_OK) return true;
    wml_failure_out(err);
    return false;
}

static wml_status open_split(const plugin_string_t *config, const exports_wasmill_plugin_extract_split_t *from) {
    WML_TRY(bind(config, &opened));
    /* It lives as long as the plugin. */
    wml_split *split = wml_arena_zero(wml_plugin_arena(), 1, sizeof *split);
    split->id = wml_string_kept(from->id);
    split->descriptor = wml_string_kept(from->descriptor);
    split->has_rows = from->rows.is_some;
    split->rows = from->rows.is_some ? from->rows.val : 0;
    split->has_bytes = from->bytes.is_some;
    split->bytes = from->bytes.is_some ? from->bytes.val : 0;
    return wml_the_extractor.open ? wml_the_extractor.open(opened.self, split) : WML_OK;
}

bool exports_wasmill_plugin_extract_open(plugin_string_t *config, exports_wasmill_plugin_extract_split_t *split,
                                         exports_wasmill_plugin_extract_failure_t *err) {
    is_open = open_split(config, split) == WML_OK;
    if (!is_open) wml_failure_out(err);
    return is_open;
}

static wml_status next(uint32_t max_rows, exports_wasmill_plugin_extract_option_extracted_t *ret) {
    if (!is_open) return wml_not_open();
    wml_begin_call();
    memset(ret, 0, sizeof *ret);
    wml_arena *arena = wml_call_arena();
    wml_out *out = wml_out_new(arena, opened.plan, NULL);
    bool more = false;
    WML_TRY(wml_the_extractor.next(opened.self, max_rows, out, &more));
    if (!more) return WML_OK;
    ret->is_some = true;
    exports_wasmill_plugin_extract_extracted_t *extracted = &ret->val;
    /* Bad records alone are a batch of no rows. */
    bool any = out->emitted != 0;
    for (int output = 0; output < opened.plan->declared; output++) any = any || out->columns[output].set != WML_NOT_SET;
    if (!any) wml_detached(out, 0);
    wml_outcome_of result;
    WML_TRY(wml_out_end(out, &result));
    extracted->rows = result.rows;
    if (opened.plan->by_rows) {
        extracted->values.tag = WASMILL_PLUGIN_TYPES_PAYLOAD_JSON;
        extracted->values.val.json = wml_string_out(result.json);
    } else {
        extracted->values.tag = WASMILL_PLUGIN_TYPES_PAYLOAD_COLUMNS;
        size_t count = 0, at = 0;
        for (uint32_t column = 0; column < result.column_count; column++) {
            count += wml_count_fields(result.columns[column].column.field);
        }
        extracted->values.val.columns.ptr = wml_arena_zero(arena, count + 1, sizeof *extracted->values.val.columns.ptr);
        extracted->values.val.columns.len = count;
        for (uint32_t column = 0; column < result.column_count; column++) {
            wml_fill_nodes(&result.columns[column].column, extracted->values.val.columns.ptr, &at);
        }
    }
    extracted->bad_records.ptr = wml_arena_zero(arena, out->bad_count + 1, sizeof *extracted->bad_records.ptr);
    extracted->bad_records.len = out->bad_count;
    for (uint32_t at = 0; at < out->bad_count; at++) {
        exports_wasmill_plugin_extract_bad_record_t *bad = &extracted->bad_records.ptr[at];
        bad->position = wml_text_out(out->bads[at].position);
        bad->raw = (plugin_list_u8_t){(uint8_t *)out->bads[at].raw.data, out->bads[at].raw.size};
        bad->rule = wml_text_out(out->bads[at].rule);
        bad->message = wml_text_out(out->bads[at].message);
    }
    return WML_OK;
}

bool exports_wasmill_plugin_extract_next(uint32_t max_rows, exports_wasmill_plugin_extract_option_extracted_t *ret,
                                         exports_wasmill_plugin_extract_failure_t *err) {
    if (next(max_rows, ret) == WML_OK) return true;
    wml_failure_out(err);
    return false;
}

static wml_status cursor(plugin_option_string_t *ret) {
    if (!is_open) return wml_not_open();
    wml_begin_call();
    const char *position = NULL;
    if (wml_the_extractor.cursor) WML_TRY(wml_the_extractor.cursor(opened.self, &position));
    ret->is_some = position != NULL;
    ret->val = wml_text_out(position);
    return WML_OK;
}

bool exports_wasmill_plugin_extract_cursor(plugin_option_string_t *ret, exports_wasmill_plugin_extract_failure_t *err) {
    if (cursor(ret) == WML_OK) return true;
    wml_failure_out(err);
    return false;
}

WML_POST_RETURN(extract, describe)
WML_POST_RETURN(extract, bind)
WML_POST_RETURN(extract, plan)
WML_POST_RETURN(extract, open)
WML_POST_RETURN(extract, next)
WML_POST_RETURN(extract, cursor)

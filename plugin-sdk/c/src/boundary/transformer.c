/* The exports of a transformer. */
#include "boundary.h"

static wml_bound opened;
static bool is_open;

void exports_wasmill_plugin_transform_describe(exports_wasmill_plugin_transform_descriptor_t *ret) {
    wml_describe(wml_the_transformer.settings, ret);
}

static wml_status bind(const plugin_string_t *config, const wasmill_plugin_types_schema_t *input, wml_bound *bound) {
    const wml_transformer *plugin = &wml_the_transformer;
    wml_begin_call();
    WML_TRY(wml_bind(plugin->settings, plugin->config_size, plugin->self_size, config, input, true, bound));
    return plugin->bind(bound->self, bound->config, bound->plan);
}

static void binding_out(const wml_plan *plan, exports_wasmill_plugin_transform_binding_t *binding) {
    wml_reads_out(plan, &binding->reads);
    binding->encoding = wml_encoding_out(plan);
    binding->output.ptr = wml_arena_zero(wml_call_arena(), plan->column_count + 1, sizeof *binding->output.ptr);
    binding->output.len = plan->column_count;
    for (uint32_t place = 0; place < plan->column_count; place++) {
        const wml_planned *planned = &plan->columns[place];
        exports_wasmill_plugin_transform_output_column_t *column = &binding->output.ptr[place];
        if (planned->is_new) {
            wasmill_plugin_types_list_field_t fields = wml_fields_out(planned->field);
            column->tag = EXPORTS_WASMILL_PLUGIN_TRANSFORM_OUTPUT_COLUMN_NEW;
            column->val.new_ = (exports_wasmill_plugin_transform_list_field_t){fields.ptr, fields.len};
        } else {
            column->tag = EXPORTS_WASMILL_PLUGIN_TRANSFORM_OUTPUT_COLUMN_KEEP;
            column->val.keep.input = planned->input;
            column->val.keep.name = wml_string_out(planned->name);
        }
    }
    static_assert((int)WML_SCOPE_SINGLE == EXPORTS_WASMILL_PLUGIN_TRANSFORM_SCOPE_SINGLE, "scopes have the numbers of wit/");
    binding->scope.tag = (uint8_t)plan->scope;
    binding->scope.val.keyed = (plugin_list_u32_t){plan->keys, plan->key_count};
}

bool exports_wasmill_plugin_transform_bind(plugin_string_t *config, exports_wasmill_plugin_transform_schema_t *input,
                                           exports_wasmill_plugin_transform_binding_t *ret,
                                           exports_wasmill_plugin_transform_failure_t *err) {
    wml_bound bound;
    if (bind(config, input, &bound) != WML_OK) {
        wml_failure_out(err);
        return false;
    }
    binding_out(bound.plan, ret);
    return true;
}

bool exports_wasmill_plugin_transform_open(plugin_string_t *config, exports_wasmill_plugin_transform_schema_t *input,
                                           exports_wasmill_plugin_transform_failure_t *err) {
    wml_status status = bind(config, input, &opened);
    if (status == WML_OK && wml_the_transformer.open) status = wml_the_transformer.open(opened.self);
    is_open = status == WML_OK;
    if (!is_open) wml_failure_out(err);
    return is_open;
}

static void output_out(const wml_out *out, const wml_outcome_of *result, exports_wasmill_plugin_transform_output_t *to) {
    exports_wasmill_plugin_transform_selection_t *rows = &to->rows;
    rows->tag = (uint8_t)result->selection;
    switch (result->selection) {
    case WML_SELECT_ALL: break;
    case WML_SELECT_BITMAP: rows->val.bitmap = (plugin_list_u8_t){out->bitmap, (out->rows + 7) / 8}; break;
    case WML_SELECT_INDICES:
        rows->val.indices.ptr = out->plan->by_rows ? out->sources : (uint32_t *)out->taken;
        rows->val.indices.len = result->selected;
        break;
    case WML_SELECT_DETACHED: rows->val.detached = result->selected; break;
    }
    if (out->plan->by_rows) {
        to->values.tag = EXPORTS_WASMILL_PLUGIN_TRANSFORM_NEW_VALUES_JSON;
        to->values.val.json = wml_string_out(result->json);
        return;
    }
    to->values.tag = EXPORTS_WASMILL_PLUGIN_TRANSFORM_NEW_VALUES_COLUMNS;
    exports_wasmill_plugin_transform_list_new_column_t *columns = &to->values.val.columns;
    columns->ptr = wml_arena_zero(wml_call_arena(), result->column_count + 1, sizeof *columns->ptr);
    columns->len = result->column_count;
    for (uint32_t at = 0; at < result->column_count; at++) {
        const wml_out_column *column = &result->columns[at];
        if (column->set == WML_SET_KEPT) {
            columns->ptr[at].tag = EXPORTS_WASMILL_PLUGIN_TRANSFORM_NEW_COLUMN_KEEP;
            columns->ptr[at].val.keep = column->kept;
            continue;
        }
        wasmill_plugin_types_list_node_t nodes = wml_nodes_out(&column->column);
        columns->ptr[at].tag = result->per_output_row ? EXPORTS_WASMILL_PLUGIN_TRANSFORM_NEW_COLUMN_PER_OUTPUT_ROW
                                                      : EXPORTS_WASMILL_PLUGIN_TRANSFORM_NEW_COLUMN_PER_INPUT_ROW;
        columns->ptr[at].val.per_input_row = (exports_wasmill_plugin_transform_list_node_t){nodes.ptr, nodes.len};
    }
}

static wml_status end(wml_out *out, exports_wasmill_plugin_transform_list_output_t *outputs) {
    wml_outcome_of result;
    WML_TRY(wml_out_end(out, &result));
    outputs->ptr = wml_arena_zero(wml_call_arena(), 1, sizeof *outputs->ptr);
    outputs->len = result.is_empty ? 0 : 1;
    if (!result.is_empty) output_out(out, &result, outputs->ptr);
    return WML_OK;
}

static wml_status process(const wasmill_plugin_types_batch_t *from, exports_wasmill_plugin_transform_processed_t *ret) {
    if (!is_open) return wml_not_open();
    wml_begin_call();
    wml_batch batch;
    WML_TRY(wml_batch_in(opened.plan, from, &batch));
    wml_out *out = wml_out_new(wml_call_arena(), opened.plan, &batch);
    WML_TRY(wml_the_transformer.process(opened.self, &batch, out));
    WML_TRY(end(out, &ret->outputs));
    ret->bad_rows.ptr = wml_arena_zero(wml_call_arena(), out->finding_count + 1, sizeof *ret->bad_rows.ptr);
    ret->bad_rows.len = out->finding_count;
    for (uint32_t at = 0; at < out->finding_count; at++) wml_finding_out(&out->findings[at], &ret->bad_rows.ptr[at]);
    return WML_OK;
}

bool exports_wasmill_plugin_transform_process(exports_wasmill_plugin_transform_batch_t *batch,
                                              exports_wasmill_plugin_transform_processed_t *ret,
                                              exports_wasmill_plugin_transform_failure_t *err) {
    if (process(batch, ret) == WML_OK) return true;
    wml_failure_out(err);
    return false;
}

static wml_status finish(exports_wasmill_plugin_transform_list_output_t *ret) {
    if (!is_open) return wml_not_open();
    wml_begin_call();
    *ret = (exports_wasmill_plugin_transform_list_output_t){wml_alloc(16), 0};
    if (wml_the_transformer.finish == NULL) return WML_OK;
    wml_out *out = wml_out_new(wml_call_arena(), opened.plan, NULL);
    WML_TRY(wml_the_transformer.finish(opened.self, out));
    return end(out, ret);
}

bool exports_wasmill_plugin_transform_finish(exports_wasmill_plugin_transform_list_output_t *ret,
                                             exports_wasmill_plugin_transform_failure_t *err) {
    if (finish(ret) == WML_OK) return true;
    wml_failure_out(err);
    return false;
}

WML_POST_RETURN(transform, describe)
WML_POST_RETURN(transform, bind)
WML_POST_RETURN(transform, open)
WML_POST_RETURN(transform, process)
WML_POST_RETURN(transform, finish)

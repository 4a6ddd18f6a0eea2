/* The exports of a loader. */
#include "boundary.h"

static wml_bound opened;
static bool is_open;

void exports_wasmill_plugin_load_describe(exports_wasmill_plugin_load_descriptor_t *ret) {
    wml_describe(wml_the_loader.settings, ret);
}

static wml_status bind(const plugin_string_t *config, const wasmill_plugin_types_schema_t *input, wml_bound *bound) {
    const wml_loader *plugin = &wml_the_loader;
    wml_begin_call();
    WML_TRY(wml_bind(plugin->settings, plugin->config_size, plugin->self_size, config, input, false, bound));
    return plugin->bind(bound->self, bound->config, bound->plan);
}

bool exports_wasmill_plugin_load_bind(plugin_string_t *config, exports_wasmill_plugin_load_schema_t *input,
                                      exports_wasmill_plugin_load_binding_t *ret, exports_wasmill_plugin_load_failure_t *err) {
    wml_bound bound;
    if (bind(config, input, &bound) != WML_OK) {
        wml_failure_out(err);
        return false;
    }
    wml_reads_out(bound.plan, &ret->reads);
    ret->encoding = wml_encoding_out(bound.plan);
    return true;
}

static wml_status open_attempt(const plugin_string_t *config, const wasmill_plugin_types_schema_t *input,
                               const exports_wasmill_plugin_load_attempt_t *from) {
    WML_TRY(bind(config, input, &opened));
    /* It lives as long as the plugin. */
    wml_attempt *attempt = wml_arena_zero(wml_plugin_arena(), 1, sizeof *attempt);
    attempt->run = wml_string_kept(from->run);
    attempt->split = wml_string_kept(from->split);
    attempt->attempt = wml_string_kept(from->attempt);
    return wml_the_loader.open ? wml_the_loader.open(opened.self, attempt) : WML_OK;
}

bool exports_wasmill_plugin_load_open(plugin_string_t *config, exports_wasmill_plugin_load_schema_t *input,
                                      exports_wasmill_plugin_load_attempt_t *attempt, exports_wasmill_plugin_load_failure_t *err) {
    is_open = open_attempt(config, input, attempt) == WML_OK;
    if (!is_open) wml_failure_out(err);
    return is_open;
}

static wml_status write(const wasmill_plugin_types_batch_t *from, exports_wasmill_plugin_load_list_finding_t *ret) {
    if (!is_open) return wml_not_open();
    wml_begin_call();
    wml_batch batch;
    WML_TRY(wml_batch_in(opened.plan, from, &batch));
    wml_out *out = wml_out_new(wml_call_arena(), opened.plan, &batch);
    WML_TRY(wml_the_loader.write(opened.self, &batch, out));
    if (out->mistake != NULL) return wml_fatal("%s", out->mistake);
    ret->ptr = wml_arena_zero(wml_call_arena(), out->finding_count + 1, sizeof *ret->ptr);
    ret->len = out->finding_count;
    for (uint32_t at = 0; at < out->finding_count; at++) wml_finding_out(&out->findings[at], &ret->ptr[at]);
    return WML_OK;
}

bool exports_wasmill_plugin_load_write(exports_wasmill_plugin_load_batch_t *batch, exports_wasmill_plugin_load_list_finding_t *ret,
                                       exports_wasmill_plugin_load_failure_t *err) {
    if (write(batch, ret) == WML_OK) return true;
    wml_failure_out(err);
    return false;
}

static wml_status finish(exports_wasmill_plugin_load_receipt_t *ret) {
    if (!is_open) return wml_not_open();
    wml_begin_call();
    wml_receipt receipt = {0};
    WML_TRY(wml_the_loader.finish(opened.self, &receipt));
    ret->rows = receipt.rows;
    ret->reference = wml_string_out(receipt.reference);
    return WML_OK;
}

bool exports_wasmill_plugin_load_finish(exports_wasmill_plugin_load_receipt_t *ret, exports_wasmill_plugin_load_failure_t *err) {
    if (finish(ret) == WML_OK) return true;
    wml_failure_out(err);
    return false;
}

static wml_status end(wml_status (*end)(const void *, wml_str, const wml_receipt *, size_t), const plugin_string_t *config,
                      plugin_string_t run, const exports_wasmill_plugin_load_list_receipt_t *from) {
    wml_begin_call();
    const void *bound;
    WML_TRY(wml_bind_config(wml_the_loader.settings, wml_the_loader.config_size, config, &bound));
    wml_receipt *receipts = wml_arena_zero(wml_call_arena(), from->len + 1, sizeof *receipts);
    for (size_t at = 0; at < from->len; at++) {
        receipts[at].rows = from->ptr[at].rows;
        receipts[at].reference = wml_string_in(from->ptr[at].reference);
    }
    return end ? end(bound, wml_string_in(run), receipts, from->len) : WML_OK;
}

bool exports_wasmill_plugin_load_commit(plugin_string_t *config, plugin_string_t *run,
                                        exports_wasmill_plugin_load_list_receipt_t *receipts,
                                        exports_wasmill_plugin_load_failure_t *err) {
    if (end(wml_the_loader.commit, config, *run, receipts) == WML_OK) return true;
    wml_failure_out(err);
    return false;
}

bool exports_wasmill_plugin_load_abort(plugin_string_t *config, plugin_string_t *run,
                                       exports_wasmill_plugin_load_list_receipt_t *receipts,
                                       exports_wasmill_plugin_load_failure_t *err) {
    if (end(wml_the_loader.abort, config, *run, receipts) == WML_OK) return true;
    wml_failure_out(err);
    return false;
}

WML_POST_RETURN(load, describe)
WML_POST_RETURN(load, bind)
WML_POST_RETURN(load, open)
WML_POST_RETURN(load, write)
WML_POST_RETURN(load, finish)
WML_POST_RETURN(load, commit)
WML_POST_RETURN(load, abort)

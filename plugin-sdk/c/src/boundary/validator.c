/* The exports of a validator. */
#include "boundary.h"

static wml_bound opened;
static bool is_open;

struct wml_conclusion {
    exports_wasmill_plugin_validate_rule_result_t *rules;
    uint32_t rule_count, rule_capacity;
    exports_wasmill_plugin_validate_metric_t *metrics;
    uint32_t metric_count, metric_capacity;
};

void wml_rule(wml_conclusion *conclusion, const char *rule, const char *column, wml_outcome outcome, uint64_t checked,
              uint64_t violated, const char *format, ...) {
    wml_buffer message = wml_buffer_new();
    va_list arguments;
    va_start(arguments, format);
    wml_buffer_vprintf(&message, format, arguments);
    va_end(arguments);
    WML_GROW(wml_call_arena(), conclusion->rules, conclusion->rule_count, conclusion->rule_capacity);
    exports_wasmill_plugin_validate_rule_result_t *made = &conclusion->rules[conclusion->rule_count++];
    *made = (exports_wasmill_plugin_validate_rule_result_t){.checked = checked, .violated = violated, .outcome = (uint8_t)outcome};
    made->rule = wml_text_out(wml_printf("%s", rule));
    made->column.is_some = column != NULL;
    made->column.val = wml_text_out(column ? wml_printf("%s", column) : "");
    made->message = wml_string_out(wml_buffer_str(&message));
}

void wml_metric(wml_conclusion *conclusion, const char *name, double value) {
    WML_GROW(wml_call_arena(), conclusion->metrics, conclusion->metric_count, conclusion->metric_capacity);
    exports_wasmill_plugin_validate_metric_t *made = &conclusion->metrics[conclusion->metric_count++];
    *made = (exports_wasmill_plugin_validate_metric_t){wml_text_out(wml_printf("%s", name)), value};
}

void exports_wasmill_plugin_validate_describe(exports_wasmill_plugin_validate_descriptor_t *ret) {
    wml_describe(wml_the_validator.settings, ret);
}

static wml_status bind(const plugin_string_t *config, const wasmill_plugin_types_schema_t *input, wml_bound *bound) {
    const wml_validator *plugin = &wml_the_validator;
    wml_begin_call();
    WML_TRY(wml_bind(plugin->settings, plugin->config_size, plugin->self_size, config, input, false, bound));
    return plugin->bind(bound->self, bound->config, bound->plan);
}

bool exports_wasmill_plugin_validate_bind(plugin_string_t *config, exports_wasmill_plugin_validate_schema_t *input,
                                          exports_wasmill_plugin_validate_binding_t *ret,
                                          exports_wasmill_plugin_validate_failure_t *err) {
    wml_bound bound;
    if (bind(config, input, &bound) != WML_OK) {
        wml_failure_out(err);
        return false;
    }
    wml_reads_out(bound.plan, &ret->reads);
    ret->encoding = wml_encoding_out(bound.plan);
    return true;
}

bool exports_wasmill_plugin_validate_open(plugin_string_t *config, exports_wasmill_plugin_validate_schema_t *input,
                                          exports_wasmill_plugin_validate_failure_t *err) {
    wml_status status = bind(config, input, &opened);
    if (status == WML_OK && wml_the_validator.open) status = wml_the_validator.open(opened.self);
    is_open = status == WML_OK;
    if (!is_open) wml_failure_out(err);
    return is_open;
}

static void *new_state(void) {
    return wml_arena_zero(wml_call_arena(), 1, wml_the_validator.state_size + 1);
}

static wml_status check(const wasmill_plugin_types_batch_t *from, exports_wasmill_plugin_validate_verdict_t *ret) {
    if (!is_open) return wml_not_open();
    wml_begin_call();
    wml_batch batch;
    WML_TRY(wml_batch_in(opened.plan, from, &batch));
    wml_out *out = wml_out_new(wml_call_arena(), opened.plan, &batch);
    void *state = new_state();
    WML_TRY(wml_the_validator.check(opened.self, &batch, out, state));
    if (out->mistake != NULL) return wml_fatal("%s", out->mistake);
    ret->violations.ptr = wml_arena_zero(wml_call_arena(), out->finding_count + 1, sizeof *ret->violations.ptr);
    ret->violations.len = out->finding_count;
    for (uint32_t at = 0; at < out->finding_count; at++) {
        bool is_warning = out->findings[at].is_warning;
        ret->violations.ptr[at].severity =
            is_warning ? EXPORTS_WASMILL_PLUGIN_VALIDATE_SEVERITY_WARN : EXPORTS_WASMILL_PLUGIN_VALIDATE_SEVERITY_REJECT;
        wml_finding_out(&out->findings[at], &ret->violations.ptr[at].finding);
    }
    ret->partial = (plugin_list_u8_t){state, wml_the_validator.state_size};
    return WML_OK;
}

bool exports_wasmill_plugin_validate_check(exports_wasmill_plugin_validate_batch_t *batch,
                                           exports_wasmill_plugin_validate_verdict_t *ret,
                                           exports_wasmill_plugin_validate_failure_t *err) {
    if (check(batch, ret) == WML_OK) return true;
    wml_failure_out(err);
    return false;
}

/* A state lies where the host has put it, aligned. An empty one is that of an empty table. */
static wml_status state_in(plugin_list_u8_t from, void **state) {
    *state = from.ptr;
    if (from.len == 0) *state = new_state();
    if (from.len == 0 || from.len == wml_the_validator.state_size) return WML_OK;
    return wml_fatal("a partial state has %zu bytes, not %zu", from.len, wml_the_validator.state_size);
}

static wml_status merge(const plugin_list_list_u8_t *partials, plugin_list_u8_t *ret) {
    if (!is_open) return wml_not_open();
    wml_begin_call();
    void *merged = new_state();
    for (size_t at = 0; at < partials->len && wml_the_validator.state_size != 0; at++) {
        void *state;
        WML_TRY(state_in(partials->ptr[at], &state));
        if (wml_the_validator.merge == NULL) return wml_fatal("the plugin has a state and no `merge`");
        WML_TRY(wml_the_validator.merge(opened.self, merged, state));
    }
    *ret = (plugin_list_u8_t){merged, wml_the_validator.state_size};
    return WML_OK;
}

bool exports_wasmill_plugin_validate_merge(plugin_list_list_u8_t *partials, plugin_list_u8_t *ret,
                                           exports_wasmill_plugin_validate_failure_t *err) {
    if (merge(partials, ret) == WML_OK) return true;
    wml_failure_out(err);
    return false;
}

static wml_status conclude(plugin_list_u8_t from, exports_wasmill_plugin_validate_conclusion_t *ret) {
    if (!is_open) return wml_not_open();
    wml_begin_call();
    void *state;
    WML_TRY(state_in(from, &state));
    wml_conclusion conclusion = {0};
    if (wml_the_validator.conclude) WML_TRY(wml_the_validator.conclude(opened.self, state, &conclusion));
    ret->rules.ptr = conclusion.rules;
    ret->rules.len = conclusion.rule_count;
    ret->metrics.ptr = conclusion.metrics;
    ret->metrics.len = conclusion.metric_count;
    return WML_OK;
}

bool exports_wasmill_plugin_validate_conclude(plugin_list_u8_t *state, exports_wasmill_plugin_validate_conclusion_t *ret,
                                              exports_wasmill_plugin_validate_failure_t *err) {
    if (conclude(*state, ret) == WML_OK) return true;
    wml_failure_out(err);
    return false;
}

WML_POST_RETURN(validate, describe)
WML_POST_RETURN(validate, bind)
WML_POST_RETURN(validate, open)
WML_POST_RETURN(validate, check)
WML_POST_RETURN(validate, merge)
WML_POST_RETURN(validate, conclude)

/* The exports of a notifier. */
#include "boundary.h"

void exports_wasmill_plugin_notify_describe(exports_wasmill_plugin_notify_descriptor_t *ret) {
    wml_describe(wml_the_notifier.settings, ret);
}

static wml_status bind(const plugin_string_t *config, const void **bound) {
    wml_begin_call();
    WML_TRY(wml_bind_config(wml_the_notifier.settings, wml_the_notifier.config_size, config, bound));
    return wml_the_notifier.bind ? wml_the_notifier.bind(*bound) : WML_OK;
}

bool exports_wasmill_plugin_notify_bind(plugin_string_t *config, exports_wasmill_plugin_notify_failure_t *err) {
    const void *bound;
    if (bind(config, &bound) == WML_OK) return true;
    wml_failure_out(err);
    return false;
}

static wml_status notify(const plugin_string_t *config, const exports_wasmill_plugin_notify_event_t *from) {
    const void *bound;
    WML_TRY(bind(config, &bound));
    wml_event event = {.severity = (wml_severity)from->severity, .time_ms = from->time_ms};
    event.kind = wml_string_in(from->kind);
    event.pipeline = wml_string_in(from->pipeline);
    event.run = wml_string_in(from->run);
    event.dedup_key = wml_string_in(from->dedup_key);
    event.summary = wml_string_in(from->summary);
    event.details = wml_string_in(from->details);
    return wml_the_notifier.notify(bound, &event);
}

bool exports_wasmill_plugin_notify_notify(plugin_string_t *config, exports_wasmill_plugin_notify_event_t *event,
                                          exports_wasmill_plugin_notify_failure_t *err) {
    if (notify(config, event) == WML_OK) return true;
    wml_failure_out(err);
    return false;
}

WML_POST_RETURN(notify, describe)
WML_POST_RETURN(notify, bind)
WML_POST_RETURN(notify, notify)
